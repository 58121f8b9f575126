"""Tables whose rows are all rewritten while others wait."""

from collections.abc import Iterator
from typing import Final

from belay.policy.database_changes import ChangesToApply, StepToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.type_changes import may_be_free, rewrites
from belay.policy.verdict import Severity, Verdict
from belay.sql.changes import MYSQL, Engine
from belay.sql.operations import AddColumn, ChangeColumn, ColumnDefinition, DefaultKind, RewriteTable

POLICY = Policy(
    title="Every row of a table is rewritten while everything else waits for it",
    severity=Severity.HIGH,
    why="Reads or writes stop for as long as that takes, it needs the table's size again on disk, and replicas fall "
    "behind.",
    fix="Add a nullable column or one with a constant default, fill it in batches, and switch to it in a later "
    "release.",
    source="https://www.postgresql.org/docs/18/sql-altertable.html#SQL-ALTERTABLE-NOTES; "
    "https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html; "
    "https://docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/ALTER-TABLE.html; "
    "https://learn.microsoft.com/en-us/sql/t-sql/statements/alter-table-transact-sql; "
    "https://www.ibm.com/docs/en/db2/12.1.0?topic=statements-alter-table",
)

NUMBERED: Final = frozenset({Engine.POSTGRESQL, Engine.MYSQL, Engine.MARIADB, Engine.ORACLE, Engine.SQLSERVER})
"""The engines that number the existing rows when an identity column is added."""


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for columns whose value is computed for every row (volatile defaults, identities, stored generated columns),
    for types with another storage format, and for statements that rebuild a table. What an engine only records in its
    catalog is allowed: constant defaults, longer VARCHARs, new values at the end of MySQL's ENUM.
    """
    for step in changes.steps:
        match step.operation:
            case AddColumn(table=table, column=column):
                verdict, why = _added(step, column)
                if verdict is Verdict.FAIL:
                    yield from step.blocks(table, f"{table}.{column.name} {why}", column.name)
                elif verdict is Verdict.REVIEW and step.existing:
                    yield step.violation(verdict, table, f"{table}.{column.name} {why}", column.name)
            case ChangeColumn():
                yield from _changed(step, step.operation)
            case RewriteTable(table=table, how=how) if how != "reindex":
                yield from step.blocks(table, f"{table}, by {how}")
        if step.modes.get("algorithm") == "copy" and isinstance(step.operation, (AddColumn, ChangeColumn)):
            yield from step.blocks(step.operation.table, f"ALGORITHM=COPY copies {step.operation.table}")


def _added(step: StepToApply, column: ColumnDefinition) -> tuple[Verdict, str]:
    if step.modes.get("algorithm") in ("copy", "instant"):
        return Verdict.PASS, ""
    if column.identity and step.engine in NUMBERED:
        return Verdict.FAIL, "is numbered for every row"
    if column.generated:
        return Verdict.FAIL, "is computed for every row and stored"
    if step.engine in MYSQL or column.default.kind in (DefaultKind.NONE, DefaultKind.CONSTANT):
        return Verdict.PASS, ""
    if column.default.kind is DefaultKind.VOLATILE:
        return Verdict.FAIL, f"gets a value of {column.default.text} for every row"
    return Verdict.REVIEW, f"gets {column.default.text}: whether that differs from row to row is not known"


def _changed(step: StepToApply, change: ChangeColumn) -> Iterator[Violation]:
    if change.type is None or change.online or step.modes.get("algorithm") in ("copy", "instant", "inplace"):
        return
    was = step.table.added.get(change.column) or (step.before.columns.get(change.column) if step.before else None)
    shown = f"{change.table}.{change.column} becomes {change.type}"
    if was is None:
        if step.existing:
            verdict = Verdict.REVIEW if may_be_free(step.engine, change.type) else Verdict.FAIL
            yield step.violation(verdict, change.table, f"{shown}, and what it was is not known", change.column)
        return
    rewritten = rewrites(step.engine, was.type, change.type)
    if rewritten is None and step.existing:
        detail = f"{shown}, and whether its length takes another byte depends on the character set"
        yield step.violation(Verdict.REVIEW, change.table, detail, change.column)
    elif rewritten and step.doubts and step.existing:
        detail = f"{shown}, it was {was.type}, if nothing else changed it: {step.doubts[0]}"
        yield step.violation(Verdict.REVIEW, change.table, detail, change.column)
    elif rewritten:
        yield from step.blocks(change.table, f"{shown}, it was {was.type}", change.column)
