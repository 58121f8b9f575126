"""Changes of structure and of rows in one."""

from __future__ import annotations

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply, StepToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql import operations as op

POLICY = Policy(
    title="One change alters a table and writes rows",
    severity=Severity.MEDIUM,
    why="The lock on the table lasts until the rows are written; and MySQL, Oracle and Db2 cannot take back half of "
    "it.",
    fix="Make it two changes: the structure first, then the rows, in batches.",
    source="https://www.postgresql.org/docs/18/explicit-locking.html; "
    "https://dev.mysql.com/doc/refman/8.4/en/implicit-commit.html",
)

STRUCTURE = (
    op.AddColumn,
    op.AddConstraint,
    op.ChangeColumn,
    op.DropColumn,
    op.DropConstraint,
    op.DropTable,
    op.RenameColumn,
    op.RenameTable,
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look, once in a change, for a table that was there before and is altered, and rows that are written to one that
    was there before. New tables may be filled.
    """
    by_change: dict[str, list[StepToApply]] = {}
    for step in changes.steps:
        if step.existing and isinstance(step.operation, (*STRUCTURE, op.WriteRows)):
            by_change.setdefault(step.change.id, []).append(step)
    for steps in by_change.values():
        written = next((step for step in steps if isinstance(step.operation, op.WriteRows)), None)
        altered = next((step for step in steps if isinstance(step.operation, STRUCTURE)), None)
        if (
            written
            and altered
            and isinstance(written.operation, op.WriteRows)
            and isinstance(altered.operation, STRUCTURE)
        ):
            detail = f"{altered.operation.table} is altered, rows of {written.operation.table} are written"
            yield written.violation(Verdict.FAIL, written.operation.table, detail)
