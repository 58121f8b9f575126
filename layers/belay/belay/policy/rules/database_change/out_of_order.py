"""Changes that come before ones already applied."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply, located
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A change comes before one that has been applied",
    severity=Severity.HIGH,
    why="The databases of two stages would be changed in different orders, and need not be the same afterwards.",
    fix="Give the change a name or version after the last one that was applied.",
    source="https://documentation.red-gate.com/fd/out-of-order-setting-277579003.html",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Compare the order of the release's changes with what is recorded as applied. Repeatable changes have no order."""
    ordered = [number for number, each in enumerate(changes.changes) if not each.repeatable]
    last = max((number for number in ordered if changes.changes[number].id in changes.applied), default=-1)
    pending = {change.id for change in changes.pending if not change.repeatable}
    for change in changes.changes[: last + 1]:
        if change.id in pending:
            detail = f"{change.id} comes before {changes.changes[last].id}"
            yield Violation(Verdict.FAIL, located(change.place, change.id), detail)
