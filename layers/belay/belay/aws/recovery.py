"""What every function of a recovery begins with: the incident, the stacks it is about, the steps taken so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from belay.aws.clients import client
from belay.aws.clock import lease, now, timestamp
from belay.aws.cloudformation import Stacks
from belay.aws.dynamodb import Ledger
from belay.aws.s3 import ArtifactBucket
from belay.aws.stage import LEASE_SECONDS
from belay.errors import MissingDocument
from belay.release.ledger import ReleaseReference
from belay.release.manifest import digest
from belay.release.names import change_set_name, client_request_token
from belay.rollback.incident import Incident
from belay.rollback.plan import Action, RollbackPlan, Step
from belay.rollback.situation import StackSeen
from belay.stack.baseline import Baseline
from belay.stack.operation import last_token
from belay.stack.plan import Progress, StackPlan, StagePlan
from belay.stack.stateful import is_stateful
from belay.stack.status import StackStatus
from belay.stack.stuck import stuck_resources

_BEGINS_WITHIN = timedelta(minutes=5)
_GONE = ("DELETE_COMPLETE", "DELETE_SKIPPED")


@dataclass(frozen=True)
class Recovery:
    """One incident on its way to an end, with the gateways that its functions share."""

    incident: Incident
    record: Mapping[str, Any]
    artifacts: ArtifactBucket
    ledger: Ledger
    stacks: Stacks

    @classmethod
    def enter(cls, event: Mapping[str, Any], ledger_table: str, artifact_bucket: str) -> "Recovery":
        """Gather what an event's ``incident`` names; its ``fencing`` token is checked and extended.

        Raises ``LockLost`` and ``MissingDocument``.
        """
        release = ReleaseReference.from_dict(event["release"])
        ledger = Ledger(client("dynamodb"), ledger_table)
        if event.get("fencing") is not None:
            ledger.check_lock(release, event["stage"], int(event["fencing"]), lease(LEASE_SECONDS))
        record = ledger.incident(release.application, event["incident"])
        if record is None:
            raise MissingDocument(f"the ledger has no incident {event['incident']} of {release.application}")
        return cls(
            incident=Incident.from_dict(record["details"]),
            record=record,
            artifacts=ArtifactBucket(client("s3"), artifact_bucket),
            ledger=ledger,
            stacks=Stacks(client("cloudformation")),
        )

    # -- the plan ------------------------------------------------------------------------------------------------

    def save(self, plan: RollbackPlan) -> None:
        """Keep the plan for the step that follows and for whoever reads the incident."""
        self.artifacts.put_json(self._plan_key, plan.to_dict())

    def plan(self) -> RollbackPlan:
        """Return the plan as it was last made; an empty one before the first look."""
        document = self.artifacts.get_json(self._plan_key)
        return RollbackPlan(steps=()) if document is None else RollbackPlan.from_dict(document)

    def step(self, action: Action, stack: str) -> Step:
        """Return the step of the plan that the machine was told to take."""
        return next(step for step in self.plan().steps if (step.action, step.stack) == (action, stack))

    @property
    def next_number(self) -> int:
        """The number of the next step, which its names are made of, so that a rerun finds what was begun."""
        return len(self.record["tried"])

    def done(self) -> list[str]:
        """Return the steps taken so far, in words and in order."""
        return [f"{each['stack']}: {each['why']}" for each in self.record["tried"]]

    def unheard(self) -> bool:
        """Whether CloudFormation has yet to begin what the last step asked for: its events do not show it.

        A description would still show the status from before. After five minutes it is not going to begin.
        """
        last = self.record["tried"][-1] if self.record["tried"] else {}
        if "token" not in last or now() - datetime.fromisoformat(last["at"]) > _BEGINS_WITHIN:
            return False
        return self.stacks.operation_status(last["stack_id"], last["token"]) is None

    # -- looking -------------------------------------------------------------------------------------------------

    def stacks_seen(self) -> tuple[StackSeen, ...]:
        """Return the incident's stacks in deploy order, as they are now."""
        if self.incident.foreign:
            return (self._foreign_stack(),)
        release, stage = self.incident.release, self.incident.stage
        baselines = self.ledger.baselines(release, stage)
        return tuple(self._own_stack(stack, baselines.get(stack.stack)) for stack in self._release_plan().stacks)

    def _release_plan(self) -> StagePlan:
        document = self.artifacts.get_json(self.incident.release.stage_key(self.incident.stage, "plan.json"))
        return StagePlan(()) if document is None else StagePlan.from_dict(document)

    def _foreign_stack(self) -> StackSeen:
        incident = self.incident
        description = self.stacks.describe_stack(str(incident.stack_id))
        return StackSeen(
            stack=str(incident.stack),
            name=str(incident.stack_id).split("/")[1],
            stack_id=incident.stack_id,
            token=incident.token,
            ours=False,
            **self._described(str(incident.stack), description),
        )

    def _own_stack(self, stack: StackPlan, captured: Mapping[str, Any] | None) -> StackSeen:
        description = self.stacks.describe_stack(stack.stack_id or stack.stack_name)
        baseline = None if captured is None else Baseline.from_dict(captured)
        return StackSeen(
            stack=stack.stack,
            name=stack.stack_name,
            stack_id=None if description is None else description["StackId"],
            token=stack.token,
            baseline=baseline,
            created_by_release=stack.creates and (self._changed(stack) or self._is_own_shell(stack, description)),
            changed_by_release=self._changed(stack),
            completed_by_release=stack.progress is Progress.EXECUTED,
            ours=description is not None and self._ours(description["StackId"]),
            at_baseline=stack.stack in self.record["settled"] or self._at_baseline(baseline, description),
            change_sets=() if stack.change_set_id is None else (stack.change_set_id,),
            depends_on=stack.depends_on,
            **self._described(stack.stack, description),
        )

    def _described(self, stack: str, description: Mapping[str, Any] | None) -> dict[str, Any]:
        blocked = self.record["blocked"].get(stack)
        if description is None:
            return {"status": None, "blocked": blocked}
        status = StackStatus(description["StackStatus"])
        stack_id = description["StackId"]
        resources = {} if status.holds_nothing else self.stacks.resources_by_stack(stack_id)
        return {
            "status": status,
            "blocked": blocked,
            "reason": description.get("StackStatusReason"),
            "stateful": tuple(
                each["LogicalResourceId"]
                for them in resources.values()
                for each in them
                if is_stateful(each["ResourceType"]) and each["ResourceStatus"] not in _GONE
            ),
            "failed_resources": stuck_resources(stack_id, status, resources),
            "parameter_keys": tuple(each["ParameterKey"] for each in description.get("Parameters", [])),
            "role_arn": description.get("RoleARN"),
        }

    def _ours(self, stack_id: str) -> bool:
        """Whether the newest operation on a stack was this attempt's or its recovery's, and nobody else's since."""
        newest = self.stacks.newest_event(stack_id)
        token = last_token([newest] if newest else [])
        operation = None if token is None else self.ledger.operation(stack_id, token)
        return operation is not None and operation["release"]["attempt"] == self.incident.release.attempt

    def _is_own_shell(self, stack: StackPlan, description: Mapping[str, Any] | None) -> bool:
        """Whether a stack was never more than a shell for this release's change set; others may plan on the same."""
        if description is None or description["StackStatus"] != StackStatus.REVIEW_IN_PROGRESS:
            return False
        return set(self.stacks.list_change_sets(description["StackId"])) <= {stack.change_set_id}

    def _changed(self, stack: StackPlan) -> bool:
        """Whether the change set was executed: the plan may not say so where its function died after the call."""
        if stack.progress in (Progress.EXECUTING, Progress.EXECUTED):
            return True
        if stack.stack_id is None:
            return False
        token = self.incident.release.deployment_token(self.incident.stage, stack.stack, stack.generation)
        return self.stacks.operation_status(stack.stack_id, token) is not None

    def _at_baseline(self, baseline: Baseline | None, description: Mapping[str, Any] | None) -> bool:
        if baseline is None or not baseline.existed or description is None:
            return False
        if not StackStatus(description["StackStatus"]).updatable:
            return False
        return baseline.matches(description, digest(self.stacks.get_template(description["StackId"])))

    # -- acting --------------------------------------------------------------------------------------------------

    def begun(self, step: Step, number: int) -> bool:
        """Whether CloudFormation has begun this step already, for an earlier try of the same function."""
        return self.stacks.operation_status(step.stack_id, self._token(step, number)) is not None

    def perform(self, step: Step, number: int) -> None:
        """Make a step's one call, under a token that tells its events from those of the deployment."""
        token = self._token(step, number)
        self._note(step, number)
        with self.stacks.begun_once(step.stack_id, token):
            self.stacks.perform(step.call[1], step.parameters, token)

    def create_change_set(self, step: Step, number: int) -> str:
        """Create the change set back to the baseline, or find the one made before a crash."""
        incident = self.incident
        unique = f"{incident.name}-{number}"
        name = change_set_name(self._application, incident.stage, "recover", step.stack, unique)
        baseline = Baseline.from_dict(self.ledger.baselines(incident.release, incident.stage)[step.stack])
        nests = baseline.template is not None and self.artifacts.nests(baseline.template.key)
        names = {"ChangeSetName": name, "ClientToken": name, "IncludeNestedStacks": nests}
        change_set_id, _ = self.stacks.create_change_set({**step.parameters, **names})
        return change_set_id

    def execute(self, step: Step, number: int, change_set_id: str) -> None:
        """Execute a recovery's change set."""
        token = self._token(step, number)
        self._note(step, number)
        with self.stacks.begun_once(step.stack_id, token):
            self.stacks.execute_change_set(change_set_id, token)

    def discard_change_sets(self) -> None:
        """Delete what a failed release planned on stacks that stand as they stood, and will never execute."""
        for stack in self._release_plan().in_progress(Progress.PLANNED):
            self.stacks.delete_change_set(str(stack.change_set_id))

    def block(self, stack: str, reason: str) -> None:
        """Note why a stack's way back must not be taken."""
        self.ledger.mark_incident(self._application, self.incident.name, "blocked", stack, reason)

    def settle(self, stack: str) -> None:
        """Note that CloudFormation finds nothing to change back."""
        self.ledger.mark_incident(self._application, self.incident.name, "settled", stack, "nothing to change")

    def _note(self, step: Step, number: int) -> None:
        incident, token, at = self.incident, self._token(step, number), timestamp()
        self.ledger.record_operation(step.stack_id, token, incident.release, incident.stage, purpose="recover", now=at)
        taken = {"action": step.action.value, "stack": step.stack, "why": step.why}
        asked = {"stack_id": step.stack_id, "token": token} if step.action is not Action.DELETE_CHANGE_SET else {}
        self.ledger.record_step(self._application, incident.name, taken | asked, number, at)

    def _token(self, step: Step, number: int) -> str:
        incident = self.incident
        unique = f"{incident.name}-{number}"
        version, action = incident.release.version, step.action.lower()
        return client_request_token(self._application, incident.stage, version, step.stack, action, unique)

    @property
    def _application(self) -> str:
        return self.incident.release.application

    @property
    def _plan_key(self) -> str:
        return self.incident.release.stage_key(self.incident.stage, "rollback.json")
