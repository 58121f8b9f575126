"""The databases' part of a rollback plan.

AWS's rules: a restore creates a new database, a rename frees the old name immediately and reboots, and neither carries
everything over (``Step.legal_because`` cites the page). Our policy: a database is only touched if the release may have
changed its data and the registration allows it; the restored one is compared with the original before it takes its
name; a failed swap is undone; the replaced database is kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from belay.database.command_line import call_command, describe_command, snapshots_command
from belay.database.fields import before_modifying, missing_roles, modify_parameters, own_tags
from belay.database.restore import (
    KEEP_UNTIL_TAG,
    Place,
    Unit,
    availability_of,
    differences,
    obstacles,
    refusal,
    replaced_tags,
    restored_tags,
    waits_for_window,
)
from belay.database.snapshots import Availability, age_in_words
from belay.release.change_plan import ChangePlan, ChangeState
from belay.release.left_to_do import Choice, LeftToDo
from belay.rollback import change_steps
from belay.rollback import database_steps as steps
from belay.rollback.database_steps import writes_lost
from belay.rollback.plan import Action, Kind, Remark, Step, Todo
from belay.rollback.question import Question, with_approval
from belay.rollback.services import stop_services
from belay.rollback.situation import DatabaseSeen, Situation, StackSeen

LIMIT: Final = 2
"""How often a step is tried on one database or member in one incident."""

SHOWS_WITHIN: Final = timedelta(minutes=5)
"""How long RDS may take to show that a requested operation has begun."""

DONE_WITHIN: Final = timedelta(hours=6)
"""How long one step may take; the restore of a large database takes hours."""

RENAMED_WITHIN: Final = timedelta(minutes=30)
"""How long a renamed database may have neither name; AWS says that a name is effective after about ten minutes."""

KEEP: Final = timedelta(days=14)
"""The minimum time that the replaced database is kept; only a person deletes it."""


class Reach(StrEnum):
    """How far a release got with its database changes."""

    NOT_REACHED = "NOT_REACHED"
    BEGUN = "BEGUN"
    """They were started, and not followed to their end."""
    REACHED = "REACHED"
    NOT_KNOWN = "NOT_KNOWN"
    """It changed stacks, the database has no executor, and the release does not say which stack changes the data."""


def reached(seen: DatabaseSeen, stacks: Sequence[StackSeen]) -> Reach:
    """Return whether the release changed the data, from the record of what its executor did.

    Only the executor changes a database that has one. One without is changed by the stack that the release names
    (``database.applied_by``), unless its schema stays the same. If it names none, nothing is known once a stack was
    changed: a restore loses writes, so it is not done on a guess.
    """
    if seen.plan is not None:
        if seen.plan.state is ChangeState.APPLYING:
            return Reach.BEGUN
        return Reach.REACHED if seen.plan.standing else Reach.NOT_REACHED
    executed = {stack.stack for stack in stacks if stack.changed_by_release}
    if seen.executor or not executed:
        return Reach.NOT_REACHED
    declared = seen.declared
    if declared is None or declared.applied_by is None:
        return Reach.NOT_KNOWN
    same = declared.schema is not None and declared.schema.before == declared.schema.after
    return Reach.REACHED if declared.applied_by in executed and not same else Reach.NOT_REACHED


def plan_databases(situation: Situation) -> tuple[Todo, ...]:
    """Plan the recovery of the stage's databases, once its stacks are recovered."""
    if situation.ephemeral:
        return ()
    return _together([_for_database(seen, situation) for seen in situation.databases])


def plan_restore(seen: DatabaseSeen, situation: Situation) -> tuple[Todo, ...]:
    """Restore a database from its snapshot as far as that is allowed, whatever a release did to it."""
    if seen.policy == "never":
        told = f"{_NOT_RESTORED}: the registration says never. Its snapshot is {seen.taken.name}."
        return (Remark(seen.database, told),)
    if seen.unseen:
        what = "the release may have changed its data, and it is unknown whether it can be restored"
        return (_restore_or_keep(seen, f"{what}: {seen.unseen.rstrip('.')}. Its snapshot is {seen.taken.name}."),)
    vanished = _vanished(seen, situation)
    if vanished:
        return vanished
    if any(unit.original_place is Place.REPLACED for unit in seen.units):
        return _swap_begun(seen, situation)
    return _refused(seen, situation) or _begin(seen, situation)


def _together(databases: Sequence[tuple[Todo, ...]]) -> tuple[Todo, ...]:
    """Questions first; then every database is restored beside its original, before writers are stopped for a swap."""
    asks = [todo for todos in databases for todo in todos if isinstance(todo, Step) and todo.action is Action.ASK]
    parts = [_parts([todo for todo in todos if todo not in asks]) for todos in databases]
    ordered: list[Todo] = [*asks]
    for todo in (*(todo for before, _ in parts for todo in before), *(todo for _, after in parts for todo in after)):
        if todo not in ordered:
            ordered.append(todo)
    return tuple(ordered)


def _parts(todos: Sequence[Todo]) -> tuple[Sequence[Todo], Sequence[Todo]]:
    """The steps for one database while everything runs, and those from the first interruption on."""
    swapping = [isinstance(todo, Step) and todo.action in _FROM_THE_SWAP_ON for todo in todos]
    first = swapping.index(True) if True in swapping else len(todos)
    return todos[:first], todos[first:]


_FROM_THE_SWAP_ON: Final = (Action.SUSPEND_SCALING, Action.STOP_SERVICE, Action.RENAME_ORIGINAL, Action.RENAME_RESTORED)


def _for_database(seen: DatabaseSeen, situation: Situation) -> tuple[Todo, ...]:
    match reached(seen, situation.stacks), seen.plan:
        case Reach.NOT_REACHED, _:
            return ()
        case Reach.NOT_KNOWN, _ if seen.asked:
            return (Remark(seen.database, _ASKED),)
        case Reach.BEGUN, ChangePlan() as plan:
            return (_ask_the_executor(seen, plan),)
        case Reach.REACHED, plan:
            return _recovered(seen, plan, situation)
    return (Remark(seen.database, f"{_NOT_KNOWN} The snapshot {seen.taken.name} is kept."),)


def _recovered(seen: DatabaseSeen, plan: ChangePlan | None, situation: Situation) -> tuple[Todo, ...]:
    """Undo the changes, which loses no writes; if that is impossible, restore the database, which does."""
    if not seen.unseen and (not seen.units or (seen.snapshot is None and not seen.units[0].found)):
        return ()  # It does not exist, and did not exist before.
    not_undone = None if plan is None else _not_undone(seen, plan)
    if plan is not None and not_undone is None:
        return (change_steps.undo(seen, plan),)
    told = () if not_undone is None else (Remark(seen.database, f"its changes were not undone: {not_undone}."),)
    restored = (Remark(seen.database, _ASKED),) if seen.asked else plan_restore(seen, situation)
    return (*restored, *told)


def _ask_the_executor(seen: DatabaseSeen, plan: ChangePlan) -> Step | LeftToDo:
    if seen.undo_refused is None:
        return change_steps.check(seen, plan)
    why = f"its changes were begun, and its executor does not say what became of them: {seen.undo_refused.rstrip('.')}."
    return _restore_or_keep(seen, why)


def _not_undone(seen: DatabaseSeen, plan: ChangePlan) -> str | None:
    """Say why the changes are not undone, which would lose no writes; None if they are."""
    if seen.undo_refused is not None:
        return seen.undo_refused.rstrip(".")
    if plan.not_undoable is not None:
        return plan.not_undoable
    if any(unit.restored is not None or unit.original_place is Place.REPLACED for unit in seen.units):
        return "a restore had been begun"
    return None


_NOT_RESTORED: Final = "the release may have changed its data, and it was not restored"

_ASKED: Final = (
    "the database was not restored: the release was in use, and a restore would lose all writes "
    "since. Release snapshots have the version in the tag belay:release."
)

_NOT_KNOWN: Final = (
    "the database was not restored: it has no executor, and the release does not say which of its stacks changes the "
    "data (database.applied_by in release.yaml); a restore would lose all writes since the snapshot."
)


def _vanished(seen: DatabaseSeen, situation: Situation) -> tuple[Todo, ...]:
    """Wait for a database that has neither name during a rename: a new name takes minutes to become effective."""
    renames = (
        *(Action.RENAME_ORIGINAL, Action.RENAME_RESTORED),
        *(Action.UNDO_RENAME_ORIGINAL, Action.UNDO_RENAME_RESTORED),
    )
    lost = [unit for unit in seen.units if unit.original is None or unit.restored is None]
    if not lost or not any(situation.times(action, unit.name) for action in renames for unit in seen.units):
        return ()
    what = f"{lost[0].name} or the database restored for it was not found under any of its names during the rename"
    if seen.last_step is not None and seen.now - seen.last_step[2] > RENAMED_WITHIN:
        return (_left(seen, f"{what}, for more than {age_in_words(RENAMED_WITHIN)}.", "find it and give it its name"),)
    return (steps.wait(lost[0], Place.NAME, f"wait: {what}"),)


# -- before the swap ---------------------------------------------------------------------------------------------------


def _refused(seen: DatabaseSeen, situation: Situation) -> tuple[Todo, ...]:
    head = seen.units[0]
    why = seen.blocked or _swap_failed(seen, situation)
    if why is None:
        why = refusal(seen.kind, seen.taken, seen.snapshot, head.source_id if head.original else None)
    if why is None and head.original is not None:
        leaning = (*obstacles(seen.kind, head.original), *seen.obstacles, *_waiting_changes(seen))
        why = f"{'; '.join(leaning)}; move or end that first" if leaning else None
    if why is None:
        return ()
    beside = f" The restored database is {head.at(Place.RESTORED)}." if head.restored else ""
    told = "it was not restored" if seen.taken.copied_from else _NOT_RESTORED
    return (_restore_or_keep(seen, f"{told}: {why.rstrip('.')}.{beside}"),)


def _waiting_changes(seen: DatabaseSeen) -> Iterator[str]:
    for unit in seen.units:
        told = None if unit.original is None else waits_for_window(unit.kind, unit.name, unit.original)
        if told is not None:
            yield told


def _swap_failed(seen: DatabaseSeen, situation: Situation) -> str | None:
    """Whether the swap was undone, or could not begin."""
    undone = (Action.UNDO_RENAME_ORIGINAL, Action.UNDO_RENAME_RESTORED)
    if any(situation.times(action, unit.name) for action in undone for unit in seen.units):
        return "the restored database could not get its name, so the swap was undone"
    if any(situation.times(Action.RENAME_ORIGINAL, unit.name) >= LIMIT for unit in seen.units):
        return f"it could not be renamed after {LIMIT} attempts"
    return None


def _begin(seen: DatabaseSeen, situation: Situation) -> tuple[Todo, ...]:
    """Start if the registration or a person allows it; continue what was started."""
    restored = _restore(seen, situation)
    if seen.policy == "automatic" or seen.units[0].restored is not None:
        return restored
    question = Question(
        name=f"restore-{seen.database}",
        kind=Kind.DATABASE,
        subject=seen.database,
        subject_id=seen.database,
        text=f"may the {seen.kind} {seen.database} be restored from the snapshot {seen.taken.name}? The release "
        f"may have changed its data. A restore loses {writes_lost(seen)}, and those until writers are stopped. The "
        "current data is kept in the replaced database.",
    )
    refused = _restore_or_keep(seen, f"{_NOT_RESTORED}; its snapshot is {seen.taken.name}.")
    return with_approval(question, situation.answers.get(question.name), restored, refused)


def _restore(seen: DatabaseSeen, situation: Situation) -> tuple[Todo, ...]:
    """Restore beside the original, set what is missing, compare, stop the writers, swap."""
    made = tuple(_made(seen, situation))
    given_up = tuple(todo for todo in made if isinstance(todo, LeftToDo))
    if given_up:
        return given_up
    beside = (*made, *_given_back(seen, situation))
    different = tuple(each for unit in seen.units for each in _different(unit))
    if different and not beside:
        return _in_time(seen, (_not_the_same(seen, different),))
    stopping = stop_services(situation)
    if not beside and any(isinstance(todo, LeftToDo) for todo in stopping):
        why = "its writers could not be stopped, so the names were not swapped."
        return (*stopping, _left(seen, why, "stop its writers, then swap the names"))
    return _in_time(seen, (*beside, *stopping, *_swap(seen), *_kept(seen, situation)))


def _not_the_same(seen: DatabaseSeen, different: Sequence[str]) -> LeftToDo:
    beside = seen.units[0].at(Place.RESTORED)
    why = f"it was restored as {beside}, which differs from the original ({'; '.join(different)})"
    what = "make the restored database like the original, then swap the names"
    return _left(seen, f"{why}, so the names were not swapped.", what, describe_command(seen.kind, beside))


def _made(seen: DatabaseSeen, situation: Situation) -> Iterator[Todo]:
    """What still has to be restored: the database, then the members of a cluster."""
    for unit in seen.units:
        if unit.restored is None and unit.original is not None and seen.snapshot is not None:
            tags = restored_tags(
                situation.application, situation.stage, situation.version, unit.incident, seen.taken.name
            )
            step = steps.restore(seen, unit, unit.original, seen.snapshot, tags)
            if situation.times(step.action, step.subject) < LIMIT:
                yield step
            else:
                yield _left(seen, f"after {LIMIT} attempts, RDS shows no effect.", step.why)


def _given_back(seen: DatabaseSeen, situation: Situation) -> Iterator[Step]:
    """Settings that the restore did not accept, unless tried too often: then the comparison reports them."""
    for unit in seen.units:
        if unit.original is None:
            continue
        restored = unit.restored or before_modifying(unit.kind, unit.original)
        missing = modify_parameters(unit.kind, unit.original, restored)
        if missing and situation.times(Action.MODIFY_DATABASE, unit.name) < LIMIT:
            yield steps.modify(unit, missing)
        roles = missing_roles(unit.original, restored)
        if situation.times(Action.ADD_ROLE, unit.name) < LIMIT * len(unit.original.get("AssociatedRoles") or ()):
            yield from (steps.add_role(unit, role) for role in roles)


def _different(unit: Unit) -> tuple[str, ...]:
    if unit.original is None or unit.restored is None:
        return ()
    return differences(unit.kind, unit.original, unit.restored)


# -- the swap ----------------------------------------------------------------------------------------------------------


def _swap_begun(seen: DatabaseSeen, situation: Situation) -> tuple[Todo, ...]:
    kept = tuple(_kept(seen, situation))
    if all(unit.swapped for unit in seen.units):
        return _swapped(seen, situation, kept)
    swap = tuple(_swap(seen))
    failure = seen.blocked or _exhausted(swap, situation) or _swap_failed(seen, situation)
    if failure is None:
        return _in_time(seen, (*swap, *kept))
    why = f"the restored database could not get its name: {failure.rstrip('.')}."
    failed = _left(seen, why, "give the restored database its name, or keep the original")
    back = tuple(_back(seen))
    if _exhausted(back, situation):
        return (failed, *(_left(seen, "it is not done.", step.why, _command(step)) for step in back))
    return (*_in_time(seen, back), failed)


def _swap(seen: DatabaseSeen) -> Iterator[Step]:
    """Take the name from the original, then give it to the restored one; a cluster first, then its members."""
    for unit in seen.units:
        if unit.original_place is Place.NAME:
            yield steps.rename(Action.RENAME_ORIGINAL, unit, Place.NAME, Place.REPLACED)
    for unit in seen.units:
        if unit.restored_place is not Place.NAME:
            yield steps.rename(Action.RENAME_RESTORED, unit, Place.RESTORED, Place.NAME)


def _back(seen: DatabaseSeen) -> Iterator[Step]:
    """Undo the swap as far as it got, the last rename first."""
    for unit in reversed(seen.units):
        if unit.restored_place is Place.NAME:
            yield steps.rename(Action.UNDO_RENAME_RESTORED, unit, Place.NAME, Place.RESTORED)
    for unit in reversed(seen.units):
        if unit.original_place is Place.REPLACED:
            yield steps.rename(Action.UNDO_RENAME_ORIGINAL, unit, Place.REPLACED, Place.NAME)


def _exhausted(todos: Sequence[Step], situation: Situation) -> str | None:
    """Why the first of these steps is not tried again, if that is so."""
    first = next(iter(todos), None)
    if first is None or situation.times(first.action, first.subject) < LIMIT:
        return None
    return f"{LIMIT} attempts to {first.why} failed"


def _kept(seen: DatabaseSeen, situation: Situation) -> Iterator[Step]:
    """Protect the replaced database and tag it with why it is kept; members have no deletion protection."""
    for unit in seen.units:
        original = unit.original or {}
        if not unit.kind.made_in and not original.get("DeletionProtection"):
            yield steps.protect(unit)
        if KEEP_UNTIL_TAG not in own_tags(original) and original:
            tags = replaced_tags(
                situation.application,
                situation.stage,
                situation.version,
                reason=seen.reason,
                keep_until=seen.now + KEEP,
            )
            yield steps.tag(unit, original, tags)


def _swapped(seen: DatabaseSeen, situation: Situation, kept: Sequence[Step]) -> tuple[Todo, ...]:
    """The restored one has the name. If this fails, a person has to protect the replaced one, but nothing is broken."""
    head = seen.units[0]
    until = own_tags(head.original or {}).get(KEEP_UNTIL_TAG) or (seen.now + KEEP).date().isoformat()
    remark = Remark(
        seen.database,
        f"it now has the data of the snapshot; later writes are only in the replaced {seen.kind} "
        f"{head.at(Place.REPLACED)}, protected from deletion and to be kept until {until}; a person deletes it.",
    )
    failure = seen.blocked or _exhausted(kept, situation)
    if kept and failure:
        left = (_left(seen, f"{failure.rstrip('.')}.", step.why, _command(step)) for step in kept)
        return (*left, *_password(head), *_authentication(head))
    return (*_in_time(seen, kept), remark, *_password(head), *_authentication(head))


def _password(head: Unit) -> tuple[Todo, ...]:
    """A managed password is not carried over: readers of its secret keep working until it is rotated."""
    secret = ((head.original or {}).get("MasterUserSecret") or {}).get("SecretArn")
    if secret is None:
        return ()
    return (
        Remark(
            head.name,
            "within seven days, or before its secret is rotated, let RDS manage the restored database's password, and "
            "deploy the readers of the secret with the ARN of the new one. The restored database has the "
            f"password of the snapshot; it is in the secret {secret}, which belongs to the replaced one.",
            follow_up=True,
        ),
    )


def _authentication(head: Unit) -> tuple[Todo, ...]:
    """IAM authentication is granted by resource id, and a restored database has a new one.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html
    """
    if head.restored is None or not (head.original or {}).get("IAMDatabaseAuthenticationEnabled"):
        return ()
    old, new = head.source_id, head.kind.resource_id(head.restored)
    return (
        Remark(
            head.name,
            f"IAM authentication is refused until the policies of clients allow rds-db:connect to {new}, the "
            f"resource id of the restored database, instead of {old}, that of the replaced one.",
            follow_up=True,
        ),
    )


# -- in time -----------------------------------------------------------------------------------------------------------


def _in_time(seen: DatabaseSeen, todos: Sequence[Todo]) -> tuple[Todo, ...]:
    """Wait before what cannot be done yet; leave to a person what will never be possible, or takes too long."""
    if not todos:
        return ()
    waits = []
    for unit in seen.units:
        for place, description in unit.found.items():
            new = place is unit.restored_place
            found, status = availability_of(unit.kind, description, new=new), unit.kind.status(description)
            if found is Availability.NOT_POSSIBLE:
                why = f"{unit.at(place)} is {status}, and will not become available by itself."
                return (_left(seen, why, f"make {unit.at(place)} available"),)
            if found is Availability.NOT_YET:
                waits.append(steps.wait(unit, place, f"wait until {unit.at(place)} is available, it is {status}"))
    first = todos[0]
    if not waits and isinstance(first, Step) and _just_asked(seen, first):
        waits.append(steps.wait(seen.units[0], Place.NAME, f"wait until RDS shows the effect of: {first.why}"))
    if waits and seen.last_step is not None and seen.now - seen.last_step[2] > DONE_WITHIN:
        return (_left(seen, f"it took longer than {age_in_words(DONE_WITHIN)}.", waits[0].why),)
    return (*waits[:1], *todos)


def _just_asked(seen: DatabaseSeen, step: Step) -> bool:
    """Whether this step was just taken, and RDS does not show it yet."""
    if seen.last_step is None:
        return False
    action, subject, at = seen.last_step
    return (action, subject) == (step.action, step.subject) and seen.now - at < SHOWS_WITHIN


def _left(seen: DatabaseSeen, why: str, what: str, then: str | None = None) -> LeftToDo:
    return LeftToDo(seen.database, what, why, look=snapshots_command(seen.kind, seen.database), then=then)


def _restore_or_keep(seen: DatabaseSeen, why: str) -> LeftToDo:
    if seen.taken.copied_from:
        return _left(seen, why, "correct what refuses it, then ask for the restore again")
    left = _left(seen, why, "restore it from its snapshot, or decide to keep the data as it is")
    restore = Choice(
        f"restore the snapshot {seen.taken.name} under another name, then swap the names",
        f"{writes_lost(seen)} are lost, unless they are copied over",
    )
    keep = Choice("keep the data as it is", "nothing is lost; what the release changed in it stays")
    return replace(left, choices=(restore, keep))


def _command(step: Step) -> str:
    return call_command(step.call[1], step.parameters)
