"""CHECK constraints that read every row while others wait."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from belay.policy.constraint_scans import scanned
from belay.policy.database_changes import ChangesToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql.operations import AlterObject, ChangeTable, ConstraintKind, ObjectKind

POLICY = Policy(
    title="Every row of a table is read for a CHECK constraint while everything else waits for it",
    severity=Severity.HIGH,
    why="Reads and writes stop for as long as that takes (MySQL even copies the table), and one row that violates it "
    "makes the change fail.",
    fix="Add it as NOT VALID in PostgreSQL, as ENABLE NOVALIDATE in Oracle, WITH NOCHECK in SQL Server, and validate "
    "it in a later change.",
    source="https://www.postgresql.org/docs/18/sql-altertable.html#SQL-ALTERTABLE-NOTES; "
    "https://dev.mysql.com/doc/refman/8.4/en/alter-table.html; "
    "https://docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/constraint.html; "
    "https://learn.microsoft.com/en-us/sql/t-sql/statements/alter-table-transact-sql",
)

CHECKED: Final = re.compile(r"\bWITH\s+CHECK\s+CHECK\s+CONSTRAINT\b", re.IGNORECASE)
"""How SQL Server checks constraints that were not trusted."""
ADDED: Final = re.compile(r"(?>.*?\bADD\b).*\bCHECK\b", re.IGNORECASE | re.DOTALL)
NOT_VALID: Final = re.compile(r"\bNOT\s+VALID\s*$", re.IGNORECASE)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for CHECK constraints on existing tables, including those written on a new column, and those that are added
    NOT VALID and validated in the same transaction.
    """
    yield from scanned(changes, ConstraintKind.CHECK)
    for step, changed in changes.of(ChangeTable):
        if _checked_again(step.statement.text):
            yield from step.blocks(changed.table, f"the constraints of {changed.table} are checked again")
    for step, altered in changes.of(AlterObject):
        if altered.kind is ObjectKind.DOMAIN and _added(step.statement.text):
            yield step.violation(Verdict.FAIL, altered.name, f"a CHECK of every column of the domain {altered.name}")


@lru_cache(maxsize=16)
def _checked_again(statement: str) -> bool:
    return bool(CHECKED.search(statement))


@lru_cache(maxsize=16)
def _added(statement: str) -> bool:
    return bool(ADDED.match(statement)) and not NOT_VALID.search(statement)
