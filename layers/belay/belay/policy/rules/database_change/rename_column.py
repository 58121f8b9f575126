"""Columns that the running version no longer finds."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity
from belay.sql.operations import RenameColumn

POLICY = Policy(
    title="A column is renamed",
    severity=Severity.HIGH,
    why="The running version uses the old name and fails, and a rollback of the code fails on the new one.",
    fix="Add a column, write to both, copy the values in batches, and drop the old column in a later release.",
    source="https://www.postgresql.org/docs/18/sql-altertable.html; strong_migrations, renaming a column",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for columns that existed before the release, also if MySQL's CHANGE gives another name."""
    for step, renamed in changes.of(RenameColumn):
        if renamed.column != renamed.to and renamed.column not in step.table.added:
            detail = f"{renamed.table}.{renamed.column} becomes {renamed.to}"
            yield from step.loses(renamed.table, detail, renamed.column)
