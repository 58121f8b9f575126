"""Drops that also drop dependent objects."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql.changes import MYSQL
from belay.sql.operations import DropColumn, DropConstraint, DropIndex, DropObject, DropTable, Truncate

POLICY = Policy(
    title="A drop also drops everything that depends on it",
    severity=Severity.HIGH,
    why="CASCADE drops views, foreign keys, columns or whole tables that the statement does not name, whatever there "
    "are.",
    fix="Drop what depends on it by name, and leave CASCADE out, so that what was forgotten stops the change.",
    source="https://www.postgresql.org/docs/18/ddl-depend.html; "
    "https://docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/DROP-TABLE.html",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for CASCADE, except on tables that the release created itself. MySQL and MariaDB read it and ignore it."""
    if changes.engine in MYSQL:
        return
    for step in changes.steps:
        match step.operation:
            case DropTable(table=table, cascade=True) | Truncate(table=table, cascade=True):
                yield from step.loses(table, f"{table}, with whatever depends on it")
            case DropColumn(table=table, column=part, cascade=True):
                yield from step.loses(table, f"{table}.{part}, with whatever depends on it", part)
            case DropConstraint(table=table, constraint=part, cascade=True):
                yield from step.loses(table, f"{part} of {table}, with whatever depends on it", part)
            case DropIndex(index=index, cascade=True) if step.existing:
                yield step.violation(Verdict.FAIL, index, f"the index {index}, with whatever depends on it")
            case DropObject(kind=kind, name=name, cascade=True):
                yield step.violation(Verdict.FAIL, name, f"the {kind} {name}, with whatever depends on it")
