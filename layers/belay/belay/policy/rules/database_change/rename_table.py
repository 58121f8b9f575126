"""Tables that the running version no longer finds."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from belay.policy.database_changes import ChangesToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql.operations import AlterObject, ObjectKind, RenameTable

POLICY = Policy(
    title="A table is renamed",
    severity=Severity.HIGH,
    why="The running version uses the old name and fails, and a rollback of the code fails on the new one.",
    fix="Keep the name; or create the new table, write to both, and drop the old one in a later release.",
    source="https://www.postgresql.org/docs/18/sql-altertable.html; strong_migrations, renaming a table",
)

TRANSFER: Final = re.compile(r"\bTRANSFER\s+(?:OBJECT\s*::\s*)?([\w.\[\]\"$#]+)\s*$", re.IGNORECASE)
"""How SQL Server moves a table to another schema; other objects have their kind before ``::``."""


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for tables that existed before the release, also if they move to another schema."""
    for step, renamed in changes.of(RenameTable):
        yield from step.loses(renamed.table, f"{renamed.table} becomes {renamed.to}")
    for step, altered in changes.of(AlterObject):
        if altered.kind is ObjectKind.SCHEMA and (moved := _moved(step.statement.text)):
            yield step.violation(Verdict.FAIL, moved[1], f"{moved[1]} moves to the schema {altered.name}")


@lru_cache(maxsize=16)
def _moved(statement: str) -> re.Match[str] | None:
    return TRANSFER.search(statement)
