"""The stacks' part of a rollback plan.

AWS's rules: which call CloudFormation accepts in which status (``Step.legal_because`` cites the page). Our policy: last
stack first, no data is deleted outside an ephemeral stage, a foreign failure is only announced (and a stuck rollback
continued) unless the registration allows more, and nothing is tried a third time.
"""

from collections.abc import Callable, Iterator, Mapping

from belay.release.left_to_do import LeftToDo
from belay.rollback import steps
from belay.rollback.attempts import LIMIT, attempt, left, status_of
from belay.rollback.choices import with_choices
from belay.rollback.evidence import naming_importers
from belay.rollback.plan import Action, Kind, Step, Todo
from belay.rollback.question import Question, is_asked, update_question, with_approval
from belay.rollback.situation import Situation, StackSeen
from belay.rollback.stuck import continue_stuck, repair_drift
from belay.stack.status import StackStatus


def plan_stacks(situation: Situation) -> tuple[Todo, ...]:
    """Plan the recovery of a stage's stacks, last one first, for every possible stack status.

    The steps are legal in the current statuses.
    """
    todos: dict[str, tuple[Todo, ...]] = {}
    for seen in reversed(situation.stacks):
        planned = _held(seen, situation, todos) or naming_importers(seen, _for_stack(seen, situation))
        todos[seen.stack] = with_choices(seen, situation, planned)
    return tuple(_in_order(situation, todos))


def _in_order(situation: Situation, todos: Mapping[str, tuple[Todo, ...]]) -> Iterator[Todo]:
    """Questions first, then what needs no answer, last stack first, then what waits for an answer.

    No question should wait for another stack's deletion, and no stack should stay broken while an unrelated one waits
    for a person.
    """
    asks = {name: [todo for todo in each if is_asked(todo)] for name, each in todos.items()}
    held = {
        seen.stack
        for seen in situation.stacks
        if asks[seen.stack] or any(asks[other.stack] for other in _leaning_on(seen, situation))
    }
    yield from (todo for each in todos.values() for todo in each if _is_ask(todo))
    for later in (False, True):
        for name, each in todos.items():
            if (name in held) is later:
                yield from (todo for todo in each if not _is_ask(todo))


def _is_ask(todo: Todo) -> bool:
    return isinstance(todo, Step) and todo.action is Action.ASK


def _for_stack(seen: StackSeen, situation: Situation) -> tuple[Todo, ...]:
    if seen.blocked:
        return (left(seen, f"it was not rolled back: {seen.blocked.rstrip('. ')}."),)
    if not seen.exists:
        return _gone(seen)
    if seen.unproved and status_of(seen).updatable:
        repair = repair_drift(seen, situation)
        if repair:
            return repair
    if _is_foreign(seen, situation):
        return _foreign(seen, situation)
    if seen.created_by_release:
        return _created(seen, situation)
    return _existed(seen, situation)


def _is_foreign(seen: StackSeen, situation: Situation) -> bool:
    """Whether Belay did not start the last operation. Belay never imports.

    Stacks of the release in an ephemeral stage, and shells that nothing was executed on, are never foreign.
    """
    imported = seen.status is not None and seen.status.startswith("IMPORT_")
    only_ours = situation.ephemeral or seen.status is StackStatus.REVIEW_IN_PROGRESS
    return (not seen.ours or imported) and not (seen.created_by_release and only_ours)


def _held(seen: StackSeen, situation: Situation, todos: Mapping[str, tuple[Todo, ...]]) -> tuple[Todo, ...]:
    """Leave a stack alone while a dependent one needs a person: rolling it back would break the dependent."""
    waiting = {other.stack for other in _leaning_on(seen, situation) if _any_left(todos.get(other.stack, ()))}
    if not waiting or not seen.changed_by_release or not _for_stack(seen, situation):
        return ()
    first = ", ".join(sorted(waiting))
    why = f"it was not rolled back: {first} depends on it and comes first."
    return (left(seen, why, what=f"roll it back after {first}"),)


def _leaning_on(seen: StackSeen, situation: Situation) -> list[StackSeen]:
    """The stacks changed by the release that depend on ``seen``, directly or through others."""
    names = {seen.stack}
    for other in situation.stacks:
        if names & set(other.depends_on):
            names.add(other.stack)
    return [other for other in situation.stacks if other.stack in names - {seen.stack} and other.changed_by_release]


def _any_left(todos: tuple[Todo, ...]) -> bool:
    return any(isinstance(todo, LeftToDo) for todo in todos)


def _gone(seen: StackSeen) -> tuple[Todo, ...]:
    """No stack: correct for one that the release created, not for one that existed before."""
    if seen.created_by_release or not (seen.baseline and seen.baseline.existed):
        return ()
    return (
        left(seen, "the stack existed before the release and was deleted.", what="decide whether to create it again"),
    )


def _created(seen: StackSeen, situation: Situation) -> tuple[Todo, ...]:
    """A stack that the release created has no earlier state: it is deleted, unless that would delete data."""
    status = status_of(seen)
    if status is StackStatus.REVIEW_IN_PROGRESS:
        return _delete_shell(seen, situation)
    if status.in_progress:
        return attempt(steps.wait, seen, situation)
    if seen.stateful and not situation.ephemeral:
        return _delete_data(seen, situation)
    return _delete(seen, situation)


def _delete(seen: StackSeen, situation: Situation) -> tuple[Todo, ...]:
    """RollbackStack deletes a stack whose creation failed; DeleteStack deletes any other."""
    make = steps.rollback_stack if seen.status is StackStatus.CREATE_FAILED else steps.delete_stack
    return attempt(make, seen, situation)


def _delete_data(seen: StackSeen, situation: Situation) -> tuple[Todo, ...]:
    """Resources with data are deleted only with a person's approval."""
    data = ", ".join(seen.stateful)
    question = Question(
        name=f"delete-{seen.stack}",
        kind=Kind.STACK,
        subject=seen.stack,
        subject_id=seen.target,
        text=f"may the stack {seen.stack} ({seen.name}) be deleted? This release created it, and it has data "
        f"({data}), which is deleted with it, unless a deletion policy keeps it.",
    )
    refused = left(
        seen,
        f"this release created it, and it has data ({data}), so it was not deleted.",
        what="decide whether it is deleted",
    )
    return with_approval(question, situation.answers.get(question.name), _delete(seen, situation), refused)


def _delete_shell(seen: StackSeen, situation: Situation) -> tuple[Todo, ...]:
    """An empty shell is deleted with its change sets; if these cannot be deleted, deleting the stack removes them."""
    if situation.times(Action.DELETE_CHANGE_SET, seen.stack) >= LIMIT:
        return attempt(steps.delete_stack, seen, situation)
    change_sets = tuple(steps.delete_change_set(seen, name) for name in seen.change_sets)
    return change_sets + attempt(steps.delete_stack, seen, situation)


def _existed(seen: StackSeen, situation: Situation) -> tuple[Todo, ...]:
    """A stack that existed before is returned to its baseline."""
    status = status_of(seen)
    if status.in_progress:
        return attempt(steps.cancel_update if _cancellable(seen, situation) else steps.wait, seen, situation)
    if status is StackStatus.UPDATE_ROLLBACK_FAILED:
        return continue_stuck(seen, situation, may_skip=True)
    if status is StackStatus.UPDATE_FAILED:
        return attempt(steps.rollback_stack, seen, situation)
    if not status.updatable:
        return (left(seen, f"it is {status}, from which CloudFormation cannot roll it back."),)
    if not seen.changed_by_release or seen.at_baseline or _rolled_back_by_cloudformation(seen, situation):
        return ()
    return _back_to_baseline(seen, situation)


def _cancellable(seen: StackSeen, situation: Situation) -> bool:
    """Whether the release's own update is in progress, not the one to the baseline, and not cancelled.

    A healthy update is not cancelled because AWS could not be read.
    """
    return (
        not situation.blind
        and seen.status is StackStatus.UPDATE_IN_PROGRESS
        and seen.changed_by_release
        and situation.times(Action.UPDATE_TO_BASELINE, seen.stack) == 0
        and situation.times(Action.CANCEL_UPDATE, seen.stack) == 0
    )


def _rolled_back_by_cloudformation(seen: StackSeen, situation: Situation) -> bool:
    """Whether CloudFormation undid the release's update, so that the stack is at its baseline.

    If it undid a later one (the update back to the baseline, or a foreign one), the stack is as the release left it.
    """
    undone = seen.status is StackStatus.UPDATE_ROLLBACK_COMPLETE
    later = seen.completed_by_release or situation.times(Action.UPDATE_TO_BASELINE, seen.stack) > 0
    return undone and not later


def _back_to_baseline(seen: StackSeen, situation: Situation) -> tuple[Todo, ...]:
    baseline = seen.baseline
    if baseline is None or baseline.template is None:
        return (left(seen, "the release changed it, and there is no record of its earlier state."),)
    if baseline.stack_id not in (None, seen.stack_id):
        return (left(seen, f"the record of its earlier state is of another stack, {baseline.stack_id}."),)
    lost = baseline.lost(seen.parameter_keys)
    if lost:
        return (
            left(
                seen,
                f"its NoEcho parameters ({', '.join(lost)}) were removed by the release, and their values "
                "cannot be read anywhere.",
                what="update the stack to its earlier template with the values of these parameters",
            ),
        )
    template = baseline.template
    back = attempt(lambda s, whole: steps.update_to_baseline(s, whole, baseline, template), seen, situation)
    return _with_data(seen, situation, back) if seen.endangered else back


def _with_data(seen: StackSeen, situation: Situation, back: tuple[Todo, ...]) -> tuple[Todo, ...]:
    """Returning to the baseline deletes or replaces resources with data: a person must approve it, naming them."""
    question = update_question(seen.stack, seen.name, seen.target, seen.endangered)
    refused = left(
        seen,
        f"updating it back would delete or replace {', '.join(seen.endangered)} with the data in it.",
        what="decide what to do with the data, then finish its rollback manually",
    )
    return with_approval(question, situation.answers.get(question.name), back, refused)


def _foreign(seen: StackSeen, situation: Situation) -> tuple[Todo, ...]:
    """A foreign operation on a registered stack: announced, and recovered as far as the registration allows."""
    status = status_of(seen)
    if status.in_progress:
        return attempt(steps.wait, seen, situation) if seen.changed_by_release or status.rolling_back else ()
    if status is StackStatus.UPDATE_ROLLBACK_FAILED:
        return continue_stuck(seen, situation, may_skip=situation.recover_foreign)
    if status.updatable:
        return _foreign_but_stable(seen, situation)
    return () if status is StackStatus.REVIEW_IN_PROGRESS else _foreign_failure(seen, situation)


def _foreign_failure(seen: StackSeen, situation: Situation) -> tuple[Todo, ...]:
    """A stack in UPDATE_FAILED may be being debugged: only the registration can allow ending that."""
    told = f"an operation that Belay did not start left it {seen.status}."
    what = "bring it to a stable status"
    recover = _FOREIGN_RECOVERY.get(status_of(seen))
    if recover is None:
        return (left(seen, told, what=what),)
    if not situation.recover_foreign:
        return (left(seen, f"{told} The registration does not allow recovering it (recover_foreign).", what=what),)
    if seen.stateful and seen.status is not StackStatus.UPDATE_FAILED:
        return (left(seen, f"{told} It has data ({', '.join(seen.stateful)}), so it was not deleted.", what=what),)
    return attempt(recover, seen, situation)


def _foreign_but_stable(seen: StackSeen, situation: Situation) -> tuple[Todo, ...]:
    """The stack was updated by others after the release: returning to the baseline would undo that update too."""
    if not seen.changed_by_release or seen.at_baseline:
        return ()
    if situation.recover_foreign and not seen.created_by_release:
        return _back_to_baseline(seen, situation)
    why = "it was updated after the release by an operation that Belay did not start, so it was not rolled back."
    return (left(seen, why, what="decide which version stays"),)


_FOREIGN_RECOVERY: Mapping[StackStatus, Callable[[StackSeen, Situation], Step]] = {
    StackStatus.CREATE_FAILED: steps.rollback_stack,
    StackStatus.UPDATE_FAILED: steps.rollback_stack,
    StackStatus.ROLLBACK_COMPLETE: steps.delete_stack,
    StackStatus.ROLLBACK_FAILED: steps.delete_stack,
    StackStatus.DELETE_FAILED: steps.delete_stack,
}
