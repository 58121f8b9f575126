"""Columns that are dropped with their values."""

from __future__ import annotations

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity
from belay.sql.operations import DropColumn

POLICY = Policy(
    title="A column is dropped with its values",
    severity=Severity.HIGH,
    why="The values are gone, and the version that still runs fails wherever it names the column.",
    fix="Stop using the column in one release and drop it in a later one; have the operator waive that drop.",
    source="https://www.postgresql.org/docs/18/sql-altertable.html; strong_migrations, removing a column",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for columns that were there before the release."""
    for step, dropped in changes.of(DropColumn):
        if dropped.column not in step.table.added:
            yield from step.loses(dropped.table, f"{dropped.table}.{dropped.column}", dropped.column)
