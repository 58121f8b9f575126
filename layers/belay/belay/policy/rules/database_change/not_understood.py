"""Statements whose effect is unknown."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql.operations import NotUnderstood

POLICY = Policy(
    title="A statement does harm that the other policies look for",
    severity=Severity.HIGH,
    why="Procedural code, dynamic SQL and unknown syntax may do anything.",
    fix="Write it as plain statements, or have a person read it: the operator can waive it for its change.",
    source="docs/database-changes.md",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Report every statement that was not fully understood, once, with the part that was not."""
    for step, unknown in changes.of(NotUnderstood):
        yield step.violation(Verdict.REVIEW, unknown.table or step.change.id, unknown.reason)
