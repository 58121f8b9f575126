"""One failure, from whoever saw it first to its end."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from belay.release.records import ReleaseReference, foreign_incident_of
from belay.release.registration import Stage
from belay.stack.status import StackStatus


@dataclass(frozen=True)
class Incident:
    """A failed release in one stage, or a registered stack that failed under somebody else's hands.

    ``stack``, ``stack_id`` and ``token`` name the one stack and operation of a foreign failure; a release's incident is
    about all the stacks of its stage. ``pipeline`` is the pipeline whose execution failed, where no release of Belay's
    ran it: ``release`` is then the execution (``pipeline.execution.reference``). The registration's settings are kept
    as they were when the incident was opened.

    ``asked_by`` is the ARN of the person who asked for the rollback, where it was no failure; ``target`` is then the
    release it goes back to, and ``release`` stands for everything deployed since, under an attempt of its own;
    ``stood_on`` is the attempt that was the stage's last-known-good when it was asked for.
    """

    name: str
    release: ReleaseReference
    stage: str
    reason: str
    service_role: str
    topic: str | None = None
    recover_foreign: bool = False
    ephemeral: bool = False
    pipeline: str | None = None
    stack: str | None = None
    stack_id: str | None = None
    token: str | None = None
    asked_by: str | None = None
    target: ReleaseReference | None = None
    stood_on: str | None = None

    @property
    def foreign(self) -> bool:
        """Whether the failed operation was not Belay's own."""
        return self.stack_id is not None

    def is_overtaken_by(self, attempt: str) -> bool:
        """Whether what the stage stands on now is neither what it did when this was asked for, nor where it leads."""
        leads_to = None if self.target is None else self.target.attempt
        return attempt not in (self.stood_on, leads_to)

    @property
    def thread(self) -> str:
        """The thread that its messages belong to: the release's, or one of its own."""
        return self.name if self.foreign else self.release.thread

    def to_dict(self) -> dict[str, Any]:
        """Return what the ledger keeps."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Incident":
        """Read what ``to_dict`` wrote."""
        target = document.get("target")
        known = {
            "release": ReleaseReference.from_dict(document["release"]),
            "target": None if target is None else ReleaseReference.from_dict(target),
        }
        return cls(**{**document, **known})


def foreign_incident(
    stage: Stage,
    stack: str,
    *,
    stack_id: str,
    status: StackStatus,
    token: str | None,
    operation: str,
    reason: str,
    topic: str | None,
) -> Incident:
    """Make the incident of a registered stack that failed under somebody else's hands.

    ``operation`` names the stack operation that failed: its client request token, or its last event. There is no
    release; its place is taken by a reference that names the failure.
    """
    name = foreign_incident_of(stack_id, operation, status.split("_")[0])
    attempt = hashlib.sha256(name.encode()).hexdigest()[:12]
    return Incident(
        name=name,
        release=ReleaseReference(stage.application, "none", "", attempt),
        stage=stage.name,
        reason=reason,
        service_role=stage.service_role,
        topic=topic,
        recover_foreign=stage.recover_foreign,
        stack=stack,
        stack_id=stack_id,
        token=token,
    )
