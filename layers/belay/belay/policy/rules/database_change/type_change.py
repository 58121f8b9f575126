"""Columns whose new type is not the one the running version expects."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.type_changes import TypeChange, may_be_free, type_change
from belay.policy.verdict import Severity, Verdict
from belay.sql.operations import ChangeColumn

POLICY = Policy(
    title="A column gets an incompatible type",
    severity=Severity.HIGH,
    why="Values are truncated or refused, the running version reads and writes what no longer fits, and it "
    "cannot be undone without loss.",
    fix="Add a column of the new type, write to both, copy the values in batches, and drop the old column later.",
    source="https://www.postgresql.org/docs/18/sql-altertable.html; strong_migrations, changing a column's type",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Compare the new type of an existing column with its old one: a type of the same kind that holds more is allowed.
    REVIEW if the old type is not known and the new one may be such a type.
    """
    for step, change in changes.of(ChangeColumn):
        if change.type is None or not step.existing or change.column in step.table.added:
            continue
        was = step.before.columns.get(change.column) if step.before else None
        shown = f"{change.table}.{change.column} becomes {change.type}"
        if was is not None and was.type == change.type:
            continue
        if was is None:
            verdict = Verdict.REVIEW if may_be_free(changes.engine, change.type) else Verdict.FAIL
            yield step.violation(verdict, change.table, f"{shown}, and what it was is not known", change.column)
        elif type_change(changes.engine, was.type, change.type) is TypeChange.OTHER:
            doubt = f", if nothing else changed it: {step.doubts[0]}" if step.doubts else ""
            verdict = Verdict.REVIEW if step.doubts else Verdict.FAIL
            yield step.violation(verdict, change.table, f"{shown}, it was {was.type}{doubt}", change.column)
