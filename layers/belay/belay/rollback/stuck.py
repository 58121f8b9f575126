"""A stuck rollback: continue it, then skip as little as possible, then repair what was skipped.

Skipping marks a resource as rolled back although it is not, so "the state of the skipped resources will be inconsistent
with the state of the resources in the stack template"
(https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html). An ordinary change
set to the same template would find nothing to change; a drift-aware one does
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from belay.release.left_to_do import LeftToDo
from belay.rollback import steps
from belay.rollback.attempts import LIMIT, attempt, left, status_of, tried_too_often
from belay.rollback.evidence import UNKNOWN_TO_DRIFT, doubtful, left_in_doubt
from belay.rollback.plan import Action, Kind, Todo
from belay.rollback.question import Question, with_approval
from belay.rollback.situation import Situation, StackSeen
from belay.stack.status import StackStatus
from belay.stack.stuck import StuckResource
from belay.stack.trace import UnprovedResource

MOST_SKIPS = 5
"""How often a rollback is continued with skipped resources: each time only those that blocked the last one."""


DETECTABLE = (StackStatus.CREATE_COMPLETE, StackStatus.UPDATE_COMPLETE, StackStatus.UPDATE_ROLLBACK_COMPLETE)
"""The stable statuses in which drift is detected
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/detect-drift-stack.html)."""


def continue_stuck(seen: StackSeen, situation: Situation, *, may_skip: bool) -> tuple[Todo, ...]:
    """Continue without skipping first; if that gets stuck too, skip what it got stuck on.

    ``may_skip`` is false for a foreign operation's stack. A missing permission is no reason to skip: once granted, the
    rollback continues with every resource (public case: data-dot-all/dataall#849).
    """
    forbidden = tuple(each for each in seen.stuck if each.forbidden)
    if forbidden and situation.times(Action.CONTINUE_UPDATE_ROLLBACK, seen.stack):
        return (_left_forbidden(seen, situation, forbidden),)
    skips = smallest_skips(seen.stuck)
    if situation.times(Action.CONTINUE_UPDATE_ROLLBACK, seen.stack) == 0 or not (skips and may_skip):
        return attempt(steps.continue_update_rollback, seen, situation)
    if situation.times(Action.SKIP_RESOURCES, seen.stack) >= MOST_SKIPS:
        return (tried_too_often(Action.SKIP_RESOURCES, MOST_SKIPS, seen),)
    step = steps.skip_resources(seen, situation, skips)
    holding = [each.path for each in skips if each.stateful]
    if not holding or situation.ephemeral:
        return (step,)
    question = Question(
        name=f"skip-{seen.stack}-{hashlib.sha256(' '.join(holding).encode()).hexdigest()[:8]}",
        kind=Kind.STACK,
        subject=seen.stack,
        subject_id=seen.target,
        text=f"may the rollback of the stack {seen.stack} ({seen.name}) be continued without {', '.join(holding)}? "
        "It has data. Skipping deletes nothing, but does not restore what the release replaced, and it may "
        "no longer be what the template says: a later update could then replace it.",
    )
    refused = left(
        seen,
        f"its rollback is stuck on {', '.join(holding)}: what has data is not skipped without approval.",
        what=f"decide whether its rollback continues without {', '.join(holding)}",
    )
    return with_approval(question, situation.answers.get(question.name), (step,), refused)


def _left_forbidden(seen: StackSeen, situation: Situation, forbidden: Sequence[StuckResource]) -> LeftToDo:
    role = seen.role_arn or situation.role_arn
    said = "; ".join(f"{each.path} ({each.resource_type}): {each.reason.strip().rstrip('.')}" for each in forbidden)
    return left(
        seen,
        f"its rollback is stuck because {f'the role {role}' if role else 'its role'} lacks a permission, and nothing "
        f"was skipped: {said}.",
        what="give the role the permission that it lacks, then continue its rollback",
    )


def smallest_skips(stuck: tuple[StuckResource, ...]) -> tuple[StuckResource, ...]:
    """Return the fewest resources that a rollback has to skip, as far as is known now.

    What depends on another stuck resource may have failed because of it, so it is retried when the other is skipped:
    "it might not be necessary to skip the dependent resources" (ContinueUpdateRollback's page). If all depend on each
    other, the one that failed first is skipped.
    """
    return tuple(each for each in stuck if not each.needs) or stuck[:1]


def repair_drift(seen: StackSeen, situation: Situation) -> tuple[Todo, ...]:
    """Check the resources in doubt one by one, and repair those that differ from the template."""
    doubted = doubtful(seen)
    if status_of(seen) not in DETECTABLE:
        imported = "resources were imported since, and CloudFormation detects no drift in this status"
        doubted = tuple(replace(each, left=each.left or imported) for each in doubted)
    unseen = [each for each in doubted if each.drift is None and each.left is None]
    if unseen:
        return tuple(steps.detect_drift(seen, each) for each in unseen)
    may_revert = seen.changed_by_release or seen.ours or situation.asked or situation.recover_foreign
    repairable = tuple(each for each in doubted if may_revert and _can_be_reverted(each))
    hopeless = left_in_doubt(seen, [each for each in doubted if each not in repairable])
    if not repairable:
        return hopeless
    if situation.times(Action.REVERT_DRIFT, seen.stack) >= LIMIT:
        return (*hopeless, tried_too_often(Action.REVERT_DRIFT, LIMIT, seen))
    return (steps.revert_drift(seen, situation, repairable), *hopeless)


def _can_be_reverted(resource: UnprovedResource) -> bool:
    """A deleted resource with data would come back empty: a person must decide."""
    if resource.left is not None or resource.drift in ("IN_SYNC", UNKNOWN_TO_DRIFT):
        return False
    return not (resource.drift == "DELETED" and resource.stateful)
