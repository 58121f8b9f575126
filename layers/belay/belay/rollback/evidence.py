"""What proves that a stack is as it was before a failed operation, and what is left without proof.

A recovery succeeds only with evidence for every resource that the operation touched. Either its own rollback event
succeeded; or drift detection found it IN_SYNC; or the stack's template, parameters and tags are the earlier ones, and
its rollback was not continued without the resource, because then "the state of the skipped resources will be
inconsistent with the state of the resources in the stack template"
(https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from belay.release.left_to_do import Choice, LeftToDo
from belay.rollback.attempts import left, status_of
from belay.rollback.plan import Remark, Todo
from belay.rollback.situation import Situation, StackSeen
from belay.stack.command_line import detect_drift_command
from belay.stack.stack_id import name_of_stack
from belay.stack.trace import Trace, UnprovedResource

UNKNOWN_TO_DRIFT: Final = "UNSUPPORTED"
"""Recorded as a drift status if CloudFormation cannot tell: it does not know the type, or lacks read permission."""


def doubtful(seen: StackSeen) -> tuple[UnprovedResource, ...]:
    """Return the resources for which only drift detection can be evidence."""
    return tuple(
        each
        for each in seen.unproved
        if each.trace is Trace.SKIPPED or (each.trace is Trace.SILENT and not seen.at_baseline)
    )


def is_proved(resource: UnprovedResource) -> bool:
    """Whether drift detection found a resource IN_SYNC, without evidence to the contrary."""
    return resource.drift == "IN_SYNC" and resource.left is None


def left_unproved(situation: Situation) -> Iterator[Todo]:
    """Yield what no step restores although the stacks are as they were: undeleted or unverifiable resources.

    A type without drift detection is reported, but alone is no reason to call a person.
    """
    for seen in situation.stacks:
        for each in seen.unproved if not seen.exists or status_of(seen).updatable else ():
            if each.trace.outlives:
                yield _kept(seen, each)
            elif _cannot_be_seen(each):
                told = f"no event shows that {each.path} ({each.resource_type}) was rolled back, and {_why_left(each)}"
                yield Remark(seen.stack, told, follow_up=True)
        yield from _left_of_outputs(seen)
        yield from left_changed(seen)


def _left_of_outputs(seen: StackSeen) -> Iterator[Todo]:
    """Outputs of a stack back at its baseline are as they were, unless they depend on replaced resources."""
    for each in seen.outputs if seen.at_baseline else ():
        if each.importers:
            why = f"{each.in_words()}, and {', '.join(each.importers)} import it: what they hold is the former value."
            users = ", ".join(each.importers)
            ways = (
                Choice(f"update {users} with their own templates", "nothing is lost: they take the current value"),
                Choice("leave them as they are", f"nothing is lost, but {users} use what may not exist any more"),
            )
            yield left(seen, why, what=f"update {users}", choices=ways)
        elif each.explained:
            yield Remark(seen.stack, f"{each.in_words()}: the resource that it describes was replaced")
        else:
            why = f"{each.in_words()}, although the template, the parameters and the tags are the earlier ones."
            ways = (
                Choice("find the resource that it describes, and restore it manually", "its current value is lost"),
                Choice("accept the current value", "nothing is lost; the next release starts from it"),
            )
            yield left(seen, why, what=f"find out what makes the output {each.name} differ", choices=ways)


def naming_importers(seen: StackSeen, todos: tuple[Todo, ...]) -> tuple[Todo, ...]:
    """For a stack that cannot be rolled back, name the other stacks that keep its exports from changing.

    "You can't modify or remove an output value that is referenced by another stack"
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html).
    """
    used = [
        f"the export {', '.join(each.exports)} is imported by {', '.join(each.importers)}, and an export in use can be "
        "neither changed nor removed"
        for each in seen.outputs
        if each.importers and not seen.at_baseline
    ]
    named = f" Of what would change back, {'; '.join(used)}." if used else ""
    return tuple(replace(todo, why=todo.why + named) if isinstance(todo, LeftToDo) else todo for todo in todos)


def left_changed(seen: StackSeen) -> Iterator[LeftToDo]:
    """Leave to a person the values that a stack keeps, or may keep, although it was rolled back."""
    for each in seen.kept if seen.exists else ():
        ways = (
            Choice("keep today's value", "the earlier value is given up"),
            Choice("deploy a release with the earlier value", "today's value is given up"),
        )
        what = f"decide about {each.what}: keep today's value, or deploy a release with the earlier value"
        yield left(seen, f"the stack uses {each.in_words()}.", what=what, choices=ways)


def left_in_doubt(seen: StackSeen, resources: Iterable[UnprovedResource]) -> tuple[LeftToDo, ...]:
    """Leave to a person the resources that drift detection does not find in sync and that no step restores."""
    return tuple(
        left(
            seen,
            f"{_DOUBT[each.trace]} {each.path} ({each.resource_type}), and {_why_left(each)}. Until it matches the "
            "template, a later update may fail and leave the stack beyond recovery.",
            what=f"make {each.path} match the template",
            look=detect_drift_command(each.stack_id, each.logical_id),
            choices=_ways_out_of(each),
        )
        for each in resources
        if not is_proved(each) and not _cannot_be_seen(each)
    )


_DOUBT: Final = {Trace.SKIPPED: "its rollback skipped", Trace.SILENT: "no event shows that it rolled back"}


def _ways_out_of(resource: UnprovedResource) -> tuple[Choice, ...]:
    return (
        Choice(
            f"change {resource.path} manually to match the template, then compare again",
            "what was changed on it since is lost",
        ),
        Choice(
            f"release a version whose template says what {resource.path} is now",
            "what it was before is given up; nothing else is lost",
        ),
    )


def _cannot_be_seen(resource: UnprovedResource) -> bool:
    return resource.trace is Trace.SILENT and resource.drift == UNKNOWN_TO_DRIFT


def _why_left(resource: UnprovedResource) -> str:
    if resource.left is not None:
        return resource.left.rstrip(".")
    if resource.drift == UNKNOWN_TO_DRIFT:
        why = f" ({resource.differences.rstrip('.')})" if resource.differences else ""
        return f"CloudFormation cannot tell whether it matches the template{why}: compare them manually"
    if resource.drift == "DELETED" and resource.stateful:
        return "it was deleted with its data: a new one would be empty"
    return f"it differs from the template{': ' + resource.differences if resource.differences else ''}"


def _kept(seen: StackSeen, resource: UnprovedResource) -> Todo:
    """A resource that nothing refers to any more; a name in its template blocks the next deployment."""
    what = resource.named
    if resource.trace is Trace.RETAINED and not _is_in_the_way(resource):
        return Remark(
            seen.stack, f"{what} still exists outside of the stack, kept by its deletion policy", follow_up=True
        )
    why = resource.reason.strip().rstrip(".") or "its policy keeps it"
    return LeftToDo(
        seen.stack,
        f"save what you need of {what}, then delete it",
        f"it still exists outside of the stack ({why}), and may block the next deployment.",
        choices=(
            Choice(f"delete {resource.physical_id} manually", "its content is lost"),
            Choice("keep it, and use another name in the next version", "nothing is lost; it still costs money"),
        ),
    )


def _is_in_the_way(resource: UnprovedResource) -> bool:
    """Whether a resource has a name that its template sets, so that no other one can be created beside it.

    CloudFormation generates ``stack-LogicalId-1A2B3C``
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html), services generate
    ids (``sg-0a1b2c3d``).
    """
    name = re.split(r"[:/]", resource.physical_id)[-1]
    stack = name_of_stack(resource.stack_id).lower()
    made_up = name.lower().startswith(f"{stack}-"[:15]) and _MADE_UP_ENDING.search(name)
    return not (made_up or _SERVICE_S_OWN.fullmatch(name))


_MADE_UP_ENDING: Final = re.compile(r"-(?=[A-Za-z]*\d)[A-Za-z0-9]{8,13}$")
_SERVICE_S_OWN: Final = re.compile(r"[a-z]*-?[0-9a-f]{8,17}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Z0-9]{13,}")
