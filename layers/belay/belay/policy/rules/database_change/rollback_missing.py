"""Changes that cannot be undone."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply, located
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql.operations import Harmless, Setting, Transaction

POLICY = Policy(
    title="A change has no undo",
    severity=Severity.LOW,
    why="A rollback then restores the database from its snapshot, which loses everything that was written since.",
    fix="Give the change its undo: a Flyway U file, a Liquibase rollback, or a file NNNN-name.undo.sql.",
    source="docs/database-changes.md",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for changes without an undo that are not repeatable and do change something."""
    changing = {
        step.change.id for step in changes.steps if not isinstance(step.operation, (Harmless, Setting, Transaction))
    }
    for change in changes.pending:
        if change.undo is None and not change.repeatable and change.id in changing:
            yield Violation(Verdict.FAIL, located(change.place, change.id), change.id)
