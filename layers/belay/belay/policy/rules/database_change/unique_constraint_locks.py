"""Keys and unique constraints whose index is built while others wait."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply, StepToApply
from belay.policy.new_indexes import KEYS
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity
from belay.sql.changes import MYSQL
from belay.sql.operations import AddColumn, AddConstraint, ConstraintDefinition, ConstraintKind, DropConstraint

POLICY = Policy(
    title="The index of a key or unique constraint is built while everything else waits for its table",
    severity=Severity.HIGH,
    why="Reads and writes stop until the index is complete, and one duplicate makes the change fail.",
    fix="Build the unique index first, without a lock, and add the constraint with USING INDEX (PostgreSQL, Oracle); "
    "use WITH (ONLINE = ON) in SQL Server.",
    source="https://www.postgresql.org/docs/18/sql-altertable.html; "
    "https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html#online-ddl-primary-key-operations; "
    "https://docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/constraint.html; "
    "https://learn.microsoft.com/en-us/sql/relational-databases/indexes/guidelines-for-online-index-operations",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for primary keys, unique and exclusion constraints on existing tables that use no existing index, including
    those written on a new column. MySQL and MariaDB build them while rows are written, unless the statement forbids it,
    but copy the table when its primary key is dropped.
    """
    for step in changes.steps:
        match step.operation:
            case AddConstraint(table=table, constraint=constraint) if _locks(step, constraint):
                shown = constraint.name or f"a {constraint.kind}"
                yield from step.blocks(table, f"{shown} of {table}", constraint.name, columns=constraint.columns)
            case AddColumn(table=table, constraints=constraints, column=column):
                for constraint in constraints:
                    if _locks(step, constraint):
                        yield from step.blocks(table, f"{table}.{column.name}, a {constraint.kind}", column.name)
            case DropConstraint(table=table, kind=ConstraintKind.PRIMARY_KEY) if changes.engine in MYSQL:
                if not _replaced(changes, step):
                    yield from step.blocks(table, f"{table} is copied when its primary key is dropped")


def _locks(step: StepToApply, constraint: ConstraintDefinition) -> bool:
    if constraint.kind not in KEYS or constraint.using_index or constraint.online:
        return False
    return step.engine not in MYSQL or step.stops_writes


def _replaced(changes: ChangesToApply, dropped: StepToApply) -> bool:
    """Whether the statement that drops a primary key also adds one, which InnoDB does in place."""
    return any(
        step.statement is dropped.statement
        and isinstance(step.operation, AddConstraint)
        and step.operation.constraint.kind is ConstraintKind.PRIMARY_KEY
        for step in changes.steps
    )
