"""One failure, from its detection to its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.documents import Document, read, written
from belay.release.place import StagePlace
from belay.release.reason import Reason, from_document, to_dict
from belay.release.registration import Stage
from belay.subject.subjects import AskedRollback, ForeignOperation, PipelineDeployment, ReleaseAttempt, Subject


@dataclass(frozen=True)
class Incident:
    """What failed, or is to be undone, and what its recovery may do.

    ``service_role``, ``recover_foreign`` and ``place`` are the registration's as they were when the incident was
    opened.
    """

    name: str
    subject: Subject
    reason: Reason
    service_role: str
    recover_foreign: bool = False
    place: StagePlace | None = None

    @classmethod
    def in_stage(cls, stage: Stage, name: str, subject: Subject, reason: Reason) -> "Incident":
        """Return an incident of a stage, as that is registered now."""
        return cls(name, subject, reason, stage.service_role, stage.recover_foreign, stage.place)

    @property
    def application(self) -> str:
        """The application that it is about."""
        return self.subject.application

    @property
    def stage(self) -> str:
        """The stage that it is about."""
        return self.subject.stage

    @property
    def again(self) -> str | None:
        """The command by which a person has Belay roll back again; only for what a release left in a lasting stage."""
        by_release = isinstance(self.subject, ReleaseAttempt | AskedRollback) and not self.subject.ephemeral
        return f"belay rollback {self.application} {self.stage}" if by_release else None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return written(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Incident":
        """Read what ``to_dict`` wrote, or Belay 0.1 did. Raises ``UnreadableRecord``, ``UnknownSchema`` if newer."""
        return read(cls, document, "the incident", _of_0_1)


def _of_0_1(document: Document) -> Document:
    """Convert Belay 0.1's format: every kind had the same fields, most of them optional, and the reason was text."""
    release = document["release"]
    whole = {**document, "application": release["application"], "execution": release["version"]}
    kind = ReleaseAttempt.kind if document["pipeline"] is None else PipelineDeployment.kind
    if document["stack_id"] is not None:
        kind, whole["incident"] = ForeignOperation.kind, document["name"]
    elif document["asked_by"] is not None:
        kind = AskedRollback.kind
    return {**document, "subject": {**whole, "kind": kind}, "reason": to_dict(from_document(document["reason"]))}
