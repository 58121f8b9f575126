"""Changes that differ from what was applied."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply, located
from belay.policy.model import Location
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A change is not the one that was applied",
    severity=Severity.HIGH,
    why="The release differs from what the database got: another stage, or a restored database, would get something "
    "else.",
    fix="Restore the applied text, and make the difference a separate change.",
    source="https://documentation.red-gate.com/fd/validate-277578883.html",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Compare the digest of every change with the one that is recorded. Repeatable changes may differ; a change that is
    recorded and no longer in the release is REVIEW.
    """
    for change in changes.changes:
        recorded = changes.applied.get(change.id)
        if recorded is not None and recorded != change.digest and not change.repeatable:
            detail = f"{change.id} has the SHA-256 {change.digest}, and {recorded} was applied"
            yield Violation(Verdict.FAIL, located(change.place, change.id), detail)
    there = {change.id for change in changes.changes}
    for missing in changes.applied.keys() - there:
        place = Location(changes.changes[0].place.path if changes.changes else missing, missing, "", 0, 0)
        yield Violation(Verdict.REVIEW, place, f"{missing} was applied, and the release does not have it")
