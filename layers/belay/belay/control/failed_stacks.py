"""Failed stacks: a release's own, and registered stacks that failed in an operation that Belay did not start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import timestamp
from belay.aws.cloudformation import Stacks
from belay.aws.gateways import Aws
from belay.control.incidents import Incidents
from belay.control.places import Places
from belay.control.registrations import Registrations
from belay.ledger.ledger import Ledger
from belay.ledger.operations import Operation, Purpose
from belay.release.place import StagePlace
from belay.release.reason import PersonDecided, StackFailure
from belay.release.registration import Stage
from belay.stack.operation import TakenOver, last_operation, last_token
from belay.stack.stack_id import name_of_stack
from belay.stack.status import StackStatus
from belay.subject.incident import Incident
from belay.subject.names import incident_of
from belay.subject.subjects import foreign_operation


@dataclass(frozen=True)
class SeenStack:
    """A registered stack as CloudFormation describes it, and where."""

    place: StagePlace | None
    stacks: Stacks
    description: Mapping[str, Any]


@dataclass(frozen=True)
class FailedStack:
    """A stack whose last operation failed, and where."""

    stack_id: str
    stacks: Stacks
    status: StackStatus
    reason: str | None

    def failure(self, token: str | None) -> StackFailure:
        """Return what failed first in the operation with a client request token."""
        cause = self.stacks.first_cause(self.stack_id, token)
        return StackFailure(self.stack_id, self.status, cause, said=self.reason or "CloudFormation gave no reason")


class FailedStacks:
    """Opens the one incident of a failed stack operation, whether an event or the sweep noticed it."""

    def __init__(self, ledger: Ledger, incidents: Incidents, registrations: Registrations, places: Places) -> None:
        self._ledger = ledger
        self._incidents = incidents
        self._registrations = registrations
        self._places = places

    def take_up(self, stack_id: str, status: StackStatus, reason: str | None, token: str | None) -> str | None:
        """Open the incident of an operation that failed, ``token`` being its client request token.

        An operation that only cancelled or deleted what a release had begun belongs to that release's incident. Returns
        its name; None for a failed recovery or deletion, which its own execution handles, for an unregistered stack,
        and for an account and region without stages.
        """
        there = self._there(stack_id)
        return None if there is None else self._take_up(FailedStack(stack_id, there.stacks, status, reason), token)

    def _take_up(self, failed: FailedStack, token: str | None) -> str | None:
        operation, taken = self._known_operation(failed, token)
        if operation is None:
            return self._take_up_foreign(failed, token)
        if operation.purpose is not Purpose.DEPLOY or operation.release is None:
            return None
        release, stage = operation.release, operation.stage
        known = self._known(release.application, incident_of(release.origin, stage))
        if known is not None:
            return known
        if taken is None:
            return self._incidents.open_for_release(release, stage, failed.failure(token))
        decided = PersonDecided(taken.by, taken.in_words(name_of_stack(failed.stack_id)))
        return self._incidents.open_for_release(release, stage, decided)

    def stages_by_place(self) -> list[list[Stage]]:
        """Return the lasting stages, grouped by what one call finds: all at home, and each application's elsewhere."""
        found: dict[tuple[StagePlace | None, str], list[Stage]] = {}
        for stage in self._registrations.read().stages:
            if not stage.ephemeral:
                found.setdefault((stage.place, stage.application if stage.place else ""), []).append(stage)
        return [*found.values()]

    def registered(self, stages: Sequence[Stage]) -> list[SeenStack]:
        """Return every registered stack of stages of one place."""
        names = {stack.name for stage in stages for stack in stage.stacks.values()}
        place, found = stages[0].place, self._places.of(stages[0]).stacks
        return [SeenStack(place, found, each) for each in found.describe_stacks() if each["StackName"] in names]

    def take_up_failed(self, seen: SeenStack) -> str | None:
        """Open the incident of a stack whose last operation failed, if its event was missed. Returns its name.

        A failure that was handled costs one read of the ledger: the stack's events are not read again.
        """
        stack, status = seen.description, StackStatus(seen.description["StackStatus"])
        failed = FailedStack(stack["StackId"], seen.stacks, status, stack.get("StackStatusReason"))
        times = [stack[name].isoformat() for name in ("LastUpdatedTime", "DeletionTime") if name in stack]
        standing = "#".join([status, *times])  # distinguishes the failed operation from the next
        if not (status.terminal and status.turned_back) or self._ledger.operations.settled(failed.stack_id) == standing:
            return None
        incident, newest = None, seen.stacks.newest_event(failed.stack_id)
        # CloudFormation keeps events for 90 days: its origin can no longer be known, and nothing needs recovery.
        if newest is not None or not status.updatable:
            incident = self._take_up(failed, last_token([newest] if newest else []))
            if incident is None and not (newest and self._known_operation(failed, last_operation(newest))[0]):
                return None  # its pipeline is deploying, and may be responsible for it
        self._ledger.operations.note_settled(failed.stack_id, standing)
        return incident

    def _there(self, stack_id: str) -> Aws | None:
        """Return the account and region of a stack, by its ARN; None if there is no stage there."""
        if self._places.is_home(stack_id):
            return self._places.home
        read = self._registrations.read()
        stages = [each for each in read.stages if each.place and each.place.holds(stack_id)]
        for fault in read.faults.values() if not stages else ():
            raise fault
        stack = name_of_stack(stack_id)
        owners = [each for each in stages if stack in {registered.name for registered in each.stacks.values()}]
        return self._places.of([*owners, *stages][0]) if stages else None

    def _known_operation(self, failed: FailedStack, token: str | None) -> tuple[Operation | None, TakenOver | None]:
        """Return the known operation with a token, or the one that this one took over, marked as such."""
        stack_id = failed.stack_id
        operation = None if token is None else self._ledger.operations.get(stack_id, token)
        taken = failed.stacks.taken_over(stack_id, token) if operation is None else None
        return (operation, None) if taken is None else (self._ledger.operations.get(stack_id, taken.token or ""), taken)

    def _take_up_foreign(self, failed: FailedStack, token: str | None) -> str | None:
        stack_id = failed.stack_id
        found = self._registrations.of_stack(stack_id, home=self._places.is_home(stack_id))
        if found is None:
            return None
        stage, stack = found
        # An operation without a token is identified by its last event.
        newest = None if token else failed.stacks.newest_event(stack_id)
        operation = token or (None if newest is None else last_operation(newest)) or "unknown"
        if self._ledger.operations.get(stack_id, operation) is not None or self._is_deployed_by_pipeline(stage):
            return None
        if failed.status.updatable and self._ends_what_was_left_to_person(stack_id, operation):
            return None
        subject = foreign_operation(
            stage,
            stack,
            stack_id=stack_id,
            status=failed.status,
            token=token,
            operation=operation,
            topic=self._registrations.topic_of(stage.application),
        )
        known = self._known(stage.application, subject.incident)
        if known is not None:
            return known
        return self._incidents.open(Incident.in_stage(stage, subject.incident, subject, failed.failure(token)))

    def _known(self, application: str, name: str) -> str | None:
        """Return the name of an incident that was opened before; the first cause is not looked up again."""
        record = self._ledger.incidents.get(application, name)
        return None if record is None else self._incidents.open(record.incident)

    def _is_deployed_by_pipeline(self, stage: Stage) -> bool:
        """Whether the stage's pipeline is deploying now, and so responsible for the failure.

        An operation that was not the pipeline's after all is handled by the sweep once the pipeline ended.
        """
        deploying = self._ledger.pipelines.followed(stage.application, stage.name) if stage.pipeline else {}
        return any(deploying.values())

    def _ends_what_was_left_to_person(self, stack_id: str, operation: str) -> bool:
        """Whether a person's operation recovered what an incident had left to them; it then closes that incident.

        Recorded in the ledger, because the incident is no longer watched when the sweep next sees the stack.
        """
        for watched in self._ledger.incidents.watched():
            if stack_id in watched.stack_ids:
                subject = watched.incident.subject
                self._ledger.operations.record(
                    stack_id, operation, subject.origin, subject.stage, purpose=Purpose.REPAIR, now=timestamp()
                )
                return True
        return False
