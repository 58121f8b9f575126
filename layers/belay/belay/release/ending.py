"""What is left to do about an attempt whose execution ended without telling an outcome."""

from collections.abc import Sequence
from dataclasses import dataclass

from belay.release.attempt import Attempt
from belay.release.life import State
from belay.release.reason import PersonDecided, Reason, Statement, Why
from belay.release.records import Outcome


@dataclass(frozen=True)
class Recover:
    """The release was in the middle of a stage: open its incident."""

    stage: str


@dataclass(frozen=True)
class Close:
    """Nothing is half done: record and announce this outcome."""

    outcome: Outcome
    reason: Reason | None


def what_is_left(
    attempt: Attempt, stages: Sequence[str], *, stopped: PersonDecided | None = None
) -> Recover | Close | None:
    """Decide from an attempt and the ordered names of its stages; None if its outcome was announced.

    ``stopped`` says who stopped its execution, if a person did: nothing is wrong with it then.
    """
    if attempt.outcome is not None:
        return None if attempt.announced else Close(attempt.outcome, attempt.reason)
    stage = attempt.stage
    if attempt.release is None or stage is None:
        before = "any stage was entered" if attempt.release else "the upload was accepted"
        reason = f"its execution ended before {before}: nothing was changed; upload it again"
        return _interrupted(reason, stopped)
    if attempt.state is not State.STAGE_ENDED or attempt.stage_outcome is None:
        return Recover(stage)
    if attempt.stage_outcome is Outcome.DEPLOYED and stage != stages[-1]:
        reason = f"its execution ended after {stage} and before the next stage: upload the release again to continue"
        return _interrupted(reason, stopped)
    reason = f"its execution ended right after {stage}; the outcome is that of the stage"
    return Close(attempt.stage_outcome, Statement(Why.INTERRUPTED, reason))


def _interrupted(reason: str, stopped: PersonDecided | None) -> Close:
    if stopped is not None:
        return Close(Outcome.ABORTED, stopped)
    return Close(Outcome.NEEDS_OPERATOR, Statement(Why.INTERRUPTED, reason))


def outcome_of_stage(attempt: Attempt | None, stage: str) -> Outcome | None:
    """Return how a stage ended for an attempt; None if it has not, or another stage was entered since."""
    return None if attempt is None or attempt.stage != stage else attempt.stage_outcome
