"""The databases' part of a rollback plan."""

from belay.rollback.plan import Todo
from belay.rollback.situation import Situation


def plan_databases(situation: Situation) -> tuple[Todo, ...]:
    """Plan what is to be done about the stage's databases, once its stacks are recovered."""
    return ()
