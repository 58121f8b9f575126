"""The existing resources of a stack and its nested stacks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NESTED_STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class StackResource:
    """One resource: ``path`` is its logical path (``Network/Web``), ``physical_id`` its id in AWS."""

    path: str
    resource_type: str
    physical_id: str


def resources_of(stack_id: str, summaries: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[StackResource, ...]:
    """Return the existing resources of a stack, including nested stacks.

    ``summaries`` are ListStackResources' StackResourceSummaries by stack id
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceSummary.html).
    """
    return tuple(_walked(stack_id, "", summaries))


def _walked(stack_id: str, above: str, summaries: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[StackResource]:
    for summary in summaries.get(stack_id, ()):
        physical_id = summary.get("PhysicalResourceId")
        if not physical_id or summary["ResourceStatus"] == "DELETE_COMPLETE":
            continue
        path = f"{above}{summary['LogicalResourceId']}"
        yield StackResource(path, summary["ResourceType"], physical_id)
        if summary["ResourceType"] == NESTED_STACK:
            yield from _walked(physical_id, f"{path}/", summaries)
