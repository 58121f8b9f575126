"""The rollback planner: from the observed situation to a plan."""

from collections.abc import Iterable

from belay.release.left_to_do import LeftToDo
from belay.rollback.databases import plan_databases
from belay.rollback.evidence import left_unproved
from belay.rollback.plan import Action, Kind, RollbackPlan, Step, Todo
from belay.rollback.services import plan_services
from belay.rollback.situation import Situation
from belay.rollback.stacks import plan_stacks
from belay.rollback.verification import plan_verification


def plan_rollback(situation: Situation) -> RollbackPlan:
    """Plan the recovery of a stage: its stacks, then its databases and services, then its verification.

    The caller takes the plan's first step, observes and plans again: the plan of a recovered stage has no steps and
    ends ROLLED_BACK. Its later parts are for people to read. While a stack is left to a person, databases and services
    are left alone, because the release that they would be recovered for is not running. Only a service that this
    incident stopped is always started again. Missing evidence for one resource does not block the others.
    """
    stacks, unproved = plan_stacks(situation), tuple(left_unproved(situation))
    databases, services = plan_databases(situation), plan_services(situation)
    if any(isinstance(todo, LeftToDo) for todo in stacks):
        again = tuple(todo for todo in services if isinstance(todo, Step) and todo.action in _STARTS_AGAIN)
        rest = [todo for todo in (*databases, *services) if todo not in again]
        return RollbackPlan.of(stacks, again, tuple(_left_alone(rest)), unproved)
    recovered = RollbackPlan.of(stacks, databases, services)
    if recovered.left_to_do:
        # A person is needed anyway: a bake time would only make them wait.
        return RollbackPlan.of(stacks, databases, services, unproved)
    return RollbackPlan.of(stacks, databases, services, plan_verification(situation), unproved)


_STARTS_AGAIN = (Action.START_SERVICE, Action.RESUME_SCALING)


def _left_alone(todos: Iterable[Todo]) -> Iterable[Todo]:
    """List for every database and service what would have been done if the stacks had been recovered."""
    planned: dict[tuple[Kind, str], list[str]] = {}
    for todo in todos:
        if isinstance(todo, Step):
            planned.setdefault((todo.kind, todo.subject), []).append(todo.why)
        else:
            yield todo
    for (kind, subject), steps in planned.items():
        why = f"the {kind.lower()} was not touched, because a stack has to be recovered first."
        yield LeftToDo(subject, f"then {'; '.join(steps)}", why)
