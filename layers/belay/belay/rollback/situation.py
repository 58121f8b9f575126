"""The situation observed before a recovery: one stage of one application, stack by stack."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from belay.database.kind import DatabaseKind
from belay.database.restore import Taken, Unit
from belay.release.change_plan import ChangePlan
from belay.release.manifest import DatabaseChanges
from belay.release.registration import Restore
from belay.release.verification import Verified
from belay.release.verification_parts import VerificationPart
from belay.rollback.plan import Action
from belay.rollback.question import Answer
from belay.stack.baseline import Baseline
from belay.stack.cause import Cause
from belay.stack.outputs import ChangedOutput
from belay.stack.status import StackStatus
from belay.stack.stuck import StuckResource
from belay.stack.trace import UnprovedResource
from belay.stack.values import KeptValue


@dataclass(frozen=True)
class StackSeen:
    """One registered stack as CloudFormation describes it now, with what the ledger knows about it.

    - ``stack`` is the registered name, ``name`` CloudFormation's; ``stack_id`` and ``status`` are None if it does not
      exist.
    - ``reason`` and ``token`` are the status reason and the ClientRequestToken of the last operation; ``ours`` says
      whether that operation was the release's or its recovery's.
    - ``created_by_release``: the release made the stack (its baseline did not exist); ``changed_by_release``: the
      release executed a change set on it.
    - ``completed_by_release``: that change set completed, so a rollback seen later undid something else.
    - ``at_baseline``: the stack was found to be at its baseline again (``Baseline.matches``, or an empty change set to
      the baseline).
    - ``endangered`` are those with data that a return to the baseline deletes or replaces, as far as that is known.
    - ``stateful`` are the resources, by logical path, that exist in the stack and hold data; ``failed_resources`` those
      that cause its status (``stack.stuck.stuck_resources``).
    - ``stuck`` are those of a stack in UPDATE_ROLLBACK_FAILED that may be skipped, ``unproved`` those whose events do
      not prove that they were rolled back, whoever skipped or retained them.
    - ``outputs`` are those that differ from the baseline's.
    - ``change_sets`` are the ids of the release's own on a stack in REVIEW_IN_PROGRESS; ``parameter_keys`` the names of
      the parameters the stack has now; ``role_arn`` and ``capabilities`` its service role and capabilities.
    - ``depends_on`` are the registered names of the stacks that it depends on.
    - ``failed_because`` is why its last operation failed, if it failed or was rolled back.
    - ``stands_still``: its last event is older than anything in progress may take.
    - ``blocked`` says why it must not be rolled back (the change set to the baseline would delete data): nothing more
      is planned for the stack.
    """

    stack: str
    name: str
    stack_id: str | None
    status: StackStatus | None
    reason: str | None = None
    token: str | None = None
    baseline: Baseline | None = None
    created_by_release: bool = False
    changed_by_release: bool = False
    completed_by_release: bool = False
    stateful: tuple[str, ...] = ()
    endangered: tuple[str, ...] = ()
    failed_resources: tuple[str, ...] = ()
    stuck: tuple[StuckResource, ...] = ()
    unproved: tuple[UnprovedResource, ...] = ()
    outputs: tuple[ChangedOutput, ...] = ()
    ours: bool = True
    at_baseline: bool = False
    change_sets: tuple[str, ...] = ()
    parameter_keys: tuple[str, ...] | None = None
    role_arn: str | None = None
    capabilities: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    blocked: str | None = None
    stands_still: bool = False
    kept: tuple[KeptValue, ...] = ()
    failed_because: Cause | None = None

    def __post_init__(self) -> None:
        if self.status is not None and self.stack_id is None:
            raise ValueError(
                f"stack {self.stack} is {self.status} and has no id: CloudFormation describes both or neither"
            )

    @property
    def target(self) -> str:
        """Its identifier in calls and commands: its id, because names are reused; its name if it has none."""
        return self.stack_id or self.name

    @property
    def exists(self) -> bool:
        """Whether the stack exists."""
        return self.status is not None and self.status is not StackStatus.DELETE_COMPLETE


@dataclass(frozen=True)
class DatabaseSeen:
    """One registered database as RDS describes it now, with what the ledger knows about it.

    - ``database`` is the registered identifier, ``kind`` its kind; ``units`` what is restored and renamed: the database
      first, then a cluster's members, its writer first.
    - ``declared`` is what the release's manifest says of its changes, for a database without an executor.
    - ``executor``: it has one, which alone changes it; ``plan`` is what was done with the release's changes if they are
      this database's. ``undo_refused`` is why the executor did not undo them, ``rehearsed`` are those whose undo was
      tried on a copy. ``policy`` is the registration's.
    - ``taken`` names the release's snapshot of it, ``snapshot`` is its description by RDS, None if it was deleted.
    - ``obstacles`` are its dependents that would not follow a restored one: a proxy, a deployment in progress.
    - ``asked``: a person requested the rollback, of one or several releases that had been deployed.
    - ``last_step`` is the newest step about it with its time, ``blocked`` why RDS refused one permanently, ``reason``
      why the release is rolled back.
    - ``unseen`` is the fault that describing it raised, if any: nothing else is known then.
    """

    database: str
    kind: DatabaseKind
    taken: Taken
    now: datetime
    declared: DatabaseChanges | None = None
    executor: bool = False
    plan: ChangePlan | None = None
    undo_refused: str | None = None
    rehearsed: frozenset[str] = frozenset()
    policy: Restore = "approval"
    asked: bool = False
    snapshot: Mapping[str, Any] | None = None
    units: tuple[Unit, ...] = ()
    obstacles: tuple[str, ...] = ()
    last_step: tuple[Action, str, datetime] | None = None
    blocked: str | None = None
    reason: str = ""
    unseen: str | None = None


@dataclass(frozen=True)
class ServiceDeployment:
    """One deployment of an ECS service, as DescribeServices shows it.

    ``rollout_state`` is COMPLETED, FAILED or IN_PROGRESS, and None if ECS does not say: behind a Classic Load
    Balancer (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html).
    """

    id: str
    status: str
    rollout_state: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Scaling:
    """What Application Auto Scaling may do to a service's desired count; ``suspended`` is the API's SuspendedState."""

    min_capacity: int
    suspended: Mapping[str, bool]

    @property
    def held(self) -> bool:
        """Whether all scaling of the service is suspended."""
        return all(self.suspended.get(each, False) for each in SCALING_ACTIVITIES)


SCALING_ACTIVITIES = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")


@dataclass(frozen=True)
class ServiceSeen:
    """One registered ECS service as it is now, with what the incident did to it.

    - ``service`` is the registered name, cluster and service (``orders/api``); ``arn`` and ``status`` (ACTIVE,
      DRAINING, INACTIVE) are None if it does not exist.
    - ``controller`` is the deployment controller's type; only with ECS's own can a new deployment be forced. A
      ``daemon`` has no desired count of its own.
    - ``events`` are the service's last events, newest first.
    - ``scaling`` is None if the service has no scaling.
    - ``restarted`` is the id of the deployment by which this incident restarted the service; ``waited_seconds`` how
      long ago that was, or the start of a stopped service.
    - ``stopped_from`` is the desired count the service had when this incident stopped it, ``scaled_by`` the
      SuspendedState before that; None if it did not.
    - ``blocked`` is a permanent refusal by AWS: nothing more is requested for it.
    - ``unseen`` is the fault that describing it raised, if any: only what the incident did is known then.
    """

    service: str
    arn: str | None = None
    status: str | None = None
    desired: int = 0
    running: int = 0
    controller: str = "ECS"
    daemon: bool = False
    deployments: tuple[ServiceDeployment, ...] = ()
    events: tuple[str, ...] = ()
    scaling: Scaling | None = None
    restarted: str | None = None
    waited_seconds: int = 0
    stopped_from: int | None = None
    scaled_by: Mapping[str, bool] | None = None
    blocked: str | None = None
    unseen: str | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a service that can run tasks."""
        return self.status == "ACTIVE"

    @property
    def primary(self) -> ServiceDeployment | None:
        """The newest deployment."""
        return next((each for each in self.deployments if each.status == "PRIMARY"), None)

    @property
    def steady(self) -> bool:
        """Whether the desired count runs, and the newest deployment, if ECS makes them, has completed."""
        primary = self.primary
        if self.controller != "ECS":  # CodeDeploy and external controllers have task sets and no deployments.
            return self.running == self.desired
        rolled_out = primary is not None and primary.rollout_state in ("COMPLETED", None)
        told = primary is not None and primary.rollout_state is not None
        return rolled_out and self.running == self.desired and (told or len(self.deployments) == 1)


@dataclass(frozen=True)
class VerificationSeen:
    """The recovered stage's verification and its state: ``verdict`` is AGAIN until it has ended.

    It has at least one part. ``blocked`` is a permanent refusal by AWS: then there will be no verdict.
    """

    parts: tuple[VerificationPart, ...]
    bake_minutes: float = 0.0
    verdict: Verified = Verified.AGAIN
    reason: str = ""
    blocked: str | None = None


@dataclass(frozen=True)
class Situation:
    """A stage that a release left in need of recovery.

    - ``stacks`` in deploy order; ``databases`` and ``services`` in the registration's; ``verification`` if the stage
      has one.
    - ``goal`` is the version the stage is rolled back to, None if there was none before.
    - ``recover_foreign``: the registration allows rolling back and deleting what failed in operations that Belay did
      not start.
    - ``blind``: the incident was opened because AWS could not be read, not because of a known failure.
    - ``ephemeral``: the stage exists for this release only, and everything in it may be deleted, data included.
    - ``asked``: a person requested the rollback.
    - ``role_arn`` is the stage's registered service role, passed with every call that takes one.
    - ``answers`` holds the states of announced questions, by name (``rollback.question``).
    - ``again`` is the command by which a person has Belay roll back once more, None if there is none.
    - ``tried`` counts, for each action and subject, how often this incident has tried it already. Waiting counts only
      if its own time limit passed without another status.
    """

    application: str
    stage: str
    version: str
    stacks: tuple[StackSeen, ...]
    databases: tuple[DatabaseSeen, ...] = ()
    services: tuple[ServiceSeen, ...] = ()
    verification: VerificationSeen | None = None
    goal: str | None = None
    recover_foreign: bool = False
    blind: bool = False
    ephemeral: bool = False
    asked: bool = False
    role_arn: str | None = None
    tried: Mapping[tuple[Action, str], int] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)
    again: str | None = None

    def times(self, action: Action, subject: str) -> int:
        """How often this incident has tried ``action`` on a stack, a database or a service."""
        return self.tried.get((action, subject), 0)
