"""What can fail and be rolled back: one class for each kind, and ``Subject`` for any of them."""

import hashlib
from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

from belay.notify.deployment import Deployment
from belay.pipeline.execution import origin_of
from belay.release.origin import Origin
from belay.release.records import ReleaseReference
from belay.release.registration import Stage
from belay.stack.status import StackStatus
from belay.subject.names import foreign_incident_of

_NO_VERSION: Final = "none"
"""Takes the place of a version in the client request tokens of a foreign operation's recovery."""


class _Subject:
    """What every subject has. ``topic`` is the application's own, None if it has none."""

    kind: ClassVar[str]
    stage: str
    topic: str | None
    ephemeral: bool = False

    @property
    def origin(self) -> Origin:
        """The key under which its plan and its baselines are stored."""
        raise NotImplementedError

    @property
    def attempt(self) -> str:
        """The owner of the stage's lock during the rollback."""
        return self.origin.attempt

    @property
    def thread(self) -> str:
        """The thread that its messages belong to."""
        return self.origin.thread

    @property
    def label(self) -> str:
        """Its label: the release's version, the execution, or the stack."""
        return self.origin.name

    @property
    def told_as(self) -> Deployment:
        """The subject of messages about it."""
        return Deployment(self.origin.application, self.label, self.stage, thread=self.thread)


class _OfRelease(_Subject):
    """What is rolled back to a release, which has its own attempt."""

    release: ReleaseReference

    @property
    def origin(self) -> Origin:
        """The release's."""
        return self.release.origin

    @property
    def application(self) -> str:
        """The application that it is about."""
        return self.release.application


@dataclass(frozen=True)
class ReleaseAttempt(_OfRelease):
    """A release that failed in one stage."""

    kind = "release"
    release: ReleaseReference
    stage: str
    topic: str | None
    ephemeral: bool = False


@dataclass(frozen=True)
class PipelineDeployment(_Subject):
    """What an execution of a stage's pipeline deployed, if no Belay release started it."""

    kind = "pipeline"
    application: str
    stage: str
    topic: str | None
    pipeline: str
    execution: str

    @property
    def origin(self) -> Origin:
        """The execution's."""
        return origin_of(self.application, self.pipeline, self.execution)


@dataclass(frozen=True)
class ForeignOperation(_Subject):
    """An operation on one registered stack that failed and that Belay did not start.

    ``stack`` is the stack's registered name, ``token`` the operation's client request token, if any.
    """

    kind = "foreign"
    application: str
    stage: str
    topic: str | None
    stack: str
    stack_id: str
    token: str | None
    incident: str

    @property
    def origin(self) -> Origin:
        """Its own, named after the incident: only the recovery's plan is stored under it."""
        return Origin(self.application, _NO_VERSION, hashlib.sha256(self.incident.encode()).hexdigest()[:12])

    @property
    def thread(self) -> str:
        """The incident's."""
        return self.incident

    @property
    def label(self) -> str:
        """The stack's registered name."""
        return self.stack


@dataclass(frozen=True)
class AskedRollback(_OfRelease):
    """A rollback requested by a person, or by a release's wave after another stage failed.

    ``release`` is the newest of those undone and represents them all, under an attempt of its own; ``target`` is what
    the stage returns to, ``stood_on`` its last-known-good attempt at the time of the request. ``asked_by`` is an ARN,
    of the person or of the release's execution.
    """

    kind = "asked"
    release: ReleaseReference
    stage: str
    topic: str | None
    asked_by: str
    target: ReleaseReference | None
    stood_on: str | None
    ephemeral: bool = False

    def is_overtaken_by(self, attempt: str) -> bool:
        """Whether the stage's last-known-good is now neither the one at the time of the request, nor the target."""
        leads_to = None if self.target is None else self.target.attempt
        return attempt not in (self.stood_on, leads_to)


Subject: TypeAlias = ReleaseAttempt | PipelineDeployment | ForeignOperation | AskedRollback


def foreign_operation(
    stage: Stage,
    stack: str,
    *,
    stack_id: str,
    status: StackStatus,
    token: str | None,
    operation: str,
    topic: str | None,
) -> ForeignOperation:
    """Name a registered stack's operation that Belay did not start.

    ``operation`` names what failed: its client request token, or its last event.
    """
    name = foreign_incident_of(stack_id, operation, status.split("_")[0])
    return ForeignOperation(stage.application, stage.name, topic, stack, stack_id, token, name)
