"""Writes docs/functions.md from the template: the permissions and callers of each function."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any

import yaml

from statemachines.document import FUNCTIONS, HERE, definition_of, flattened, machines

PAGE = HERE.parent / "docs" / "functions.md"
TEMPLATES = ("template.yaml", "database_changes.yaml", "plans.yaml")
READS = re.compile(r":(BatchGet|Describe|Detect|Get|List|Query|Simulate)")

_ABOUT = """\
# What each function may do

Generated from `template.yaml` and what it nests, the state machines and `functions/` by `make docs`.

Each Lambda function has the steps that need the same permissions, timeout and memory: this keeps the number of cold
starts low without giving a step permissions it does not need. Functions with different callers are separate. What
reads uploads has no access to stacks and databases; what plans cannot execute; deploying, recovering stacks,
recovering databases and deleting snapshots are separate.

A test compares the permissions of each function with the calls its code can make: a missing and an unused permission
both fail. The templates say on which resources, and why where that is not obvious.

| function | purpose | steps | called by | may change or send | may read | limits |
| --- | --- | --- | --- | --- | --- | --- |"""


class _Loader(yaml.CSafeLoader):
    """YAML with CloudFormation's short forms, which become their arguments."""


_Loader.add_multi_constructor(
    "!", lambda loader, _, node: loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None
)


def page(*templates: str) -> str:
    """Return the page for the texts of the templates."""
    resources: dict[str, Any] = {}
    for each in templates:
        resources |= yaml.load(each, Loader=_Loader)["Resources"]  # noqa: S506  a loader of our own, which is safe
    functions = {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    return "\n".join([_ABOUT, *(_row(name, functions[name]) for name in sorted(functions)), ""])


def _row(logical_id: str, properties: Mapping[str, Any]) -> str:
    function = properties["Handler"].removesuffix(".app.handler")
    granted = sorted(set(_actions(properties)))
    steps = [path.stem for path in sorted((FUNCTIONS / function).glob("*.py")) if path.name != "app.py"]
    cells = [
        f"`{function}`",
        properties["Description"],
        ", ".join(steps),
        ", ".join(_callers(logical_id, properties)),
        "; ".join(_by_service(each for each in granted if not READS.search(each))),
        ", ".join(dict.fromkeys(each.split(":")[0] for each in granted if READS.search(each))),
        f"{properties.get('Timeout', 60)} s, {properties.get('MemorySize', 512)} MB",
    ]
    return f"| {' | '.join(cells)} |"


def _by_service(actions: Iterable[str]) -> Iterator[str]:
    for service, named in groupby((each.split(":") for each in actions), key=lambda each: each[0]):
        yield f"{service}: {', '.join(action for _, action in named)}"


def _actions(properties: Mapping[str, Any]) -> Iterator[str]:
    for policy in properties["Policies"]:
        for statement in policy["Statement"]:
            yield from [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]


def _callers(logical_id: str, properties: Mapping[str, Any]) -> Sequence[str]:
    target = f"${{{logical_id}Arn}}"
    called_by = [
        f"the state machine {machine}"
        for machine in machines()
        if any(each.get("Arguments", {}).get("FunctionName") == target for each in _tasks(machine))
    ]
    if "FunctionUrlConfig" in properties:
        signed = properties["FunctionUrlConfig"]["AuthType"] == "AWS_IAM"
        called_by.append("people, by a signed request" if signed else "anyone with a link that Belay sent")
    for event in properties.get("Events", {}).values():
        called_by.append(_source(event))
    return list(dict.fromkeys(called_by)) or ["an Invoke action of a pipeline"]


@cache
def _tasks(machine: str) -> list[Mapping[str, Any]]:
    return [state for state in flattened(definition_of(machine))["States"].values() if state["Type"] == "Task"]


def _source(event: Mapping[str, Any]) -> str:
    if event["Type"] == "EventBridgeRule":
        return f"events of {event['Properties']['Pattern']['source'][0]}"
    return "a schedule" if event["Type"] == "Schedule" else "Belay's topic"


def main() -> None:
    """Regenerate the page."""
    PAGE.write_text(page(*((HERE.parent / name).read_text() for name in TEMPLATES)))


if __name__ == "__main__":
    main()
