"""The last part of a rollback plan: whether the stage is well again."""

from belay.rollback.plan import Todo
from belay.rollback.situation import Situation


def plan_verification(situation: Situation) -> tuple[Todo, ...]:
    """Plan how the stage is verified, once everything in it is recovered."""
    return ()
