"""What the policies about database changes know of a release: what is pending, what is new, what already existed."""

from datetime import date

import pytest

from belay.policy.database_gate import applied_before, check_database_changes, last_of
from belay.policy.settings import MAXIMUMS, PolicySettings, Waiver
from belay.policy.verdict import Report, Severity, Verdict
from belay.sql.changes import DatabaseChange, Engine
from belay.sql.reading import read_changes

TODAY = date(2026, 1, 1)


def read(*texts: str) -> tuple[DatabaseChange, ...]:
    files = {f"db/{number:04}-change.sql": text.encode() for number, text in enumerate(texts, 1)}
    return read_changes(files, "db", Engine.POSTGRESQL)


def check(*texts: str, applied: int = 0, alone: bool = False, settings: PolicySettings | None = None) -> Report:
    changes = read(*texts)
    before = {change.id: change.digest for change in changes[:applied]}
    return check_database_changes(
        changes, Engine.POSTGRESQL, settings or PolicySettings(), TODAY, applied=before, alone=alone
    )


def found(report: Report, slug: str) -> list[tuple[str, str, int]]:
    return [(one.path, one.resource, one.line) for one in report.findings if one.policy == slug]


CREATED = "CREATE TABLE orders (id bigint PRIMARY KEY, state text);"
INDEXED = "SELECT 1;\nCREATE INDEX orders_state ON orders (state);"


def test_a_table_of_the_same_release_is_new() -> None:
    assert found(check(CREATED, INDEXED), "index-not-concurrent") == []


def test_a_table_of_what_was_applied_was_there_and_what_was_applied_is_not_checked() -> None:
    report = check(CREATED, INDEXED, applied=1)
    assert found(report, "index-not-concurrent") == [("db/0002-change.sql", "orders", 2)]
    assert report.paths == ("db/0002-change.sql",)


def test_a_table_of_a_change_that_is_a_release_of_its_own_was_there() -> None:
    report = check(CREATED, INDEXED, alone=True)
    assert found(report, "index-not-concurrent") == [("db/0002-change.sql", "orders", 2)]
    assert report.paths == ("db/0001-change.sql", "db/0002-change.sql")


def test_what_was_taken_back_was_not_created() -> None:
    report = check(f"BEGIN;\n{CREATED}\nROLLBACK;\nDROP TABLE orders;")
    assert found(report, "drop-table") == [("db/0001-change.sql", "orders", 4)]


def test_a_dropped_column_says_which_constraints_it_takes_along() -> None:
    created = "CREATE TABLE orders (id bigint PRIMARY KEY, state text UNIQUE, a int, b int);"
    keyed = "ALTER TABLE orders ADD CONSTRAINT once UNIQUE (a, b) INCLUDE (state);"
    report = check(created, keyed, "ALTER TABLE orders DROP COLUMN state;", applied=2)
    (dropped,) = (one for one in report.findings if one.policy == "drop-column")
    assert dropped.message == "A column is dropped with its values: orders.state, and with it once on a, b."


def test_the_default_schema_is_the_same_table() -> None:
    assert found(check("CREATE TABLE public.orders (id bigint PRIMARY KEY);\nDROP TABLE orders;"), "drop-table") == []
    assert found(check("CREATE TABLE other.orders (id bigint PRIMARY KEY);\nDROP TABLE orders;"), "drop-table") != []


def test_a_table_that_is_not_understood_is_new_too() -> None:
    report = check("/* new */ CREATE TABLE orders (id bigint PRIMARY KEY) FROBNICATED;\nCREATE INDEX i ON orders (id);")
    assert found(report, "not-understood") == [("db/0001-change.sql", "orders", 1)]
    assert found(report, "index-not-concurrent") == []


def test_concurrently_beside_what_needs_a_transaction_is_refused() -> None:
    report = check("ALTER TABLE orders ADD COLUMN note text;\nCREATE INDEX CONCURRENTLY i ON orders (note);")
    assert found(report, "concurrent-in-transaction") == [("db/0001-change.sql", "orders", 2)]


def test_a_waiver_names_the_table() -> None:
    waiver = Waiver("drop-table", "orders", "unused", "dba", TODAY)
    report = check("DROP TABLE orders;", settings=PolicySettings(waivers=(waiver,), advice=False))
    assert [one.waiver for one in report.findings] == ["unused (dba, until 2026-01-01)"]
    assert report.verdict is Verdict.PASS


def test_one_statement_that_is_not_understood_is_one_finding() -> None:
    report = check("DO $$ BEGIN EXECUTE 'DROP TABLE orders'; END $$;", settings=PolicySettings(advice=False))
    assert [(one.policy, one.verdict) for one in report.findings] == [("not-understood", Verdict.REVIEW)]
    assert report.verdict is Verdict.REVIEW


def test_maximums_are_settings() -> None:
    wide = "CREATE INDEX CONCURRENTLY i ON orders (a, b, c, d);"
    settings = PolicySettings.from_registration({"maximums": {"index-columns": 4}})
    assert found(check(wide), "index-columns") == [("db/0001-change.sql", "orders", 1)]
    assert found(check(wide, settings=settings), "index-columns") == []
    assert settings.maximum("indexes-per-table") == MAXIMUMS["indexes-per-table"]


@pytest.mark.parametrize(("version", "count"), [("1", 1), ("0002-change", 2), ("0002", 2), ("3", 0), ("", 0)])
def test_the_schema_version_says_what_was_applied_before(version: str, count: int) -> None:
    changes = read(CREATED, INDEXED)
    assert list(applied_before(changes, version)) == [change.id for change in changes[:count]]


@pytest.mark.parametrize(
    ("names", "version", "count"),
    [
        (["V1__a", "V1.1__b", "V2__c"], "1", 1),
        (["V1__a", "V1_1__b", "V2__c"], "1.1", 2),
        (["0012-2024-report", "0013-x"], "12", 1),
        (["2026-01-31-0930_a", "2026-02-01-0800_b"], "2026-01-31", 1),
        (["2026-01-31-0930_a"], "2027", 0),
        (["a", "b"], "b", 2),
    ],
)
def test_the_last_change_of_a_version_is_found_by_name(names: list[str], version: str, count: int) -> None:
    assert last_of(names, version) == count


def test_findings_are_in_the_order_of_their_files_and_lines_the_gravest_first() -> None:
    report = check("ALTER TABLE orders DROP COLUMN state, ADD COLUMN note text;\nDROP TABLE lines;", "DROP TABLE a;")
    places = [(one.path, one.line) for one in report.findings]
    assert places == sorted(places)
    first = [one.severity for one in report.findings if (one.path, one.line) == places[0]]
    assert first == sorted(first, key=lambda severity: Severity(severity).rank)
