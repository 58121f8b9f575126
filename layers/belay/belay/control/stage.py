"""What every function of a stage starts from: the accepted release, its registration, its plan, its lock."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from belay.aws.clock import lease, now
from belay.aws.gateways import Aws
from belay.aws.s3 import ArtifactBucket, ReleaseFiles
from belay.aws.sessions import Session
from belay.control.reasons import Reasons
from belay.control.table_values import read_tables, with_known
from belay.database.forecast import FORECAST_DOCUMENT, DatabaseForecast
from belay.errors import ReleaseSuperseded
from belay.ledger.ledger import Ledger
from belay.release.accepted import AcceptedRelease
from belay.release.change_plan import ChangePlan
from belay.release.manifest import ManifestStack
from belay.release.names import client_request_token
from belay.release.place import Power
from belay.release.records import ReleaseReference
from belay.release.registration import Forecast, Stage, changed_database
from belay.release.verification import DeployedStage, Occasion
from belay.stack.plan import StackPlan, StagePlan

CHANGE_PLAN = "database-changes.json"
"""The name of the document with the plan of a stage's database changes."""

LEASE_SECONDS = 900
"""How long a lock is valid after the last step that extended it."""


@dataclass(frozen=True)
class StageContext:
    """One release in one stage, with the gateways that its functions share."""

    release: ReleaseReference
    accepted: AcceptedRelease
    stage: Stage
    artifacts: ArtifactBucket
    ledger: Ledger

    @classmethod
    def enter(cls, event: Mapping[str, Any], ledger: Ledger, artifacts: ArtifactBucket) -> "StageContext":
        """Load the event's ``release`` and ``stage``; a ``fencing`` token is checked and extended.

        Raises ``LockLost`` and ``MissingDocument``.
        """
        release = ReleaseReference.from_dict(event["release"])
        if event.get("fencing") is not None:
            ledger.locks.check(release.application, event["stage"], int(event["fencing"]), lease(LEASE_SECONDS))
        accepted = AcceptedRelease.from_dict(artifacts.require_json(release.document_key))
        accepted = with_known(accepted, release, event["stage"], artifacts)
        return cls(release, accepted, accepted.stages[event["stage"]], artifacts, ledger)

    def at(self, aws: Aws, power: Power) -> Aws:
        """Return the stage's account and region, with one power there; ``aws`` are Belay's own."""
        release, stage = self.release, self.stage
        return aws.at(stage.place, power, Session(release.application, stage.name, release.version, release.attempt))

    def read_tables(self, aws: Aws) -> "StageContext":
        """Return it with the parameter values that tables hold, unless they were read before.

        Raises ``InvalidRelease`` with the key of the document that lists the missing ones.
        """
        release, stage = self.release, self.stage.name
        if not self.accepted.to_read(stage):
            return self
        there = self.at(aws, Power.DEPLOY)
        tables, stacks = there.parameter_tables, there.stacks
        with self.reasons.refusing():
            accepted = read_tables(self.accepted, release, stage, self.artifacts, tables=tables, stacks=stacks)
        return replace(self, accepted=accepted, stage=accepted.stages[self.stage.name])

    def plan(self) -> StagePlan:
        """Return the stage's plan as the last step left it; at first every stack is waiting."""
        kept = self.artifacts.read(self._plan_key, StagePlan.from_dict)
        return kept or StagePlan(tuple(map(self._waiting, self.accepted.manifest.stacks)))

    def _waiting(self, stack: ManifestStack) -> StackPlan:
        stack_name = self.accepted.stack_name(self.stage.name, stack.name, self.release.attempt)
        return StackPlan(stack.name, stack_name, stack.depends_on)

    def change_plan(self, stage: str = "") -> ChangePlan | None:
        """Return the plan of the release's database changes in this stage, or in another; None if there is none."""
        return self.artifacts.read(self.release.stage_key(stage or self.stage.name, CHANGE_PLAN), ChangePlan.from_dict)

    def required_changes(self) -> ChangePlan:
        """Return the plan of the database changes that an earlier step wrote. Raises ``MissingDocument``."""
        return ChangePlan.from_dict(self.artifacts.require_json(self.release.stage_key(self.stage.name, CHANGE_PLAN)))

    def save_changes(self, plan: ChangePlan) -> None:
        """Store the plan of the database changes for the next step."""
        self.artifacts.put_json(self.release.stage_key(self.stage.name, CHANGE_PLAN), plan.to_dict())

    def refuse_superseded(self) -> None:
        """Raise ``ReleaseSuperseded`` if a newer release has taken this one's turn in the stage."""
        attempt = self.ledger.attempts.get(self.release)
        superseded = None if attempt is None else attempt.superseded_in(self.stage.name)
        if superseded is not None:
            raise ReleaseSuperseded(superseded.why(self.release.version))

    @property
    def changes_database(self) -> bool:
        """Whether the release changes a database here, through its executor."""
        return changed_database(self.accepted.manifest.database, self.stage) is not None

    @property
    def asks(self) -> bool:
        """Whether a person has to approve. Change sets do not show database changes, so those always require it."""
        approval, declared = self.stage.approval, self.accepted.manifest.database is not None
        return approval.required and not (approval.skip_unchanged and not declared and self.plan().unchanged)

    @property
    def forecast(self) -> Forecast:
        """How database changes are forecast; ``none`` in an ephemeral stage, which has no database yet."""
        changed = changed_database(self.accepted.manifest.database, self.stage)
        return "none" if changed is None or self.stage.ephemeral else self.stage.forecast

    def database_forecast(self) -> DatabaseForecast | None:
        """Return what was found in the forecast; None if there is none."""
        key = self.release.stage_key(self.stage.name, FORECAST_DOCUMENT)
        return self.artifacts.read(key, DatabaseForecast.from_dict)

    def token(self, subject: str, operation: str) -> str:
        """Return the client request token of an operation on a stack or a database, the same for every try."""
        release, stage = self.release, self.stage.name
        return client_request_token(release.application, stage, release.version, subject, operation, release.attempt)

    @property
    def files(self) -> ReleaseFiles:
        """The files of the release, in the artifact bucket."""
        return ReleaseFiles(self.artifacts, self.release.prefix, self.accepted.manifest.digests)

    def parameters(self, stack: ManifestStack) -> dict[str, str]:
        """Return the values of a stack's parameters here; secret ones are masked. Raises ``InvalidRelease``."""
        release = self.release
        return self.accepted.parameters(self.stage.name, stack, release.attempt, self.artifacts.name, release.prefix)

    @property
    def reasons(self) -> Reasons:
        """Where the reasons for a refusal or failure in the stage are stored."""
        return Reasons(self.artifacts, self.release, self.stage.name)

    def save(self, plan: StagePlan) -> None:
        """Store the plan for the next step."""
        self.artifacts.put_json(self._plan_key, plan.to_dict())

    def deployed(self) -> DeployedStage:
        """Return the input of the stage's checks once its stacks are deployed."""
        origin, standing, bucket = self.release.origin, self.plan().standing(), self.artifacts.name
        return DeployedStage(origin, self.stage, Occasion.DEPLOYED, standing, bucket, now().date())

    @property
    def _plan_key(self) -> str:
        return self.release.stage_key(self.stage.name, "plan.json")
