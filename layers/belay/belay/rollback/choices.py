"""The choices when a stack is left to a person: each with what it loses, and its command."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from belay.pipeline.known_failures import known_failure
from belay.release.left_to_do import Choice, LeftToDo
from belay.rollback.attempts import look_at
from belay.rollback.plan import Todo
from belay.rollback.situation import Situation, StackSeen
from belay.rollback.stuck import smallest_skips
from belay.stack.command_line import (
    cancel_command,
    continue_command,
    continue_skipping_command,
    delete_command,
    delete_retaining_command,
    look_command,
    rollback_command,
)
from belay.stack.status import StackStatus

_NOTHING = "nothing is lost"


def with_choices(seen: StackSeen, situation: Situation, todos: Iterable[Todo]) -> tuple[Todo, ...]:
    """Complete what is left to do about a stack: why its last operation failed, where to see that, and the choices."""
    return tuple(_completed(seen, situation, each) if isinstance(each, LeftToDo) else each for each in todos)


def _completed(seen: StackSeen, situation: Situation, left: LeftToDo) -> LeftToDo:
    ways = left.choices or choices(seen, situation)
    failed = None if seen.blocked else seen.failed_because
    if failed is None or failed.reason.rstrip(".") in left.why:
        return replace(left, choices=ways)
    why = f"{left.why.rstrip()} What failed last: {failed.in_words().rstrip('.')}."
    known = known_failure("CloudFormation", failed.reason)
    hint = f" {known.fix}" if known else ""
    look = look_command(failed) if left.look == look_at(seen) else left.look
    return replace(left, why=why + hint, look=look, choices=ways)


def choices(seen: StackSeen, situation: Situation) -> tuple[Choice, ...]:
    """Return what may be done about a stack, the rollback first."""
    status = seen.status
    if status is None or not seen.exists:
        return _gone(situation)
    if status.in_progress:
        return _in_progress(seen)
    if status in _BY_STATUS:
        return _BY_STATUS[status](seen)
    if seen.created_by_release or not status.updatable:
        return _without_a_state_before(seen)
    return _as_it_was_left(situation)


def _gone(situation: Situation) -> tuple[Choice, ...]:
    anew = "let the next release create it again: upload one that has it"
    return (
        Choice(anew, "its content is not restored"),
        Choice(
            f"do without it: take it out of the registration of {situation.stage}",
            "whatever depends on it stops working",
        ),
    )


def _in_progress(seen: StackSeen) -> tuple[Choice, ...]:
    wait = Choice("wait on: CloudFormation ends an operation by itself", f"{_NOTHING} but time")
    if seen.status is not StackStatus.UPDATE_IN_PROGRESS:
        return (wait, Choice("ask AWS Support what the stack waits for", f"{_NOTHING} but time"))
    return (
        wait,
        Choice("cancel the update", "what it has changed so far is changed back", cancel_command(seen.target)),
    )


def _stuck(seen: StackSeen) -> tuple[Choice, ...]:
    fix = Choice("fix the cause, then continue the rollback", _NOTHING, continue_command(seen.target))
    skips = smallest_skips(seen.stuck)
    asked = [each.skip_as for each in skips] or list(seen.failed_resources)
    if not asked:
        return (fix, Choice("leave it", f"{_NOTHING}, but no release can update the stack until then"))
    names = ", ".join([each.path for each in skips] or asked)
    return (
        fix,
        Choice(
            f"continue the rollback without {names}",
            f"{names} stays as the failed operation left it and is no longer what the template says, so that a later "
            "update may fail; no data is deleted",
            continue_skipping_command(seen.target, asked),
        ),
    )


def _not_rolled_back(seen: StackSeen) -> tuple[Choice, ...]:
    changed = "what it has changed so far is changed back"
    return (
        Choice("roll the failed update back", changed, rollback_command(seen.target)),
        Choice("leave it to the person working on it", f"{_NOTHING}, but no release can update the stack until then"),
    )


def _not_deleted(seen: StackSeen) -> tuple[Choice, ...]:
    fix = Choice("fix the cause, then delete the stack again", _deleted(seen), delete_command(seen.target))
    if not seen.failed_resources:
        return (fix, Choice("leave it", f"{_NOTHING}, but no release can create the stack until then"))
    names = ", ".join(seen.failed_resources)
    return (
        fix,
        Choice(
            f"delete the stack and keep {names}",
            f"no stack manages {names} any more: it still costs money, keeps its name, and must be deleted manually",
            delete_retaining_command(seen.target, seen.failed_resources),
        ),
    )


def _without_a_state_before(seen: StackSeen) -> tuple[Choice, ...]:
    updatable = seen.status is not None and seen.status.updatable
    kept = "the next release updates it" if updatable else "no release can update the stack until it is deleted"
    return (
        Choice("back up what is needed, then delete the stack", _deleted(seen), delete_command(seen.target)),
        Choice("keep it as it is", f"{_NOTHING}, but {kept}"),
    )


def _deleted(seen: StackSeen) -> str:
    if seen.stateful:
        return f"the data in {', '.join(seen.stateful)} is lost, unless a deletion policy keeps it"
    return "what the stack serves ends; it has no data"


def _as_it_was_left(situation: Situation) -> tuple[Choice, ...]:
    goal = f"version {situation.goal}" if situation.goal else "what it was before"
    again = situation.again
    how = "have Belay roll back again" if again else f"return the stack to {goal} manually"
    return (
        Choice(f"fix the cause, then {how}", f"what the stack has got since {goal} is changed back", again),
        Choice("leave it as it is, and release a corrected version", f"{_NOTHING}, but until then versions are mixed"),
    )


_BY_STATUS: Mapping[StackStatus, Callable[[StackSeen], tuple[Choice, ...]]] = {
    StackStatus.UPDATE_ROLLBACK_FAILED: _stuck,
    StackStatus.UPDATE_FAILED: _not_rolled_back,
    StackStatus.DELETE_FAILED: _not_deleted,
}
