"""Indexes that are created or dropped while others wait for their table."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from belay.policy.database_changes import ChangesToApply, StepToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql.changes import MYSQL, Engine
from belay.sql.operations import AlterObject, CreateIndex, DropIndex, Harmless, IndexDefinition, RewriteTable

POLICY = Policy(
    title="An index is created or dropped while everything else waits for its table",
    severity=Severity.HIGH,
    why="Writes stop until the index is complete, which takes minutes on a large table; a drop stops reads, too.",
    fix="Use CONCURRENTLY in PostgreSQL, ONLINE in Oracle, WITH (ONLINE = ON) in SQL Server (Enterprise edition and "
    "Azure), and leave ALGORITHM=COPY, LOCK=SHARED and LOCK=EXCLUSIVE out in MySQL and MariaDB.",
    source="https://www.postgresql.org/docs/18/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY; "
    "https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html; "
    "https://docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/CREATE-INDEX.html; "
    "https://learn.microsoft.com/en-us/sql/relational-databases/indexes/guidelines-for-online-index-operations; "
    "https://www.ibm.com/docs/en/db2/12.1.0?topic=statements-create-index",
)

REBUILD: Final = re.compile(r"(?>.*?\bALTER\s+INDEX\b).*\bREBUILD\b", re.IGNORECASE | re.DOTALL)
ONLINE: Final = re.compile(r"\bONLINE\b", re.IGNORECASE)
NEVER_ONLINE: Final = frozenset({"fulltext", "spatial"})


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for indexes on existing tables. MySQL and MariaDB build an index while rows are written, unless it is
    FULLTEXT or SPATIAL or the statement forbids it; Db2 always does. A drop blocks for long only in PostgreSQL.
    """
    for step in changes.steps:
        match step.operation:
            case CreateIndex(table=table, index=index) if _blocks(step, index):
                name = index.name or "an index"
                detail = f"{name} on {table}"
                yield from step.blocks(table, detail, index.name, columns=index.columns)
            case DropIndex(index=index, online=False) if changes.engine is Engine.POSTGRESQL and step.existing:
                resource = step.before.name if step.before else index
                yield step.violation(Verdict.FAIL, resource, f"the drop of {index}", index.name)
            case RewriteTable(table=table, how="reindex"):
                yield from step.blocks(table, f"the indexes of {table}")
            case AlterObject(name=name) if changes.engine is Engine.ORACLE and _rebuilt(step.statement.text):
                yield step.violation(Verdict.FAIL, name, f"the index {name} is rebuilt", name.name)
            case Harmless(verb="reindex"):
                yield step.violation(Verdict.FAIL, step.change.id, " ".join(step.statement.text.split()))


@lru_cache(maxsize=16)
def _rebuilt(statement: str) -> bool:
    return bool(REBUILD.match(statement)) and not ONLINE.search(statement)


def _blocks(step: StepToApply, index: IndexDefinition) -> bool:
    if step.engine in MYSQL:
        return index.method in NEVER_ONLINE or step.stops_writes
    return step.engine is not Engine.DB2 and not index.online
