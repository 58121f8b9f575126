"""Rows that are overwritten without a condition."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity
from belay.sql.operations import WriteRows

POLICY = Policy(
    title="Every row of a table is overwritten",
    severity=Severity.HIGH,
    why="The old values are gone, every row stays locked until the transaction ends, and replicas fall behind.",
    fix="Say in a condition which rows to change, and fill a new column in batches, outside the release's transaction.",
    source="https://www.postgresql.org/docs/18/sql-update.html",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for tables that existed before the release, and conditions that are missing or true for every row."""
    for step, written in changes.of(WriteRows):
        if written.verb == "update" and not written.filtered:
            yield from step.loses(written.table, f"{written.table}, without a condition that restricts which")
