"""The order of an application's stages: waves, each of one stage or of several that are deployed at the same time."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from belay.release.records import Outcome

Waves: TypeAlias = tuple[tuple[str, ...], ...]
"""The names of stages, grouped by wave, in deployment order."""

MOST_IN_A_WAVE: Final = 10
"""An attempt's record has the reasons of all of them. Step Functions would run 40 iterations of a Map state at a time
(https://docs.aws.amazon.com/step-functions/latest/dg/concepts-asl-use-map-state-inline.html).
"""

_WORST_FIRST: Final = (Outcome.NEEDS_OPERATOR, Outcome.ROLLED_BACK, Outcome.REJECTED, Outcome.ABORTED, Outcome.DEPLOYED)


def stages_of(waves: Waves) -> tuple[str, ...]:
    """Return every stage, in order."""
    return tuple(stage for wave in waves for stage in wave)


def wave_of(waves: Waves, stage: str) -> tuple[str, ...]:
    """Return the stages that are deployed together with a stage, itself included; only itself if it is in no wave."""
    return next((wave for wave in waves if stage in wave), (stage,))


def stages_before(waves: Waves, stage: str) -> tuple[str, ...]:
    """Return the stages of the waves before that of a stage, in order."""
    wave = wave_of(waves, stage)
    return stages_of(waves[: waves.index(wave)] if wave in waves else ())


def in_words(waves: Waves) -> str:
    """Describe the order: ``test, then eu and us, then production``."""
    return ", then ".join(" and ".join(wave) for wave in waves)


def worst_of(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome of a wave whose stages ended so: the most severe one."""
    return min(outcomes, key=_WORST_FIRST.index)
