"""Locks that are waited for indefinitely."""

from collections.abc import Iterator
from typing import Final

from belay.policy.database_changes import ChangesToApply, StepToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql import operations as op
from belay.sql.changes import Engine

POLICY = Policy(
    title="A change waits for a lock indefinitely",
    severity=Severity.LOW,
    why="While it waits behind one long query, every later query on the table waits behind it.",
    fix="Set the engine's lock timeout to a few seconds at the beginning of the change, and let it be retried.",
    source="https://www.postgresql.org/docs/18/runtime-config-client.html#GUC-LOCK-TIMEOUT; "
    "https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_lock_wait_timeout; "
    "https://learn.microsoft.com/en-us/sql/t-sql/statements/set-lock-timeout-transact-sql; "
    "https://www.ibm.com/docs/en/db2/12.1.0?topic=statements-set-current-lock-timeout",
)

TIMEOUTS: Final = {
    Engine.POSTGRESQL: "lock_timeout",
    Engine.MYSQL: "lock_wait_timeout",
    Engine.MARIADB: "lock_wait_timeout",
    Engine.SQLSERVER: "lock_timeout",
    Engine.DB2: "current lock timeout",
}
"""The setting of each engine; Oracle waits only if told to."""
NO_TIMEOUTS: Final = frozenset({"0", "-1", "default", ""})
LOCKING: Final = (
    op.AddColumn,
    op.AddConstraint,
    op.ChangeColumn,
    op.DropColumn,
    op.DropConstraint,
    op.DropTable,
    op.LockTable,
    op.RenameColumn,
    op.RenameTable,
    op.RewriteTable,
    op.Truncate,
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look, once in a change, for a statement that locks an existing table, without the engine's lock timeout having
    been set in that change. Oracle waits for locks of DDL only if told to.
    """
    if changes.engine not in TIMEOUTS:
        return
    told: set[str] = set()
    for step in changes.steps:
        if step.change.id not in told and step.existing and _waits(step):
            told.add(step.change.id)
            name = getattr(step.operation, "table", None) or getattr(step.operation, "index", "")
            detail = f"{name} is locked, and {TIMEOUTS[changes.engine]} is not set"
            yield step.violation(Verdict.FAIL, name, detail)


def _waits(step: StepToApply) -> bool:
    match step.operation:
        case op.CreateIndex(index=index):
            locks = not index.online
        case op.DropIndex(online=online):
            locks = not online
        case operation:
            locks = isinstance(operation, LOCKING)
    return locks and step.settings.get(TIMEOUTS[step.engine], "") in NO_TIMEOUTS
