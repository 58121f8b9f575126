"""The steps that undo a release's database changes: the executor's task, the reason, and the cost."""

from typing import Final

from belay.release.change_plan import ChangePlan
from belay.rollback.plan import Action, Kind, Risk, Step
from belay.rollback.situation import DatabaseSeen

_INVOKE: Final = "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"


def check(seen: DatabaseSeen, plan: ChangePlan) -> Step:
    """Determine the result of changes that were started, once nothing follows them any more."""
    return _step(
        Action.CHECK_CHANGES,
        seen,
        plan,
        why=f"ask the executor what became of the changes to {plan.database} that were begun",
        legal_because=f"it only reads an operation, and the database; {_INVOKE}",
        risk_in_words="none: nothing is changed",
        checked="what the database has",
    )


def undo(seen: DatabaseSeen, plan: ChangePlan) -> Step:
    """Undo the changes that the release has applied."""
    names = ", ".join(each.id for each in reversed(plan.standing))
    untried = [each.id for each in plan.standing if each.id not in seen.rehearsed]
    rehearsed = f"not rehearsed: {', '.join(untried)}" if untried else "rehearsed on a copy"
    return _step(
        Action.UNDO_CHANGES,
        seen,
        plan,
        why=f"undo {names} in {plan.database} by their own scripts ({rehearsed})",
        legal_because=f"every one of them has an undo, and no later release has changed the database; {_INVOKE}",
        risk_in_words="no write is lost but what the scripts themselves delete",
        checked="that the database records each as undone",
    )


def _step(
    action: Action,
    seen: DatabaseSeen,
    plan: ChangePlan,
    *,
    why: str,
    legal_because: str,
    risk_in_words: str,
    checked: str,
) -> Step:
    return Step(
        action=action,
        kind=Kind.CHANGES,
        subject=seen.database,
        subject_id=plan.executor.function,
        call=("lambda", "Invoke"),
        parameters={"FunctionName": plan.executor.function},
        why=why,
        legal_because=legal_because,
        risk=Risk.NONE,
        risk_in_words=risk_in_words,
        expected=("SUCCEEDED",),
        checked_afterwards=checked,
    )
