"""Columns that become NOT NULL, which reads every row while others wait."""

import re
from collections.abc import Iterator
from typing import Final

from belay.policy.database_changes import ChangesToApply, StepToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql.changes import MYSQL, Engine
from belay.sql.operations import AddConstraint, AlterObject, ChangeColumn, ConstraintKind, ObjectKind

POLICY = Policy(
    title="Every row of a table is read for a NOT NULL while everything else waits for it",
    severity=Severity.HIGH,
    why="Reads and writes stop for as long as that takes, and one row without a value makes the change fail.",
    fix="In PostgreSQL, add a CHECK (column IS NOT NULL) or NOT NULL constraint as NOT VALID, validate it in a later "
    "change, then set NOT NULL, which reads nothing any more; in Oracle use ENABLE NOVALIDATE first.",
    source="https://www.postgresql.org/docs/18/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DROP-NOT-NULL; "
    "https://docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/constraint.html; "
    "https://learn.microsoft.com/en-us/sql/t-sql/statements/alter-table-transact-sql; "
    "https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html",
)

OF_DOMAIN: Final = re.compile(r"\bSET\s+NOT\s+NULL\b", re.IGNORECASE)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for columns that become NOT NULL on existing tables, unless a validated constraint already ensures that.
    MySQL and MariaDB rebuild the table while rows are read and written, so nothing waits there.
    """
    if changes.engine in MYSQL:
        return
    for step in changes.steps:
        match step.operation:
            case ChangeColumn(table=table, column=column, nullable=False):
                yield from _set(step, step.operation)
            case AlterObject(kind=ObjectKind.DOMAIN, name=domain) if OF_DOMAIN.search(step.statement.text):
                yield step.violation(Verdict.FAIL, domain, f"every column of the domain {domain}")
            case AddConstraint(table=table, constraint=constraint) if (
                constraint.kind is ConstraintKind.NOT_NULL and constraint.validated
            ):
                for column in constraint.columns:
                    if not _known_not_null(step, column):
                        yield from step.blocks(table, f"{table}.{column}", column)


def _set(step: StepToApply, change: ChangeColumn) -> Iterator[Violation]:
    if _known_not_null(step, change.column):
        return
    known = change.column in step.table.added or (step.before and change.column in step.before.columns)
    detail = f"{change.table}.{change.column}"
    if step.existing and not known and step.engine is Engine.SQLSERVER and change.type is not None:
        detail += ", unless it was NOT NULL before, which its type is repeated with"
        yield step.violation(Verdict.REVIEW, change.table, detail, change.column)
    else:
        yield from step.blocks(change.table, detail, change.column)


def _known_not_null(step: StepToApply, column: str) -> bool:
    added = step.table.added.get(column)
    if added is not None and not added.nullable:
        return True
    if step.before is None:
        return False
    if (known := step.before.columns.get(column)) is not None and not known.nullable:
        return True
    says_so = re.compile(rf'\W*"?{re.escape(column)}"?\s+IS\s+NOT\s+NULL\W*', re.IGNORECASE)
    return any(
        constraint.validated
        and (
            (constraint.kind is ConstraintKind.CHECK and says_so.fullmatch(constraint.expression))
            or (constraint.kind is ConstraintKind.NOT_NULL and column in constraint.columns)
        )
        for constraint in step.before.constraints.values()
    )
