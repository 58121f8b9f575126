"""Primary keys that run out of numbers."""

from collections.abc import Iterator
from typing import Final

from belay.policy.database_changes import ChangesToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql.changes import Engine
from belay.sql.operations import AddColumn, ColumnDefinition, ConstraintDefinition, ConstraintKind, CreateTable, SqlType

POLICY = Policy(
    title="A primary key runs out of numbers",
    severity=Severity.MEDIUM,
    why="After 2,147,483,647 rows (fewer with smaller types) every INSERT fails, and a larger type rewrites the table.",
    fix="Use bigint, or a UUID.",
    source="https://www.postgresql.org/docs/18/datatype-numeric.html#DATATYPE-INT; "
    "https://dev.mysql.com/doc/refman/8.4/en/integer-types.html",
)

SMALL: Final = frozenset({"tinyint", "smallint", "mediumint", "int", "integer"})
DIGITS: Final = 10


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for a new table's primary key, or a new column that becomes it, of one column with at most 32 bits, or fewer
    than ten decimal digits in Oracle.
    """
    for step in changes.steps:
        match step.operation:
            case CreateTable(table=table, columns=columns, constraints=constraints, temporary=False):
                by_name = {column.name: column for column in columns}
                keys = [by_name[name] for name in _key(constraints) if name in by_name]
            case AddColumn(table=table, column=column, constraints=constraints):
                keys = [column] if _key(constraints) else []
            case _:
                continue
        for key in keys:
            if _small(key, changes.engine):
                yield step.violation(Verdict.FAIL, table, f"{table}.{key.name} is {key.type}", key.name)


def _key(constraints: tuple[ConstraintDefinition, ...]) -> tuple[str, ...]:
    keys = [each.columns for each in constraints if each.kind is ConstraintKind.PRIMARY_KEY and len(each.columns) == 1]
    return keys[0] if keys else ()


def _small(column: ColumnDefinition, engine: Engine) -> bool:
    if engine is Engine.ORACLE:
        return column.type.name == "number" and _digits(column.type) < DIGITS
    return column.type.name.removesuffix(" unsigned") in SMALL


def _digits(type_: SqlType) -> int:
    return int(type_.arguments[0]) if type_.arguments and type_.arguments[0].isdigit() else DIGITS
