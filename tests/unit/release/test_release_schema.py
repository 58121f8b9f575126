"""The schema's version of a database, and the range that a release works with."""

import pytest

from belay.release.applied import AppliedChange, AppliedOutcome
from belay.release.manifest import SchemaRange
from belay.release.records import ReleaseReference
from belay.release.schema import holds, misfit, schema_of

RELEASE = ReleaseReference("orders", "1.5.0", "d", "0123456789ab")


@pytest.mark.parametrize(
    ("before", "after", "version", "held"),
    [
        ("3", "5", "3", True),
        ("3", "5", "4", True),
        ("3", "5", "5", True),
        ("3", "5", "6", False),
        ("3", "5", "2", False),
        ("9", "11", "10", True),
        ("1.9", "1.11", "1.10", True),
        ("1.9", "1.11", "1.10.2", True),
        ("1.9", "1.11", "2", False),
        ("4", "4", "04", True),
        ("spring", "autumn", "autumn", True),
        ("spring", "autumn", "summer", False),
        ("3", "5", "summer", False),
        ("3", "autumn", "4", False),
    ],
)
def test_a_range_holds_its_ends_and_what_is_between(before: str, after: str, version: str, held: bool) -> None:
    assert holds(SchemaRange(before, after), version) is held


def change(
    name: str, ended: str, schema: str | None, outcome: AppliedOutcome = AppliedOutcome.APPLIED
) -> AppliedChange:
    return AppliedChange(name, "", f"{name}.sql", int(name), "d" * 64, RELEASE, ended, ended, outcome, schema)


def test_the_last_change_that_stands_says_which_schema_a_database_has() -> None:
    first, second = change("1", "2026-03-01T10:00:00", "4"), change("2", "2026-03-02T10:00:00", "5")
    assert schema_of([second, first]) == "5"
    assert schema_of([first, change("2", "2026-03-02T10:00:00", "5", AppliedOutcome.UNDONE)]) == "4"
    assert schema_of([first, change("2", "2026-03-02T10:00:00", "5", AppliedOutcome.UNKNOWN)]) == "5"
    assert schema_of([change("1", "2026-03-01T10:00:00", None)]) is None
    assert schema_of([]) is None


def test_a_release_that_does_not_work_with_the_database_is_told() -> None:
    assert misfit("1.4.0", SchemaRange("3", "4"), "5") == (
        "version 1.4.0 works with schema 3 to 4, and the database has 5"
    )
    assert misfit("1.5.0", SchemaRange("4", "5"), "5") is None
    assert misfit("1.5.0", None, "5") is misfit("1.5.0", SchemaRange("4", "5"), None) is None
