from dataclasses import replace
from typing import Any

import pytest

from belay.database.executor import (
    ChangeDocument,
    ChangeError,
    ChangeOutcome,
    ChangeResult,
    HandedChange,
    HandedStatement,
    LockTaken,
    OperationAnswer,
    OperationState,
    QueryPlanned,
    RowsTouched,
    UndoRehearsed,
)
from belay.database.forecast import (
    DatabaseForecast,
    ForecastChange,
    SnapshotUsed,
    TableDifference,
    differences,
    tried,
)
from belay.policy.verdict import Severity, Verdict
from belay.sql.changes import DatabaseChange, Format, SourcePlace, SqlStatement
from belay.sql.model import Model, ModelTable, ReplayStep
from belay.sql.operations import (
    ColumnDefinition,
    ConstraintDefinition,
    ConstraintKind,
    Default,
    DefaultKind,
    Harmless,
    IndexDefinition,
    Name,
    SqlType,
)

PATH = "database/0002-customers.sql"
CREATE = HandedChange(
    "0001-create", "ann", "database/0001-create.sql", "d1", (HandedStatement("CREATE TABLE t ()", "x", 1),)
)
ALTER = HandedChange(
    "0002-customers",
    "ann",
    PATH,
    "d2",
    (HandedStatement("ALTER TABLE orders\nALTER customer SET NOT NULL", PATH, 3), HandedStatement("ANALYZE", PATH, 6)),
)
DOCUMENT = ChangeDocument("orders", "production", "1.4.0", "a1", Format.PLAIN, "database", (CREATE, ALTER))
NULLS = ChangeError('column "customer" contains null values', "23502", PATH, 3, 1)


def result(change: HandedChange, outcome: ChangeOutcome, **more: Any) -> ChangeResult:
    return ChangeResult(change.id, change.digest, outcome, **more)


def answer(state: OperationState, *results: ChangeResult, reason: str = "") -> OperationAnswer:
    return OperationAnswer("op", state, reason, results)


def forecast(*results: ChangeResult, state: OperationState = OperationState.SUCCEEDED, **more: Any) -> DatabaseForecast:
    changes, not_tried = tried(DOCUMENT, {ALTER.id}, answer(state, *results))
    return DatabaseForecast("instance orders-db", "copy", changes, not_tried=not_tried, **more)


def test_what_a_change_did_on_the_copy_is_told() -> None:
    seen = result(
        ALTER,
        ChangeOutcome.APPLIED,
        seconds=2.5,
        locks=(LockTaken("orders", "AccessExclusiveLock"),),
        rewritten=("orders",),
        rows=(RowsTouched("orders", updated=7),),
        undo=UndoRehearsed(restored=True),
    )
    found = forecast(result(CREATE, ChangeOutcome.UNCHANGED), seen)
    (change,) = found.changes
    assert change == ForecastChange(
        id="0002-customers",
        author="ann",
        path=PATH,
        line=3,
        last_line=6,
        digest="d2",
        sql="ALTER TABLE orders\nALTER customer SET NOT NULL;\nANALYZE;",
        outcome=ChangeOutcome.APPLIED,
        seconds=2.5,
        locks=(LockTaken("orders", "AccessExclusiveLock"),),
        rewritten=("orders",),
        rows=(RowsTouched("orders", updated=7),),
        undo=UndoRehearsed(restored=True),
    )
    assert (found.findings, found.verdict, found.seconds) == ((), Verdict.PASS, 2.5)


def test_a_change_that_fails_on_the_copy_fails_the_release_in_the_executor_s_words() -> None:
    found = forecast(result(ALTER, ChangeOutcome.FAILED, error=NULLS), state=OperationState.FAILED)
    (finding,) = found.findings
    assert found.verdict is finding.verdict is Verdict.FAIL
    assert finding.message == (
        "On a copy of instance orders-db the change 0002-customers failed: "
        'column "customer" contains null values (23502)'
    )
    assert (finding.path, finding.line, finding.column) == (PATH, 3, 1)
    assert (finding.policy, finding.resource, finding.severity) == ("database-forecast", ALTER.id, Severity.HIGH)
    assert found.not_tried == ""


def test_a_change_of_which_a_part_may_be_left_fails_too() -> None:
    (finding,) = forecast(result(ALTER, ChangeOutcome.UNKNOWN), state=OperationState.FAILED).findings
    assert finding.verdict is Verdict.FAIL
    assert "may have left a part behind: the executor did not say why" in finding.message
    assert (finding.path, finding.line) == (PATH, 3)


@pytest.mark.parametrize("state", [OperationState.FAILED, OperationState.REFUSED, OperationState.UNSUPPORTED])
def test_an_executor_that_fails_without_a_change_gives_no_verdict_on_the_changes(state: OperationState) -> None:
    changes, not_tried = tried(DOCUMENT, {ALTER.id}, answer(state, reason="no route to host"))
    assert not_tried == f"the executor answered {state}: no route to host"
    assert [each.outcome for each in changes] == [None]
    found = DatabaseForecast("instance orders-db", "copy", changes, not_tried=not_tried)
    assert found.verdict is Verdict.REVIEW
    assert "were not tried on a copy: the executor answered" in found.findings[0].message


def test_what_was_not_asked_of_a_copy_is_not_held_against_it() -> None:
    assert tried(DOCUMENT, {ALTER.id}, None)[1] == ""


@pytest.mark.parametrize(
    ("undo", "words"),
    [
        (UndoRehearsed(restored=False), "the structure was not as before"),
        (UndoRehearsed(restored=False, error=ChangeError("no such column", path="u.sql", line=9)), "no such column"),
    ],
)
def test_an_undo_that_takes_nothing_back_is_left_to_a_person(undo: UndoRehearsed, words: str) -> None:
    found = forecast(result(ALTER, ChangeOutcome.APPLIED, undo=undo))
    (finding,) = found.findings
    assert found.verdict is Verdict.REVIEW
    assert finding.message.endswith(words)
    assert finding.path == ("u.sql" if undo.error else PATH)


def test_a_query_of_the_running_version_that_breaks_is_left_to_a_person() -> None:
    fine, broken = QueryPlanned("SELECT 1", 1.0, 1.0), QueryPlanned("SELECT name", 1.0, None, "no column name")
    found = forecast(result(ALTER, ChangeOutcome.APPLIED), queries=(fine, broken))
    (finding,) = found.findings
    assert finding.verdict is Verdict.REVIEW
    assert finding.message == "A query that runs today breaks after the changes: SELECT name: no column name"


def test_an_executor_s_words_are_cut() -> None:
    error = replace(NULLS, message="x" * 10_000)
    (finding,) = forecast(result(ALTER, ChangeOutcome.FAILED, error=error)).findings
    assert len(finding.message) < 2_100


def test_the_whole_time_is_known_only_if_that_of_each_change_is() -> None:
    seen = [result(CREATE, ChangeOutcome.APPLIED, seconds=1), result(ALTER, ChangeOutcome.APPLIED)]
    changes, _ = tried(DOCUMENT, {CREATE.id, ALTER.id}, answer(OperationState.SUCCEEDED, *seen))
    assert DatabaseForecast("d", "copy", changes).seconds is None
    assert DatabaseForecast("d", "copy", changes[:1]).seconds == 1


def test_a_forecast_is_read_as_it_was_written() -> None:
    found = forecast(
        result(ALTER, ChangeOutcome.FAILED, error=NULLS, locks=(), undo=UndoRehearsed(restored=False)),
        queries=(QueryPlanned("SELECT 1"),),
        snapshot=SnapshotUsed("rds:orders-db", "2026-03-02T00:00:00+00:00"),
        note="a note",
    )
    found = replace(found, changes=(replace(found.changes[0], model=(TableDifference("t", ("a",), ("b",)),)),))
    assert DatabaseForecast.from_dict(found.to_dict()) == found


# -- the model ---------------------------------------------------------------------------------------------------------


def column(name: str, **more: Any) -> ColumnDefinition:
    return ColumnDefinition(name, SqlType("bigint"), **more)


def table(**columns: ColumnDefinition) -> ModelTable:
    return ModelTable(Name("orders"), columns)


def step(before: ModelTable | None, after: ModelTable | None, change: str = "c") -> ReplayStep:
    place = SourcePlace("x.sql", 1)
    changed = DatabaseChange(change, "ann", place, "d", ())
    models = [Model({} if each is None else {Name("orders"): each}) for each in (before, after)]
    return ReplayStep(models[0], Harmless("x"), models[1], changed, SqlStatement("x", place))


def test_a_change_s_model_is_compared_before_and_after_all_of_its_steps() -> None:
    bare, more = table(id=column("id", nullable=False)), table(id=column("id", nullable=False), paid=column("paid"))
    steps = [step(bare, more), step(more, more), step(more, table(paid=column("paid")), "later")]
    assert differences(steps) == {
        "c": (TableDifference("orders", (), ("column paid bigint",)),),
        "later": (TableDifference("orders", ("column id bigint not null",), ()),),
    }


def test_a_table_that_comes_or_goes_is_told_whole() -> None:
    whole = ModelTable(
        Name("orders"),
        {
            "id": column("id", nullable=False, identity=True),
            "at": column("at", default=Default(DefaultKind.CONSTANT, "now()")),
            "sum": column("sum", generated=True),
        },
        {
            "pk": ConstraintDefinition(ConstraintKind.PRIMARY_KEY, "pk", ("id",)),
            "fk": ConstraintDefinition(ConstraintKind.FOREIGN_KEY, "", ("id",), Name("c"), ("i", "j"), validated=False),
            "ck": ConstraintDefinition(ConstraintKind.CHECK, "ck", expression="id > 0"),
        },
        {"ix": IndexDefinition("ix", ("a", "lower(b)"), unique=True, included=("c",), where="a > 1")},
        unsure=("a statement was not understood",),
    )
    lines = (
        "column id bigint not null identity",
        "column at bigint default now()",
        "column sum bigint generated",
        "constraint pk primary key (id)",
        "constraint foreign key (id) references c (i, j) not validated",
        "constraint ck check id > 0",
        "unique index ix (a, lower(b)) include (c) where a > 1",
    )
    unsure = ("a statement was not understood",)
    assert differences([step(None, whole)]) == {"c": (TableDifference("orders", (), lines, unsure),)}
    assert differences([step(whole, None)]) == {"c": (TableDifference("orders", lines, ()),)}


def test_a_change_that_leaves_the_model_as_it_is_differs_in_nothing() -> None:
    assert differences([step(table(), table())]) == {"c": ()}
