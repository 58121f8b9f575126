"""Statements that PostgreSQL refuses in a transaction."""

from collections.abc import Iterator
from typing import Final

from belay.policy.database_changes import ChangesToApply, StepToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql.changes import Engine
from belay.sql.operations import CreateIndex, DropIndex, Harmless, Setting, Transaction

POLICY = Policy(
    title="An index is created or dropped CONCURRENTLY in a transaction",
    severity=Severity.HIGH,
    why="PostgreSQL refuses it, and the change fails.",
    fix="Put it into a separate change, without BEGIN (in Liquibase with runInTransaction:false).",
    source="https://www.postgresql.org/docs/18/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
)

BESIDE: Final = (Setting, Transaction, Harmless)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for CONCURRENTLY after BEGIN, and in a change that runs in a transaction: one that is not declared to run
    without, and also has statements that need one.
    """
    if changes.engine is not Engine.POSTGRESQL:
        return
    mixed = {
        step.change.id for step in changes.steps if not _concurrent(step) and not isinstance(step.operation, BESIDE)
    }
    for step in changes.steps:
        if not _concurrent(step):
            continue
        wrapped = step.change.transactional and (step.change.id in mixed or "::" in step.change.id)
        if step.begun or wrapped:
            match step.operation:
                case CreateIndex(table=table, index=index):
                    yield step.violation(Verdict.FAIL, table, index.name or f"an index on {table}", index.name)
                case DropIndex(index=index):
                    yield step.violation(
                        Verdict.FAIL, step.before.name if step.before else index, f"{index}", index.name
                    )


def _concurrent(step: StepToApply) -> bool:
    match step.operation:
        case CreateIndex(index=index):
            return index.online
        case DropIndex(online=online):
            return online
    return False
