"""A stack's outputs now, compared with the earlier ones, and who imports the exports among them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from belay.errors import UnreadableTemplate
from belay.masking import masked_parameter
from belay.stack.cause import Event, in_order
from belay.stack.stuck import Resource
from belay.template.loader import load
from belay.template.no_echo import secret_outputs


@dataclass(frozen=True)
class Output:
    """The value of an output, and the name that it is exported under, if it is."""

    value: str
    export: str | None = None


@dataclass(frozen=True)
class ChangedOutput:
    """An output that has changed: ``before`` or ``now`` is None if it did or does not exist.

    ``explained``: it contains the new physical id or attributes of a replaced resource. ``importers`` are the names of
    the stacks that import its export.
    """

    name: str
    before: Output | None
    now: Output | None
    explained: bool = False
    importers: tuple[str, ...] = ()

    @property
    def exports(self) -> tuple[str, ...]:
        """The names under which it was and is exported."""
        found = (each.export for each in (self.before, self.now) if each is not None and each.export is not None)
        return tuple(dict.fromkeys(found))

    def in_words(self) -> str:
        """Its former and current value."""
        was, now = (f"“{each.value}”" if each else "not there" for each in (self.before, self.now))
        return f"the output {self.name} was {was} and is {now}"


def outputs_of(description: Mapping[str, Any]) -> dict[str, Output]:
    """Return the outputs of one element of DescribeStacks' ``Stacks``, by their names
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Output.html).
    """
    return {
        each["OutputKey"]: Output(each.get("OutputValue", ""), each.get("ExportName"))
        for each in description.get("Outputs") or ()
    }


def shown_outputs(outputs: Mapping[str, Output], templates: Iterable[bytes]) -> dict[str, Output]:
    """Return outputs with the values masked that contain a secret by one of these templates, or by their names.

    If a template cannot be read, every value is masked.
    """
    secret: set[str] = set()
    for template in templates:
        try:
            secret |= secret_outputs(load(template, "template"))
        except UnreadableTemplate:
            secret |= outputs.keys()
    return {name: replace(each, value=masked_parameter(name, each.value, secret)) for name, each in outputs.items()}


def changed_outputs(
    before: Mapping[str, Output],
    now: Mapping[str, Output],
    replaced: Mapping[str, str],
    tells_of_replaced: Callable[[str], bool],
) -> Iterator[ChangedOutput]:
    """Yield the outputs that differ.

    ``replaced`` maps the physical ids of replaced resources to those that they have now; ``tells_of_replaced`` returns
    whether an output's value depends on such a resource, and is called only if its value does not show that.
    """
    for name in sorted(before.keys() | now.keys()):
        was, has = before.get(name), now.get(name)
        if was == has:
            continue
        explained = False
        if was is not None and has is not None and was.export == has.export:
            explained = _mapped(was, replaced) == has or tells_of_replaced(name)
        yield ChangedOutput(name, was, has, explained)


def replaced_ids(events: Mapping[str, Sequence[Event]], resources: Mapping[str, Sequence[Resource]]) -> dict[str, str]:
    """Return the former physical ids of resources that were replaced, each with the one that the resource has now.

    ``events`` are those since the operation began, ``resources`` ListStackResources' StackResourceSummaries, both by
    the id of the stack and of each nested stack.
    """
    found: dict[str, str] = {}
    for stack_id, those in events.items():
        now = {each["LogicalResourceId"]: each.get("PhysicalResourceId") for each in resources.get(stack_id, ())}
        for event in in_order(those):
            old, new = event.get("PhysicalResourceId"), now.get(event["LogicalResourceId"])
            if old and new and old != new:
                found[str(old)] = str(new)
    return found


def _mapped(output: Output, replaced: Mapping[str, str]) -> Output:
    """Return a former output with current physical ids, replaced longest first."""
    ids = "|".join(re.escape(each) for each in sorted(replaced, key=len, reverse=True))
    value = re.sub(ids, lambda found: replaced[found[0]], output.value) if ids else output.value
    return replace(output, value=value)
