"""How far a release has come in a stage: the five steps that every stage has, from the attempt's history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from belay.release.attempt import Transition
from belay.release.life import State
from belay.release.records import Outcome

STEPS: Final = (
    ("Plan", State.PLANNING, (State.REHEARSED,)),
    ("Approve", State.AWAITING_APPROVAL, (State.APPROVED,)),
    ("Snapshot", State.APPROVED, (State.SNAPSHOTS_TAKEN,)),
    ("Deploy", State.EXECUTING, (State.VALIDATED,)),
    ("Verify", State.VALIDATED, (State.VERIFIED,)),
)
"""Each with the state in which it is under way, and those that show that it is done."""


@dataclass(frozen=True)
class TrackStep:
    """A step that is ``done`` (``at`` a time), ``now``, ``failed``, ``passed`` (not needed) or ``later``."""

    name: str
    stands: str
    at: str | None = None


@dataclass(frozen=True)
class StageTrack:
    """A stage's steps. ``began`` and ``ended`` are ISO 8601; ``words`` is the newest state, or the stage's outcome."""

    stage: str
    steps: tuple[TrackStep, ...]
    began: str | None
    ended: str | None
    outcome: Outcome | None
    words: str

    @property
    def tone(self) -> str:
        """What colours it."""
        if self.began is None:
            return "empty"
        if self.outcome is Outcome.DEPLOYED:
            return "good"
        if self.outcome is not None or self.words == State.RECOVERING:
            return "back"
        return "going"


def track(history: Sequence[Transition], stage: str, ended_as: Outcome | None = None) -> StageTrack:
    """Return a stage's track, from the whole history of an attempt, oldest first.

    ``ended_as`` is the attempt's outcome, which a stage shares that has none of its own.
    """
    lines = [each for each in history if each.stage == stage and isinstance(each.what, State)]
    if not lines:
        return StageTrack(stage, tuple(TrackStep(name, "later") for name, *_ in STEPS), None, None, None, "not yet")
    last = lines[-1]
    outcome = last.outcome or ended_as
    failed = outcome not in (None, Outcome.DEPLOYED) or last.what is State.RECOVERING
    reached = {each.what: each.at for each in lines}
    ends = [next((reached[state] for state in done if state in reached), None) for _, _, done in STEPS]
    furthest = max((number for number, at in enumerate(ends) if at is not None), default=-1)
    if outcome is Outcome.DEPLOYED:
        furthest = len(STEPS) - 1
    if State.EXECUTING in reached:
        furthest = max(furthest, _DEPLOY - 1)
    steps = []
    for number, (name, _, _) in enumerate(STEPS):
        if ends[number] is not None:
            stands = "done"
        elif number <= furthest:
            stands = "passed"
        elif number == furthest + 1:
            stands = "failed" if failed else "now"
        else:
            stands = "later"
        steps.append(TrackStep(name, stands, ends[number]))
    over = last.what is State.STAGE_ENDED or ended_as is not None
    ended = last.at if over else None
    return StageTrack(stage, tuple(steps), lines[0].at, ended, outcome, str(outcome or last.words))


_DEPLOY: Final = 3
