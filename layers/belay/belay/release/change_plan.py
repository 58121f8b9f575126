"""A release's database changes in one stage: what is pending, what was applied, and the result of each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from belay.database.executor import (
    ChangeOutcome,
    ChangeResult,
    DatabaseAddress,
    HandedChange,
    OperationAnswer,
    OperationState,
    RecordedChange,
    StoredDocument,
)
from belay.documents import read, written
from belay.release.applied import AppliedOutcome
from belay.release.manifest import Apply, SchemaRange
from belay.release.registration import Database, RegisteredExecutor
from belay.sql.changes import Engine
from belay.sql.contexts import applies
from belay.stack.plan import Progress, StagePlan

_DIGITS = 12


class ChangeState(StrEnum):
    """How far the changes are."""

    READING = "READING"
    """The executor reads what the database has."""
    PLANNED = "PLANNED"
    APPLYING = "APPLYING"
    """They may have been started."""
    APPLIED = "APPLIED"
    FAILED = "FAILED"
    """At least one could not be applied, or undone; those before it were."""
    UNDOING = "UNDOING"
    UNDONE = "UNDONE"
    RESTORED = "RESTORED"
    """The database was restored from the snapshot taken before them."""


@dataclass(frozen=True)
class PendingChange:
    """A change that the database does not have, by its position among the release's changes.

    ``undo``: a script undoes it, or nothing has to be undone. ``only_here``: its contexts name no earlier stage.
    """

    id: str
    author: str
    path: str
    position: int
    digest: str
    undo: bool = False
    repeatable: bool = False
    only_here: bool = False

    def in_words(self) -> str:
        """``0004-payments (e823aa80df15, can be undone)``."""
        said = [self.digest[:_DIGITS], "can be undone" if self.undo else "cannot be undone"]
        said += ["applied again" if self.repeatable else "", "only in this stage" if self.only_here else ""]
        return f"{self.id} ({', '.join(filter(None, said))})"


@dataclass(frozen=True)
class ChangePlan:
    """A release's database changes in one stage.

    ``stored`` is the change document that the executor gets, ``address`` where the database is; None if there is none
    yet. ``recorded`` maps the changes that the database has to their digests, empty if not kept; ``remarks`` are other
    observations. ``read_as`` names the reading of the database used here. ``operation`` is the executor's,
    ``unanswered`` the number of its failures to respond in a row, ``results`` are the changes' results, and ``reason``
    is why the operation failed.
    """

    database: Database
    executor: RegisteredExecutor
    engine: Engine
    stored: StoredDocument
    schema_range: SchemaRange | None = None
    apply: Apply | None = None
    address: DatabaseAddress | None = None
    recorded: Mapping[str, str] = field(default_factory=dict)
    pending: tuple[PendingChange, ...] = ()
    remarks: tuple[str, ...] = ()
    state: ChangeState = ChangeState.READING
    read_as: str = ""
    operation: str = ""
    unanswered: int = 0
    results: tuple[ChangeResult, ...] = ()
    reason: str = ""

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "ChangePlan":
        """Read what ``to_dict`` wrote. Raises ``UnreadableRecord``."""
        return read(cls, document, "database-changes.json")

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return written(self)

    @property
    def read(self) -> bool:
        """Whether it is known what the database has."""
        return self.state is not ChangeState.READING

    @property
    def is_applied(self) -> bool:
        """Whether the database has every change."""
        return self.state is ChangeState.APPLIED

    @property
    def sealed(self) -> Mapping[str, object]:
        """What an approval covers: which changes, in which order, by their digests, who applies them, and when."""
        return {
            "database": str(self.database),
            "executor": self.executor.function,
            "apply": None if self.apply is None else [self.apply.when, self.apply.stack],
            "pending": [[each.id, each.digest] for each in self.pending],
        }

    def due(self, stacks: StagePlan) -> bool:
        """Whether the changes are to be applied before any further stack is changed."""
        if self.state not in (ChangeState.PLANNED, ChangeState.APPLYING):
            return False
        if self.apply is None:
            return True
        progress = next(each.progress for each in stacks.stacks if each.stack == self.apply.stack)
        settled = (Progress.UNCHANGED, Progress.EXECUTED)
        return progress in settled or (self.apply.when == "before" and progress is Progress.PLANNED)

    def ended(self, answer: OperationAnswer) -> "ChangePlan":
        """Return the plan with the results of an apply operation that has ended."""
        known = {each.id: each for each in answer.changes}
        results = tuple(known[each.id] for each in self.pending if each.id in known)
        state = ChangeState.APPLIED if answer.state is OperationState.SUCCEEDED else ChangeState.FAILED
        return replace(self, state=state, results=results, reason=answer.reason)

    def found(self, recorded: Iterable[RecordedChange]) -> "ChangePlan":
        """Return the plan with those of its changes that the database records now and did not when they were
        planned.
        """
        now = {each.id: each for each in recorded if each.digest != self.recorded.get(each.id)}
        results = tuple(
            ChangeResult(each.id, each.digest, now[each.id].outcome, now[each.id].started, now[each.id].ended)
            for each in self.pending
            if each.id in now
        )
        whole = len(results) == len(self.pending) and all(each.outcome is ChangeOutcome.APPLIED for each in results)
        return replace(self, state=ChangeState.APPLIED if whole else ChangeState.FAILED, results=results)

    def undone(self, answer: OperationAnswer) -> "ChangePlan":
        """Return the plan with the results of an undo that has ended: a change whose undo failed is there as before."""
        undone = {each.id: each for each in answer.changes if each.outcome in _BY_UNDO}
        results = tuple(undone.get(each.id, each) for each in self.results)
        state = ChangeState.UNDONE if answer.state is OperationState.SUCCEEDED else ChangeState.FAILED
        return replace(self, state=state, results=results, reason=answer.reason)

    @property
    def applied(self) -> Mapping[str, str]:
        """The digests of the changes that the database has, by id."""
        done = {each.id: each.digest for each in self.results if each.outcome is ChangeOutcome.APPLIED}
        return {**self.recorded, **done}

    @property
    def standing(self) -> tuple[PendingChange, ...]:
        """The changes of the release that the database has, or may have part of, in order."""
        if self.state in (ChangeState.UNDONE, ChangeState.RESTORED):
            return ()
        found = {each.id for each in self.results if (outcome_of(each) or AppliedOutcome.FAILED).stands}
        return tuple(each for each in self.pending if each.id in found)

    @property
    def doubtful(self) -> tuple[ChangeResult, ...]:
        """The changes of which part may be in the database."""
        return tuple(each for each in self.results if outcome_of(each) is AppliedOutcome.UNKNOWN)

    @property
    def not_undoable(self) -> str | None:
        """Why the changes still there cannot be undone by their own scripts; None if they can."""
        without = [each.id for each in self.standing if not each.undo]
        if self.doubtful:
            return f"of {', '.join(each.id for each in self.doubtful)} a part may be there, which no script undoes"
        if without:
            return f"{', '.join(without)} {'has' if len(without) == 1 else 'have'} no undo"
        return None

    @property
    def what(self) -> str:
        """``2 changes are applied to instance orders-db before service, schema 3 to 4``."""
        count = len(self.pending)
        if not count:
            return f"{self.database} has every change already"
        counted = "1 change is" if count == 1 else f"{count} changes are"
        place = "before all stacks" if self.apply is None else f"{self.apply.when} {self.apply.stack}"
        schema = self.schema_range
        leads = "" if schema is None else f", schema {schema.before} to {schema.after}"
        return f"{counted} applied to {self.database} {place}{leads}"

    def describe(self) -> list[str]:
        """Return what is pending as text, one line a change, then the remarks."""
        return [each.in_words() for each in self.pending] + list(self.remarks)


def wave(stacks: StagePlan, changes: ChangePlan | None) -> str:
    """How far a wave of stacks is: CHANGES if the database changes come next, else as ``StagePlan.wave``."""
    if stacks.in_progress(Progress.EXECUTING) or changes is None or not changes.due(stacks):
        return stacks.wave
    return "CHANGES"


def outcome_of(result: ChangeResult) -> AppliedOutcome | None:
    """Return the result of a change in an operation that has ended; None if it was not touched."""
    return _OUTCOMES.get(result.outcome)


_BY_UNDO = (ChangeOutcome.UNDONE, ChangeOutcome.UNKNOWN, ChangeOutcome.STARTED)

_OUTCOMES = {
    ChangeOutcome.APPLIED: AppliedOutcome.APPLIED,
    ChangeOutcome.FAILED: AppliedOutcome.FAILED,
    ChangeOutcome.UNDONE: AppliedOutcome.UNDONE,
    ChangeOutcome.UNKNOWN: AppliedOutcome.UNKNOWN,
    # It was interrupted: part of it may be there.
    ChangeOutcome.STARTED: AppliedOutcome.UNKNOWN,
}


def failed_in_words(results: Iterable[ChangeResult], reason: str) -> str:
    """Say which changes failed, where and why, and what they left."""
    told = [_failed(each) for each in results if outcome_of(each) in (AppliedOutcome.FAILED, AppliedOutcome.UNKNOWN)]
    return "; ".join(told) or reason or "the executor gave no reason"


def _failed(result: ChangeResult) -> str:
    error = result.error
    where = f"{error.path}:{error.line}: " if error is not None and error.path else ""
    code = f" ({error.code})" if error is not None and error.code else ""
    why = error.message.strip().rstrip(".") if error is not None else "no reason was given"
    left = "it left nothing behind" if result.outcome is ChangeOutcome.FAILED else "a part of it may be in the database"
    return f"{where}{result.id} failed: {why}{code}; {left}"


# -- against the database ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DatabaseComparison:
    """A release's changes against those that a database has, by the ids of the changes.

    ``edited`` were applied with other content, ``missing`` were applied and are not in the release, ``out_of_order``
    are pending before one that was applied, ``doubtful`` may be partly applied. Each maps to words for people.
    """

    pending: tuple[PendingChange, ...]
    edited: Mapping[str, str]
    missing: Mapping[str, str]
    out_of_order: Mapping[str, str]
    doubtful: Mapping[str, str]

    @property
    def refused(self) -> tuple[str, ...]:
        """Why nothing may be applied."""
        return (*self.edited.values(), *self.doubtful.values())

    @property
    def remarks(self) -> tuple[str, ...]:
        """What people should know."""
        return (*self.missing.values(), *self.out_of_order.values())


_THERE = (ChangeOutcome.APPLIED, ChangeOutcome.UNCHANGED)
_IN_DOUBT = (ChangeOutcome.STARTED, ChangeOutcome.UNKNOWN)


def compared(
    changes: Sequence[HandedChange], recorded: Sequence[RecordedChange], earlier: Sequence[str]
) -> DatabaseComparison:
    """Compare the changes for a stage, in order, with what its database records.

    ``earlier`` are the stages before it. A digest that the database does not keep proves nothing.
    """
    there = {each.id: each for each in recorded if each.outcome in _THERE}
    positions = [number for number, change in enumerate(changes) if change.id in there and not change.repeatable]
    last = positions[-1] if positions else -1
    pending: list[PendingChange] = []
    edited: dict[str, str] = {}
    late: dict[str, str] = {}
    for position, change in enumerate(changes):
        found = there.get(change.id)
        if found is not None and found.digest in ("", change.digest):
            continue
        if found is not None and not change.repeatable:
            edited[change.id] = (
                f"{change.id} was edited after {found.release or 'someone'} had applied it on {found.ended}: its "
                f"SHA-256 was {found.digest[:_DIGITS]} and is {change.digest[:_DIGITS]}. Restore the file, and make "
                "the difference a separate change"
            )
            continue
        pending.append(_pending(change, position, earlier))
        if position < last and not change.repeatable:
            after = changes[last].id
            late[change.id] = f"{change.id} is applied out of order: {after}, which comes after it, was applied"
    known = {change.id for change in changes}
    missing = {
        each.id: f"{each.id} was applied by {each.release or 'someone'} and is not in this release"
        for each in there.values()
        if each.id not in known
    }
    doubtful = {
        each.id: f"{each.id} was left half done by {each.release or 'someone'} on {each.started}: see what it "
        "left in the database, then correct its record there"
        for each in recorded
        if each.outcome in _IN_DOUBT
    }
    return DatabaseComparison(tuple(pending), edited, missing, late, doubtful)


def _pending(change: HandedChange, position: int, earlier: Sequence[str]) -> PendingChange:
    return PendingChange(
        id=change.id,
        author=change.author,
        path=change.path,
        position=position,
        digest=change.digest,
        undo=change.undo is not None,
        repeatable=change.repeatable,
        only_here=bool(earlier) and not any(applies(change.contexts, each) for each in earlier),
    )


def not_applied_before(
    pending: Iterable[PendingChange], contexts: Mapping[str, str], earlier: Mapping[str, ChangePlan]
) -> Iterator[str]:
    """Say which changes were not applied unchanged in the stages before, if they are for those.

    ``contexts`` are the changes' own, ``earlier`` the release's plans in earlier stages with a database.
    """
    for change in pending:
        for stage, plan in earlier.items():
            digest = plan.applied.get(change.id)
            if applies(contexts[change.id], stage) and digest not in ("", change.digest):
                was = "was not applied" if digest is None else f"had the SHA-256 {digest[:_DIGITS]}"
                yield (
                    f"{change.id} has the SHA-256 {change.digest[:_DIGITS]}, but {was} in {stage}: only what was "
                    "applied there may be applied here"
                )
