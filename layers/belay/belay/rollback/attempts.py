"""Building blocks of the stacks' plan: a step, until it was tried too often, or work left for a person."""

from collections.abc import Callable

from belay.release.left_to_do import Choice, LeftToDo
from belay.rollback.plan import Action, Step, Todo
from belay.rollback.situation import Situation, StackSeen
from belay.stack.command_line import failed_events_command, status_command
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
    return (tried_too_often(step.action, LIMIT, seen),)


def tried_too_often(action: Action, times: int, seen: StackSeen) -> LeftToDo:
    """Leave a stack whose action was tried too often."""
    said = (seen.reason or "").strip().rstrip(".")
    reason = f" ({said})" if said and seen.failed_because is None else ""
    return left(seen, f"{_TRIED[action]} {times} times, and it is still {seen.status}{reason}.")


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


def left(
    seen: StackSeen,
    why: str,
    *,
    what: str = "decide how its rollback ends",
    look: str | None = None,
    choices: tuple[Choice, ...] = (),
) -> LeftToDo:
    """Leave something about a stack to a person, with the command to inspect it; the choices follow from its status."""
    return LeftToDo(seen.stack, what, why, look=look or look_at(seen), choices=choices)


def look_at(seen: StackSeen) -> str:
    """Return the command that shows what failed in a stack, or else its state."""
    failed = seen.status is not None and seen.status.turned_back and not seen.blocked
    return failed_events_command(seen.target) if failed else status_command(seen.target)


def status_of(seen: StackSeen) -> StackStatus:
    """The status of a stack that exists."""
    if seen.status is None:
        raise ValueError(f"stack {seen.stack} is reported to exist but has no status")
    return seen.status
