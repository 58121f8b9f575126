"""Tables that are dropped with their rows."""

from collections.abc import Iterator
from typing import Final

from belay.policy.database_changes import ChangesToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql.changes import Engine
from belay.sql.operations import DropObject, DropTable, ObjectKind

POLICY = Policy(
    title="A table is dropped with its rows",
    severity=Severity.HIGH,
    why="The rows are gone, a restore of the database loses what was written since, and the running version "
    "fails wherever it uses the table.",
    fix="Stop using the table in one release and drop it in a later one; have the operator waive that drop.",
    source="https://www.postgresql.org/docs/18/sql-droptable.html; "
    "https://dev.mysql.com/doc/refman/8.4/en/drop-database.html",
)

WITH_TABLES: Final = frozenset({ObjectKind.DATABASE, ObjectKind.OWNED})
ALWAYS: Final = frozenset(
    {(ObjectKind.SCHEMA, Engine.MYSQL), (ObjectKind.SCHEMA, Engine.MARIADB), (ObjectKind.TABLESPACE, Engine.DB2)}
)
"""What some engines drop with its tables, even without CASCADE."""
CASCADING: Final = frozenset({ObjectKind.SCHEMA, ObjectKind.ROLE, ObjectKind.TABLESPACE})


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for tables that existed before the release, and for schemas, databases, users and tablespaces that are
    dropped with all tables in them.
    """
    for step, one in changes.of(DropTable):
        yield from step.loses(one.table, f"{one.table}")
    for step, dropped in changes.of(DropObject):
        with_tables = dropped.kind in WITH_TABLES or (dropped.kind, changes.engine) in ALWAYS
        if with_tables or (dropped.kind in CASCADING and dropped.cascade):
            detail = f"every table of the {dropped.kind} {dropped.name}"
            yield step.violation(Verdict.FAIL, dropped.name, detail)
