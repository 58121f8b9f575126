"""Rows that are deleted without a condition."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity
from belay.sql.operations import WriteRows

POLICY = Policy(
    title="Every row of a table is deleted",
    severity=Severity.HIGH,
    why="The rows are gone; only a restore brings them back, and that loses what was written since.",
    fix="Say in a condition which rows to delete, and delete many of them in batches.",
    source="https://www.postgresql.org/docs/18/sql-delete.html",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for tables that existed before the release, and conditions that are missing or true for every row."""
    for step, written in changes.of(WriteRows):
        if written.verb == "delete" and not written.filtered:
            yield from step.loses(written.table, f"{written.table}, without a condition that restricts which")
