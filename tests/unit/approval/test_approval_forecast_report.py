"""The forecast report: change by change, identical as data, lines and HTML, and safe with hostile content."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import ATTRIBUTES, HOSTILE, TAGS, Read

from belay.approval.forecast_report import ForecastReport, page, seconds_in_words
from belay.database.executor import (
    ChangeError,
    ChangeOutcome,
    LockTaken,
    QueryPlanned,
    RowsTouched,
    UndoRehearsed,
)
from belay.database.forecast import DatabaseForecast, ForecastChange, SnapshotUsed, TableDifference
from belay.policy.verdict import Finding, Severity, Verdict

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "forecast.schema.json").read_text())
PATH = "database/0002-customers.sql"
NULLS = ChangeError('column "customer" contains null values', "23502", PATH, 4, 1)
ADDED = ForecastChange(
    id="0001-paid",
    author="ann",
    path="database/0001-paid.sql",
    line=1,
    last_line=2,
    digest="1" * 64,
    sql="ALTER TABLE orders ADD paid bigint;",
    model=(TableDifference("orders", (), ("column paid bigint",)),),
    outcome=ChangeOutcome.APPLIED,
    seconds=0.003,
    locks=(LockTaken("orders", "AccessExclusiveLock"),),
    rewritten=("orders",),
    rows=(RowsTouched("orders", updated=7),),
    undo=UndoRehearsed(restored=True, seconds=0.002),
)
REQUIRED = ForecastChange(
    id="0002-customers",
    author="",
    path=PATH,
    line=3,
    last_line=6,
    digest="2" * 64,
    sql="ALTER TABLE orders ALTER customer SET NOT NULL;",
    model=(
        TableDifference(
            "orders",
            ("column customer bigint", "column note text"),
            ("column customer bigint not null", "column more text"),
            ("a statement was not understood",),
        ),
    ),
    outcome=ChangeOutcome.FAILED,
    error=NULLS,
)
FORECAST = DatabaseForecast(
    "instance orders-db",
    "copy",
    (ADDED, REQUIRED),
    (QueryPlanned("SELECT 1", 1.5, 2.5), QueryPlanned("SELECT name\nFROM orders", 1.0, None, "no column name")),
    snapshot=SnapshotUsed("rds:orders-db-2026", "2026-03-02T00:00:00+00:00"),
)


def found(policy: str, line: int, verdict: Verdict = Verdict.REVIEW, **more: Any) -> Finding:
    return Finding(PATH, "orders", policy, verdict, Severity.HIGH, line, 1, "customer", "It scans.", "Do less.", **more)


GATE = (found("not-null-scan", 3, Verdict.FAIL), found("grant", 9))
REPORT = ForecastReport("orders", "1.4.0", "a1", "production", FORECAST, GATE)


def test_each_change_has_what_was_found_in_it() -> None:
    assert REPORT.findings_of(ADDED) == ()
    assert [each.policy for each in REPORT.findings_of(REQUIRED)] == ["database-forecast", "not-null-scan"]
    assert (REPORT.verdict_of(ADDED), REPORT.verdict_of(REQUIRED)) == (Verdict.PASS, Verdict.FAIL)
    # A query is about no change, and the gate's finding is below the change's last line.
    assert [(each.policy, each.verdict) for each in REPORT.others] == [
        ("database-forecast", Verdict.REVIEW),
        ("grant", Verdict.REVIEW),
    ]
    assert REPORT.verdict is Verdict.FAIL


def test_what_was_waived_does_not_count() -> None:
    waived = replace(REPORT, forecast=replace(FORECAST, changes=(), queries=()), gate=(found("x", 1, waiver="ann"),))
    assert waived.verdict is Verdict.PASS
    assert len(waived.others) == 1


@pytest.mark.parametrize(
    "report",
    [
        REPORT,
        replace(REPORT, forecast=DatabaseForecast("instance orders-db", "model", note="nothing is pending")),
        replace(REPORT, forecast=DatabaseForecast("instance orders-db", "copy", not_tried="there is no snapshot")),
    ],
)
def test_the_document_is_what_its_schema_says(report: ForecastReport) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(json.dumps(report.to_json())), SCHEMA)


def test_the_document_says_all_that_is_known() -> None:
    document = REPORT.to_json()
    assert {name: document[name] for name in ("verdict", "basis", "seconds", "database")} == {
        "verdict": "FAIL",
        "basis": "copy",
        "seconds": None,
        "database": "instance orders-db",
    }
    added, required = document["changes"]
    assert (added["seconds"], added["rows"][0]["updated"], added["undo"]["restored"]) == (0.003, 7, True)
    assert required["error"]["code"] == "23502"


def test_the_text_goes_through_it_change_by_change() -> None:
    assert REPORT.lines() == [
        "orders/1.4.0 in production: FAIL, forecast for instance orders-db",
        "  The changes were run on a copy of the database.",
        "  It was restored from rds:orders-db-2026, taken at 2026-03-02T00:00:00+00:00.",
        "  Times are upper bounds: a restored volume loads its blocks when they are first read.",
        "",
        "PASS  0001-paid  database/0001-paid.sql:1",
        "  applied",
        "  took at most 3 ms",
        "  locks: AccessExclusiveLock on orders",
        "  rewritten: orders",
        "  rows of orders: 7 updated",
        "  its undo reversed it in 2 ms",
        "  table orders",
        "    + column paid bigint",
        "",
        "FAIL  0002-customers  database/0002-customers.sql:3",
        "  FAILED, and left nothing behind",
        "  its locks could not be seen",
        "  table orders",
        "    - column customer bigint",
        "    - column note text",
        "    + column customer bigint not null",
        "    + column more text",
        "    ? a statement was not understood",
        "  FAIL database/0002-customers.sql:4 0002-customers : database-forecast: On a copy of instance orders-db the "
        'change 0002-customers failed: column "customer" contains null values (23502) Correct the change, or the rows '
        "that it fails on, and upload the release again.",
        "  FAIL database/0002-customers.sql:3 orders customer: not-null-scan: It scans. Do less.",
        "",
        "Queries of the version that runs: 2 planned, 1 broken",
        "  SELECT name FROM orders: no column name",
        "",
        "Other findings",
        "  REVIEW instance orders-db instance orders-db : database-forecast: A query that runs today breaks after the "
        "changes: SELECT name FROM orders: no column name Change the database so that the running version still works, "
        "and remove the rest later.",
        "  REVIEW database/0002-customers.sql:9 orders customer: grant: It scans. Do less.",
    ]


@pytest.mark.parametrize(
    ("forecast", "told"),
    [
        (DatabaseForecast("d", "copy", not_tried="there is no snapshot"), "not tried on a copy, because there is no"),
        (DatabaseForecast("d", "copy", note="nothing is pending"), "Nothing is pending."),
        (DatabaseForecast("d", "model"), "compared with a model of the database; nothing was run."),
    ],
)
def test_it_says_what_it_rests_on(forecast: DatabaseForecast, told: str) -> None:
    report = replace(REPORT, forecast=forecast, gate=())
    assert told in "\n".join(report.lines())
    assert told in Read(page(report)).text


def test_the_page_shows_it_all() -> None:
    read = Read(page(REPORT))
    for told in (
        "orders 1.4.0 in production: database changes",
        "0001-paid",
        "took at most 3 ms",
        "AccessExclusiveLock on orders",
        "column customer bigint column customer bigint not null",
        "column more text",
        "Not sure: a statement was not understood",
        'column "customer" contains null values',
        "Correct the change, or the rows that it fails on",
        "not-null-scan",
        "Do less.",
        "SELECT name FROM orders",
        "no column name",
        "Times are upper bounds",
    ):
        assert told in read.text, told


def hostile(text: str) -> ForecastReport:
    error = ChangeError(text, text, text, 3, 1)
    change = ForecastChange(
        id=text,
        author=text,
        path=text,
        line=1,
        last_line=9,
        digest=text,
        sql=text,
        model=(TableDifference(text, (text,), (text, "x " + text), (text,)),),
        outcome=ChangeOutcome.UNKNOWN,
        seconds=1.0,
        locks=(LockTaken(text, text),),
        rewritten=(text,),
        rows=(RowsTouched(text, 1, 1, 1),),
        undo=UndoRehearsed(restored=False, error=error),
        error=error,
    )
    forecast = DatabaseForecast(
        text, "copy", (change,), (QueryPlanned(text, 1, 1, text),), snapshot=SnapshotUsed(text, text)
    )
    gate = replace(found(text, 3), path=text, resource=text, message=text, fix=text, waiver=text)
    return ForecastReport(text, text, text, text, forecast, (gate, replace(gate, line=99)))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("changed", [{}, {"not_tried": True}, {"note": True}])
def test_what_is_hostile_is_shown_as_text(text: str, changed: dict[str, Any]) -> None:
    report = hostile(text)
    report = replace(report, forecast=replace(report.forecast, **dict.fromkeys(changed, text)))
    read = Read(page(report))
    assert read.tags <= TAGS
    assert read.attributes <= ATTRIBUTES


@given(st.text())
@settings(max_examples=50, deadline=None)
def test_whatever_an_executor_answers_makes_no_element(text: str) -> None:
    read = Read(page(hostile(text)))
    assert read.tags <= TAGS
    assert read.attributes <= ATTRIBUTES


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.003, "3 ms"), (1, "1.0 s"), (6.54, "6.5 s"), (119.9, "119.9 s"), (720, "12 min")]
)
def test_a_time_is_told_in_its_unit(seconds: float, words: str) -> None:
    assert seconds_in_words(seconds) == words
