"""What is left to do about a release whose execution ended without telling an outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from belay.release.records import Outcome, ReleaseReference


@dataclass(frozen=True)
class Recover:
    """The release was in the middle of a stage: open its incident."""

    stage: str


@dataclass(frozen=True)
class Close:
    """Nothing is half done: record and tell this outcome."""

    outcome: Outcome
    reason: str
    stage: str | None


def what_is_left(record: Mapping[str, Any], stages: Sequence[str]) -> Recover | Close | None:
    """Decide from a release's ledger record and the names of its stages in order; None where its outcome was told."""
    if record.get("announced"):
        return None
    if record.get("outcome"):
        return Close(Outcome(record["outcome"]), str(record.get("reason", "")), str(record.get("stage", "")) or None)
    stage = str(record.get("stage", ""))
    if not stage:
        return Close(
            Outcome.NEEDS_OPERATOR,
            "its execution ended before any stage was entered: nothing was changed; upload the release again",
            None,
        )
    outcome = _ENDS.get(str(record.get("state", "")))
    if outcome is None:
        return Recover(stage)
    if outcome is Outcome.DEPLOYED and stage != stages[-1]:
        return Close(
            Outcome.NEEDS_OPERATOR,
            f"its execution ended after {stage} and before the next stage: upload the release again to go on",
            stage,
        )
    return Close(outcome, f"its execution ended right after {stage}; the outcome is the stage's own", stage)


def stage_ended(outcome: Outcome) -> str:
    """Return the state that the ledger records when a stage ends."""
    return f"STAGE {outcome}"


_ENDS = {stage_ended(outcome): outcome for outcome in Outcome}


def outcome_of_stage(record: Mapping[str, Any], release: ReleaseReference, stage: str) -> Outcome | None:
    """Return how a stage ended for this very attempt; None where it has not, or another stage was entered since."""
    if record.get("attempt") != release.attempt or record.get("stage") != stage:
        return None
    return _ENDS.get(str(record.get("state", "")))
