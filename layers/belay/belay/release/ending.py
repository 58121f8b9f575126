"""How a release ends: in a wave whose stages have all ended, or because its execution ended without an outcome."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from belay.release.attempt import Attempt, InStage
from belay.release.reason import MOST_FINDINGS, PersonDecided, PolicyFindings, Reason, StageEnd, Statement, WaveEnd, Why
from belay.release.records import Outcome
from belay.release.registration import Application
from belay.release.waves import wave_of, worst_of


@dataclass(frozen=True)
class Recover:
    """The release was in the middle of stages: open the incident of each."""

    stages: tuple[str, ...]


@dataclass(frozen=True)
class TakeBack:
    """A stage of the wave failed, and the registration rolls the wave back: these stages are deployed."""

    stages: tuple[str, ...]
    ends: tuple[StageEnd, ...]


@dataclass(frozen=True)
class Close:
    """Nothing is left incomplete: record and announce this outcome."""

    outcome: Outcome
    reason: Reason | None


def conclusion(attempt: Attempt, application: Application) -> TakeBack | Close | None:
    """Decide what follows once the stages of an attempt's wave have ended; None while one has not."""
    if not attempt.stages:
        return None
    stages = [attempt.in_stage(each) for each in wave_of(application.waves, attempt.stages[-1].stage)]
    ended = [each for each in stages if each is not None and each.outcome is not None]
    return _concluded(attempt, ended, application) if len(ended) == len(stages) else None


def what_is_left(
    attempt: Attempt, application: Application | None, *, stopped: PersonDecided | None = None
) -> Recover | TakeBack | Close | None:
    """Decide about an attempt whose execution ended without an outcome; None if one was announced.

    ``application`` is None for an upload that did not become a release. ``stopped`` says who stopped its execution, if
    a person did: then nothing is wrong with it.
    """
    if attempt.outcome is not None:
        return None if attempt.announced else Close(attempt.outcome, attempt.reason)
    if application is None or not attempt.stages:
        before = "any stage was entered" if attempt.release else "the upload was accepted"
        reason = f"its execution ended before {before}: nothing was changed; upload it again"
        return _interrupted(reason, stopped)
    if attempt.under_way:
        return Recover(tuple(each.stage for each in attempt.under_way))
    wave = wave_of(application.waves, attempt.stages[-1].stage)
    ended = [each for each in attempt.stages if each.stage in wave]
    deployed = all(each.outcome is Outcome.DEPLOYED for each in ended)
    if deployed and (wave != application.waves[-1] or len(ended) < len(wave)):
        after = " and ".join(each.stage for each in ended)
        reason = f"its execution ended after {after} and before the next stage: upload the release again to continue"
        return _interrupted(reason, stopped)
    concluded = _concluded(attempt, ended, application)
    if isinstance(concluded, TakeBack) or concluded.reason is not None:
        return concluded
    after = " and ".join(each.stage for each in ended)
    reason = f"its execution ended right after {after}; the outcome is that of the stage"
    return Close(concluded.outcome, Statement(Why.INTERRUPTED, reason))


def _interrupted(reason: str, stopped: PersonDecided | None) -> Close:
    if stopped is not None:
        return Close(Outcome.ABORTED, stopped)
    return Close(Outcome.NEEDS_OPERATOR, Statement(Why.INTERRUPTED, reason))


def _concluded(attempt: Attempt, ended: Sequence[InStage], application: Application) -> TakeBack | Close:
    ends = tuple(_end(each) for each in ended)
    deployed = tuple(each.stage for each in ends if each.outcome is Outcome.DEPLOYED)
    # A superseded release has not failed: the newer one reaches the other stages, too.
    failed = [
        each
        for each in ends
        if each.outcome is not Outcome.DEPLOYED
        and not (each.outcome is Outcome.ABORTED and attempt.superseded_in(each.stage))
    ]
    if failed and deployed and application.wave_failure == "wave":
        return TakeBack(deployed, ends)
    return closed_with(ends)


def _end(stage: InStage) -> StageEnd:
    outcome, reason = stage.outcome, stage.reason
    return StageEnd(stage.stage, outcome or Outcome.NEEDS_OPERATOR, None if isinstance(reason, WaveEnd) else reason)


def closed_with(ends: Sequence[StageEnd]) -> Close:
    """Return the end of a release whose last wave ended so: that of its only stage, or one that covers each.

    The attempt's item has each stage's own reason too, so they share the limit on listed findings.
    """
    outcome = worst_of([each.outcome for each in ends])
    if len(ends) == 1:
        return Close(outcome, ends[0].reason)
    told = tuple(_told(each, len(ends)) for each in ends)
    return Close(outcome, None if outcome is Outcome.DEPLOYED else WaveEnd(told))


def _told(end: StageEnd, stages: int) -> StageEnd:
    reason = end.reason
    if not isinstance(reason, PolicyFindings):
        return end
    return replace(end, reason=PolicyFindings.of(reason.findings, reason.left_out, MOST_FINDINGS // stages))


def outcome_of_stage(attempt: Attempt | None, stage: str) -> Outcome | None:
    """Return how a stage ended for an attempt; None if it has not."""
    standing = None if attempt is None else attempt.in_stage(stage)
    return None if standing is None else standing.outcome
