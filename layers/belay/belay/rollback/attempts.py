"""Building blocks of the stacks' plan: a step, while it was not tried too often, or work left for a person."""

from collections.abc import Callable

from belay.release.left_to_do import LeftToDo
from belay.rollback.plan import Action, Step, Todo
from belay.rollback.situation import Situation, StackSeen
from belay.stack.command_line import (
    continue_skipping_command,
    delete_retaining_command,
    failed_events_command,
)
from belay.stack.operation import SILENT
from belay.stack.status import StackStatus

LIMIT = 2
"""How often one action is tried on one stack in one incident."""


def attempt(make: Callable[[StackSeen, Situation], Step], seen: StackSeen, situation: Situation) -> tuple[Todo, ...]:
    """A step, unless this incident has tried it too often."""
    step = make(seen, situation)
    if step.action is Action.WAIT and seen.stands_still:
        return (left(seen, f"{SILENT}, and it is still {seen.status}."),)
    if situation.times(step.action, seen.stack) < LIMIT:
        return (step,)
    return (tried_in_vain(step.action, LIMIT, seen),)


def tried_in_vain(action: Action, times: int, seen: StackSeen) -> LeftToDo:
    """Leave a stack whose action was tried too often, with the call that skips the failed resources."""
    reason = f" ({seen.reason.strip().rstrip('.')})" if seen.reason and seen.reason.strip() else ""
    return left(seen, f"{_TRIED[action]} {times} times, and it is still {seen.status}{reason}.", _last_resort(seen))


_TRIED = {
    Action.WAIT: "it was waited for",
    Action.CANCEL_UPDATE: "cancelling its update was tried",
    Action.ROLLBACK_STACK: "rolling it back was tried",
    Action.CONTINUE_UPDATE_ROLLBACK: "continuing its rollback was tried",
    Action.SKIP_RESOURCES: "continuing its rollback with skipped resources was tried",
    Action.REVERT_DRIFT: "reverting the drift of skipped resources was tried",
    Action.UPDATE_TO_BASELINE: "updating it back was tried",
    Action.DELETE_CHANGE_SET: "deleting its change set was tried",
    Action.DELETE_STACK: "deleting it was tried",
}


def _last_resort(seen: StackSeen) -> str | None:
    """The call that skips the failed resources; a person decides, since it leaves them as they are."""
    if not seen.failed_resources:
        return None
    if seen.status is StackStatus.UPDATE_ROLLBACK_FAILED:
        return continue_skipping_command(seen.target, seen.failed_resources)
    if seen.status is StackStatus.DELETE_FAILED:
        return delete_retaining_command(seen.target, seen.failed_resources)
    return None


def left(seen: StackSeen, why: str, then: str | None = None, *, what: str = "finish its rollback by hand") -> LeftToDo:
    """Leave something about a stack to a person, with the commands to inspect it and, if known, to do it."""
    return LeftToDo(seen.stack, what, why, look=failed_events_command(seen.target), then=then)


def status_of(seen: StackSeen) -> StackStatus:
    """The status of a stack that exists."""
    if seen.status is None:
        raise ValueError(f"stack {seen.stack} is said to exist but has no status")
    return seen.status
