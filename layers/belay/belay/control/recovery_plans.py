"""Planning an incident's recovery again before each step, and announcing once that it has begun."""

from belay.control.recovery import Recovery
from belay.control.situations import Situations
from belay.control.topics import Topic
from belay.notify.incidents import recovery_started
from belay.rollback.plan import Action, RollbackPlan
from belay.rollback.planner import plan_rollback
from belay.subject.subjects import ForeignOperation, PipelineDeployment


class RecoveryPlans:
    """Plans what is left of a recovery; ``topic`` is the incident's."""

    def __init__(self, recovery: Recovery, situations: Situations, topic: Topic) -> None:
        self._recovery = recovery
        self._situations = situations
        self._topic = topic

    def make(self) -> RollbackPlan | None:
        """Observe, plan, store the plan and return it; None while CloudFormation does not show the last request yet."""
        if self._situations.recovered_stacks(self._recovery).operation_not_visible_yet():
            return None
        plan = self._recovery.timed(plan_rollback(self._situations.look(self._recovery)))
        self._recovery.save(plan)
        if plan.steps:
            self._tell(plan)
        return plan

    def _tell(self, plan: RollbackPlan) -> None:
        """Announce once that a lasting stage failed and what is being done.

        Not for a pipeline, whose failure was announced, and for a foreign operation only if its stack is changed.
        """
        incident, subject = self._recovery.incident, self._recovery.incident.subject
        waits = all(step.action is Action.WAIT for step in plan.steps)
        if subject.ephemeral or self._recovery.record.tried or isinstance(subject, PipelineDeployment):
            return
        if isinstance(subject, ForeignOperation) and waits:
            return
        reason, steps = incident.reason, _in_words(plan)
        self._topic.publish(recovery_started(subject.told_as, reason=reason, steps=steps), [incident.place])


def _in_words(plan: RollbackPlan) -> list[str]:
    """Describe what the plan does and leaves; what it waits for is mentioned only if it does nothing else."""
    steps = [step.in_words() for step in plan.steps if step.action is not Action.WAIT]
    left, remarks = [each.in_words() for each in plan.left_to_do], [each.in_words() for each in plan.remarks]
    return [*(steps or [step.in_words() for step in plan.steps]), *left, *remarks]
