"""A release's database changes: what is pending, when they are due, what they leave."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from belay.database.executor import (
    ChangeError,
    ChangeOutcome,
    ChangeResult,
    DatabaseAddress,
    HandedChange,
    OperationAnswer,
    OperationState,
    RecordedChange,
    StoredDocument,
)
from belay.database.instance import INSTANCE
from belay.release.change_plan import (
    ChangePlan,
    ChangeState,
    PendingChange,
    compared,
    failed_in_words,
    not_applied_before,
)
from belay.release.manifest import Apply, SchemaRange
from belay.release.registration import Database, RegisteredExecutor
from belay.sql.changes import Engine
from belay.stack.plan import Progress, StackPlan, StagePlan

OLD, NEW = "a" * 64, "b" * 64
AT = "2026-03-02T09:30:00.000+00:00"


def change(name: str, digest: str = OLD, **more: Any) -> HandedChange:
    return HandedChange(name, "ann", f"db/{name}.sql", digest, (), **more)


def recorded(name: str, digest: str = OLD, outcome: ChangeOutcome = ChangeOutcome.APPLIED) -> RecordedChange:
    return RecordedChange(name, "ann", f"db/{name}.sql", 0, digest, "1.0.0", "0123456789ab", AT, AT, outcome)


def pending(*names: str, **more: Any) -> tuple[PendingChange, ...]:
    return tuple(PendingChange(name, "ann", f"db/{name}.sql", n, OLD, **more) for n, name in enumerate(names))


def plan(*names: str, **more: Any) -> ChangePlan:
    known: dict[str, Any] = {
        "database": Database(INSTANCE, "orders-db"),
        "executor": RegisteredExecutor("arn:aws:lambda:eu-west-1:123456789012:function:change", "orders"),
        "engine": Engine.POSTGRESQL,
        "stored": StoredDocument("artifacts", "attempts/orders/a/changes.json", "v1", "c" * 64),
        "pending": pending(*names),
        "state": ChangeState.PLANNED,
    }
    return ChangePlan(**{**known, **more})


def result(name: str, outcome: ChangeOutcome, error: ChangeError | None = None) -> ChangeResult:
    return ChangeResult(name, OLD, outcome, AT, AT, error)


def test_it_is_kept_as_one_document() -> None:
    whole = plan(
        "1",
        "2",
        schema_range=SchemaRange("3", "4"),
        apply=Apply("after", "data"),
        address=DatabaseAddress(Engine.POSTGRESQL, "instance", "orders-db", "orders-db.example", 5432, "orders"),
        recorded={"0": OLD},
        remarks=("9 was applied",),
        operation="op",
        results=(result("1", ChangeOutcome.APPLIED),),
    )
    assert ChangePlan.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole


class TestComparison:
    CHANGES = (change("1"), change("2", contexts="production"), change("3", undo=()), change("R", repeatable=True))

    def test_what_the_database_does_not_have_is_pending(self) -> None:
        found = compared(self.CHANGES, [recorded("1")], ["test"])
        assert [each.in_words() for each in found.pending] == [
            f"2 ({OLD[:12]}, cannot be undone, only in this stage)",
            f"3 ({OLD[:12]}, can be undone)",
            f"R ({OLD[:12]}, cannot be undone, applied again)",
        ]
        assert [each.position for each in found.pending] == [1, 2, 3]
        assert found.refused == found.remarks == ()

    def test_in_the_first_stage_nothing_is_only_there(self) -> None:
        assert not [each for each in compared(self.CHANGES, (), ()).pending if each.only_here]

    def test_a_repeatable_change_is_applied_again_when_it_is_another(self) -> None:
        known = [recorded(each.id) for each in self.CHANGES]
        assert compared(self.CHANGES, known, ()).pending == ()
        other = [*known[:3], recorded("R", NEW)]
        assert [each.id for each in compared(self.CHANGES, other, ()).pending] == ["R"]

    def test_what_was_edited_after_it_was_applied_is_refused(self) -> None:
        found = compared(self.CHANGES, [recorded("1", NEW)], ())
        assert found.refused == (
            f"1 was edited after 1.0.0 had applied it on {AT}: its SHA-256 was bbbbbbbbbbbb and is aaaaaaaaaaaa. "
            "Restore the file, and make the difference a separate change",
        )
        assert [each.id for each in found.pending] == ["2", "3", "R"]

    def test_a_digest_that_nobody_kept_says_nothing(self) -> None:
        assert compared(self.CHANGES, [recorded("1", "")], ()).refused == ()

    def test_what_is_missing_and_what_is_out_of_order_is_told(self) -> None:
        found = compared(self.CHANGES, [recorded("3"), recorded("0")], ())
        assert found.refused == ()
        assert found.remarks == (
            "0 was applied by 1.0.0 and is not in this release",
            "1 is applied out of order: 3, which comes after it, was applied",
            "2 is applied out of order: 3, which comes after it, was applied",
        )
        assert set(found.out_of_order) == {"1", "2"}

    @pytest.mark.parametrize("outcome", [ChangeOutcome.STARTED, ChangeOutcome.UNKNOWN])
    def test_what_was_left_in_the_middle_is_refused(self, outcome: ChangeOutcome) -> None:
        (said,) = compared(self.CHANGES, [recorded("1", OLD, outcome)], ()).refused
        assert said.startswith("1 was left half done by 1.0.0")

    @pytest.mark.parametrize("outcome", [ChangeOutcome.FAILED, ChangeOutcome.UNDONE])
    def test_what_is_not_there_any_more_is_pending_again(self, outcome: ChangeOutcome) -> None:
        found = compared(self.CHANGES[:1], [recorded("1", NEW, outcome)], ())
        assert ([each.id for each in found.pending], found.refused, found.remarks) == (["1"], (), ())


class TestSameInEveryStage:
    CONTEXTS: ClassVar[dict[str, str]] = dict.fromkeys("12", "") | {"3": "production"}

    def refused(self, **earlier: ChangePlan) -> list[str]:
        return list(not_applied_before(pending("1", "2", "3"), self.CONTEXTS, earlier))

    def test_what_was_applied_or_was_there_before_may_be_applied(self) -> None:
        done = plan("1", recorded={"2": OLD}, results=(result("1", ChangeOutcome.APPLIED),), state=ChangeState.APPLIED)
        assert self.refused(test=done) == []
        assert self.refused(test=replace(done, recorded={"2": ""})) == []
        assert self.refused() == []

    def test_what_was_not_or_was_another_may_not(self) -> None:
        assert self.refused(test=plan("1", recorded={"2": NEW})) == [
            "1 has the SHA-256 aaaaaaaaaaaa, but was not applied in test: only what was applied there may be applied "
            "here",
            "2 has the SHA-256 aaaaaaaaaaaa, but had the SHA-256 bbbbbbbbbbbb in test: only what was applied there may "
            "be applied here",
        ]


def stacks(**progress: Progress) -> StagePlan:
    return StagePlan(tuple(StackPlan(name, name, progress=each) for name, each in progress.items()))


@pytest.mark.parametrize(
    ("apply", "progress", "due"),
    [
        (None, Progress.PLANNED, True),
        (Apply("before", "data"), Progress.WAITING, False),
        (Apply("before", "data"), Progress.PLANNED, True),
        (Apply("before", "data"), Progress.UNCHANGED, True),
        (Apply("after", "data"), Progress.PLANNED, False),
        (Apply("after", "data"), Progress.EXECUTING, False),
        (Apply("after", "data"), Progress.EXECUTED, True),
        (Apply("after", "data"), Progress.UNCHANGED, True),
    ],
)
def test_when_the_changes_are_due(apply: Apply | None, progress: Progress, due: bool) -> None:
    waves = stacks(first=Progress.PLANNED, data=progress)
    assert plan("1", apply=apply).due(waves) is due
    assert plan("1", apply=apply, state=ChangeState.APPLYING).due(waves) is due
    assert not plan("1", apply=apply, state=ChangeState.APPLIED).due(waves)


class TestResults:
    def ended(self, *changes: ChangeResult, state: OperationState = OperationState.FAILED) -> ChangePlan:
        return plan("1", "2", "3").ended(OperationAnswer("op", state, "the second failed", changes))

    def standing(self, found: ChangePlan) -> Sequence[str]:
        return [each.id for each in found.standing]

    def test_what_stands_is_what_was_applied_and_what_may_be_there(self) -> None:
        error = ChangeError('column "note" contains null values', "23502", "db/2.sql", 7, 1)
        found = self.ended(
            result("0", ChangeOutcome.UNCHANGED),
            result("1", ChangeOutcome.APPLIED),
            result("2", ChangeOutcome.FAILED, error),
            result("3", ChangeOutcome.PENDING),
        )
        assert self.standing(found) == ["1"]
        assert (found.state, found.reason) == (ChangeState.FAILED, "the second failed")
        assert found.applied == {"1": OLD}
        assert found.doubtful == ()
        assert failed_in_words(found.results, "") == (
            'db/2.sql:7: 2 failed: column "note" contains null values (23502); it left nothing behind'
        )

    @pytest.mark.parametrize("outcome", [ChangeOutcome.UNKNOWN, ChangeOutcome.STARTED])
    def test_a_part_of_a_change_stands(self, outcome: ChangeOutcome) -> None:
        found = self.ended(result("1", outcome))
        assert self.standing(found) == ["1"]
        assert [each.id for each in found.doubtful] == ["1"]
        assert failed_in_words(found.results, "") == (
            "1 failed: no reason was given; a part of it may be in the database"
        )

    def test_what_was_undone_or_restored_does_not_stand(self) -> None:
        applied = self.ended(result("1", ChangeOutcome.APPLIED), state=OperationState.SUCCEEDED)
        assert (applied.state, self.standing(applied)) == (ChangeState.APPLIED, ["1"])
        assert self.standing(replace(applied, state=ChangeState.UNDOING)) == ["1"]
        undone = applied.undone(
            OperationAnswer("op2", OperationState.SUCCEEDED, changes=(result("1", ChangeOutcome.UNDONE),))
        )
        assert (undone.state, self.standing(undone), undone.applied) == (ChangeState.UNDONE, [], {})
        assert self.standing(replace(applied, state=ChangeState.RESTORED)) == []

    def test_an_undo_that_failed_leaves_what_it_did_not_undo(self) -> None:
        applied = self.ended(*(result(name, ChangeOutcome.APPLIED) for name in "123"))
        outcomes = {"3": ChangeOutcome.UNDONE, "2": ChangeOutcome.FAILED, "1": ChangeOutcome.PENDING}
        answer = tuple(result(name, outcome) for name, outcome in outcomes.items())
        found = applied.undone(OperationAnswer("op2", OperationState.FAILED, "2 failed", answer))
        assert (found.state, self.standing(found), found.reason) == (ChangeState.FAILED, ["1", "2"], "2 failed")
        refused = applied.undone(OperationAnswer("op2", OperationState.UNSUPPORTED, "the tool undoes nothing"))
        assert (refused.state, self.standing(refused)) == (ChangeState.FAILED, ["1", "2", "3"])

    def test_what_the_database_records_says_what_became_of_changes_that_nobody_followed(self) -> None:
        begun = plan("1", "2", recorded={"0": OLD}, state=ChangeState.APPLYING)
        none = begun.found([recorded("0")])
        assert (none.state, self.standing(none)) == (ChangeState.FAILED, [])
        part = begun.found([recorded("0"), recorded("1"), recorded("2", OLD, ChangeOutcome.STARTED)])
        assert (part.state, self.standing(part)) == (ChangeState.FAILED, ["1", "2"])
        assert [each.id for each in part.doubtful] == ["2"]
        whole = begun.found([recorded("0"), recorded("1"), recorded("2")])
        assert (whole.state, self.standing(whole)) == (ChangeState.APPLIED, ["1", "2"])
        again = plan("1", recorded={"1": NEW}, state=ChangeState.APPLYING)
        assert self.standing(again.found([recorded("1", NEW)])) == [], "what was there before is not ours"

    def test_a_failure_without_a_change_has_the_operation_s_reason(self) -> None:
        assert failed_in_words((), "the database refused the connection") == "the database refused the connection"
        assert failed_in_words((), "") == "the executor gave no reason"
