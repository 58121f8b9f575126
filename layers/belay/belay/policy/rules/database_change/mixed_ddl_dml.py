"""Changes of structure and of rows in one."""

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
    """Look, once in a change, for an existing table that is altered, and rows that are written to an existing one. New
    tables may be filled.
    """
    written: dict[str, tuple[StepToApply, op.Name]] = {}
    altered: dict[str, op.Name] = {}
    for step in changes.steps:
        if step.existing and isinstance(step.operation, op.WriteRows):
            written.setdefault(step.change.id, (step, step.operation.table))
        elif step.existing and isinstance(step.operation, STRUCTURE):
            altered.setdefault(step.change.id, step.operation.table)
    for change, (step, table) in written.items():
        if change in altered:
            detail = f"{altered[change]} is altered, rows of {table} are written"
            yield step.violation(Verdict.FAIL, table, detail)
