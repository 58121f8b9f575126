"""Columns that are dropped with their values."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply, StepToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity
from belay.sql.operations import DropColumn

POLICY = Policy(
    title="A column is dropped with its values",
    severity=Severity.HIGH,
    why="The values are gone, and the running version fails wherever it names the column.",
    fix="Stop using the column in one release and drop it in a later one; have the operator waive that drop.",
    source="https://www.postgresql.org/docs/18/sql-altertable.html; strong_migrations, removing a column",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for columns that existed before the release, and the constraints on others dropped with them."""
    for step, dropped in changes.of(DropColumn):
        if dropped.column not in step.table.added:
            detail = f"{dropped.table}.{dropped.column}{_with_constraints(step, dropped.column)}"
            yield from step.loses(dropped.table, detail, dropped.column)


def _with_constraints(step: StepToApply, column: str) -> str:
    if step.before is None or step.after is None:
        return ""
    lost = [
        f"{name} on {', '.join(kept.columns)}"
        for name, kept in step.before.constraints.items()
        if name not in step.after.constraints and set(kept.columns) - {column}
    ]
    return f", and with it {' and '.join(lost)}" if lost else ""
