"""What every function of a recovery starts from: the incident, its plan, the steps taken so far."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from belay.aws.clock import lease, now, timestamp
from belay.aws.gateways import Aws
from belay.aws.s3 import ArtifactBucket
from belay.aws.sessions import Session
from belay.control.stage import CHANGE_PLAN, LEASE_SECONDS
from belay.database.forecast import FORECAST_DOCUMENT, DatabaseForecast
from belay.errors import AwsFault, MissingDocument, ServiceUnavailable, Throttled
from belay.ledger.incidents import IncidentRecord
from belay.ledger.ledger import Ledger
from belay.release.accepted import AcceptedRelease
from belay.release.change_plan import ChangePlan
from belay.release.left_to_do import LeftToDo
from belay.release.names import client_request_token
from belay.release.origin import Origin
from belay.release.place import Power
from belay.release.registration import Stage
from belay.rollback.estimates import RUNS_KEPT, is_over, with_estimates
from belay.rollback.noted import Noted
from belay.rollback.plan import Action, RollbackPlan, Step
from belay.rollback.taken import StepTaken
from belay.stack.plan import Progress, StackPlan, StagePlan
from belay.subject.incident import Incident
from belay.subject.subjects import AskedRollback, ForeignOperation, ReleaseAttempt


@dataclass(frozen=True)
class Recovery:
    """One incident under recovery: all it remembers between steps is in its ledger record."""

    record: IncidentRecord
    artifacts: ArtifactBucket
    ledger: Ledger

    @classmethod
    def enter(cls, event: Mapping[str, Any], ledger: Ledger, artifacts: ArtifactBucket) -> "Recovery":
        """Load the event's ``application`` and ``incident``; a ``fencing`` token is checked and extended.

        Raises ``LockLost`` and ``MissingDocument``.
        """
        application = event["application"]
        if event.get("fencing") is not None:
            ledger.locks.check(application, event["stage"], int(event["fencing"]), lease(LEASE_SECONDS))
        record = ledger.incidents.get(application, event["incident"])
        if record is None:
            raise MissingDocument(f"the ledger has no incident {event['incident']} of {application}")
        return cls(record, artifacts, ledger)

    def at(self, aws: Aws, power: Power) -> Aws:
        """Return the stage's account and region, with one power there; ``aws`` are Belay's own."""
        incident, origin = self.incident, self.origin
        return aws.at(incident.place, power, Session(self.application, incident.stage, origin.name, origin.attempt))

    @property
    def incident(self) -> Incident:
        """What is recovered."""
        return self.record.incident

    @property
    def application(self) -> str:
        """The application that the incident is about."""
        return self.incident.application

    @property
    def origin(self) -> Origin:
        """The origin under which the plan and the baselines are stored."""
        return self.incident.subject.origin

    def accepted(self) -> AcceptedRelease | None:
        """Return the release as it was accepted; None if no release is involved."""
        if not isinstance(self.incident.subject, ReleaseAttempt | AskedRollback):
            return None
        return self.artifacts.read(self.origin.document_key, AcceptedRelease.from_dict)

    def registered(self) -> Stage | None:
        """Return the stage as it was registered when the release was accepted; None if no release is involved."""
        accepted = self.accepted()
        return None if accepted is None else accepted.stages[self.incident.stage]

    def release_plan(self) -> StagePlan:
        """Return the release's plan in the stage; an empty one if it was never planned."""
        kept = self.artifacts.read(self.origin.stage_key(self.incident.stage, "plan.json"), StagePlan.from_dict)
        return kept or StagePlan(())

    def change_plan(self) -> ChangePlan | None:
        """Return the plan of the release's database changes in the stage; None if it has none."""
        return self.artifacts.read(self.origin.stage_key(self.incident.stage, CHANGE_PLAN), ChangePlan.from_dict)

    def rehearsed_undos(self) -> frozenset[str]:
        """Return the database changes whose undo restored the structure on a copy, before the approval."""
        key = self.origin.stage_key(self.incident.stage, FORECAST_DOCUMENT)
        forecast = self.artifacts.read(key, DatabaseForecast.from_dict)
        changes = () if forecast is None else forecast.changes
        return frozenset(each.id for each in changes if each.undo is not None and each.undo.restored)

    def stacks(self) -> dict[str, str]:
        """Return the registered names of the stacks that the incident is about, by id."""
        if isinstance(self.incident.subject, ForeignOperation):
            return {self.incident.subject.stack_id: self.incident.subject.stack}
        return {each.stack_id: each.stack for each in self.release_plan().stacks if each.stack_id is not None}

    def not_recovered(self, left_to_do: Sequence[LeftToDo]) -> list[StackPlan]:
        """Return the stacks that the release changed and that are not known to be as they were before.

        ``left_to_do`` is what the recovery leaves to a person; before its first observation, no stack's state is known.
        """
        subjects = {*(each.subject for each in left_to_do), *(step.subject for step in self.plan().steps)}
        looked = self.artifacts.get_json(self._plan_key) is not None
        return [each for each in self.changed_stacks() if not looked or each.stack in subjects]

    def changed_stacks(self) -> tuple[StackPlan, ...]:
        """Return the stacks that the release changed or began to change."""
        return self.release_plan().in_progress(Progress.EXECUTING, Progress.EXECUTED)

    # -- the plan ------------------------------------------------------------------------------------------------

    def save(self, plan: RollbackPlan) -> None:
        """Store the plan for the next step and for readers of the incident."""
        self.artifacts.put_json(self._plan_key, plan.to_dict())

    def plan(self) -> RollbackPlan:
        """Return the latest plan; an empty one before the first observation."""
        return self.artifacts.read(self._plan_key, RollbackPlan.from_dict) or RollbackPlan(steps=())

    def step(self, named: Mapping[str, Any]) -> Step:
        """Return the plan's step that the state machine is to take, by its ``action`` and ``subject``."""
        wanted = (Action(named["action"]), named["subject"])
        return next(step for step in self.plan().steps if (step.action, step.subject) == wanted)

    @property
    def _plan_key(self) -> str:
        return self.origin.stage_key(self.incident.stage, "rollback.json")

    # -- the steps taken -----------------------------------------------------------------------------------------

    @property
    def next_number(self) -> int:
        """The number of the next step. Its names include it, so that a rerun finds what was begun."""
        return len(self.record.tried)

    def done(self) -> list[str]:
        """Return the steps taken so far that AWS did not refuse, in words and in order."""
        return [each.in_words for each in self.record.tried if not each.refused]

    def timed(self, plan: RollbackPlan) -> RollbackPlan:
        """Record how long the last step took, if this plan shows that it is over; estimate the plan's steps."""
        tried, stage = self.record.tried, self.incident.stage
        if tried and not tried[-1].refused and tried[-1].seconds is None and is_over(tried[-1], plan):
            last, number = tried[-1], len(tried) - 1
            seconds = round((now() - datetime.fromisoformat(last.at)).total_seconds())
            if self.ledger.incidents.end_step(self.incident, number, seconds):
                self.ledger.incidents.record_duration(
                    self.application, stage, last.action, last.subject, seconds, keep=RUNS_KEPT
                )
        return with_estimates(plan, self.ledger.incidents.durations(self.application, stage))

    def take(self, step: Step, number: int, *, stack_id: str | None = None, token: str | None = None) -> None:
        """Record a step before its call; stack and token tell later whether AWS has begun it."""
        taken = StepTaken(step.action, step.kind, step.subject, step.why, timestamp(), stack_id=stack_id, token=token)
        self.ledger.incidents.record_step(self.incident, taken, number)

    def refused(self, number: int) -> None:
        """Record that AWS refused a step, so that nothing was begun."""
        self.ledger.incidents.refuse_step(self.incident, number)

    def token(self, step: Step, number: int) -> str:
        """Return the client request token of a step, the same for every try of it."""
        incident = self.incident
        unique = f"{incident.name}-{number}"
        name, action = self.origin.name, step.action.lower()
        return client_request_token(self.application, incident.stage, name, step.subject, action, unique)

    # -- what was found ------------------------------------------------------------------------------------------

    def block(self, subject: str, reason: str) -> None:
        """Record why a subject must not be rolled back."""
        self.ledger.incidents.block(self.incident, subject, reason)

    @contextmanager
    def blocking(self, subject: str, *, unless: Callable[[str, str], bool] | None = None) -> Iterator[None]:
        """Record a permanent refusal by AWS, so that the next plan does the rest; a transient fault is raised.

        A refusal whose code and message ``unless`` knows was transient: it is planned again.
        """
        try:
            yield
        except (Throttled, ServiceUnavailable):
            raise
        except AwsFault as fault:
            if unless is None or not unless(fault.code, fault.message):
                self.block(subject, str(fault))

    def blocked(self, subject: str) -> str | None:
        """Return why a subject must not be rolled back; None if it may."""
        return self.record.blocked.get(subject)

    def settle(self, subject: str) -> None:
        """Record that there is nothing to change back."""
        self.ledger.incidents.settle(self.incident, subject)

    def note(self, subject: str, facts: Noted) -> None:
        """Remember facts about a subject between steps, replacing earlier ones."""
        self.ledger.incidents.note(self.incident, subject, facts)

    def noted(self, subject: str) -> Noted:
        """Return the facts recorded about a subject when this function began."""
        return self.record.noted.get(subject, Noted())
