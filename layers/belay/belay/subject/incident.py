"""One failure, from its detection to its end."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from belay.documents import SCHEMA, schema_of
from belay.release.place import PlaceRoles, StagePlace
from belay.release.reason import Reason, from_document, to_dict
from belay.release.records import ReleaseReference
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
        """The command by which a person lets Belay go back again; only for what a release left in a lasting stage."""
        by_release = isinstance(self.subject, ReleaseAttempt | AskedRollback) and not self.subject.ephemeral
        return f"belay rollback {self.application} {self.stage}" if by_release else None

    def to_dict(self) -> dict[str, Any]:
        """Return what ``from_dict`` reads."""
        reason = to_dict(self.reason)
        return {
            **asdict(self),
            "schema": SCHEMA,
            "reason": reason,
            "subject": {"kind": self.subject.kind, **asdict(self.subject)},
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Incident":
        """Read an incident as this version writes it, or as Belay 0.1 did. Raises ``UnknownSchema`` for a newer one."""
        old = schema_of(document, "the incident") == 1
        subject = _written_by_0_1(document) if old else _KINDS[document["subject"]["kind"]](document["subject"])
        known = {name: document[name] for name in ("name", "service_role", "recover_foreign")}
        found = document.get("place")
        place = None if found is None else StagePlace(**{**found, "roles": PlaceRoles(**found["roles"])})
        return cls(subject=subject, reason=from_document(document["reason"]), place=place, **known)


def _release(document: Mapping[str, Any]) -> ReleaseAttempt:
    release = ReleaseReference.from_dict(document["release"])
    return ReleaseAttempt(release, document["stage"], document["topic"], document["ephemeral"])


def _pipeline(document: Mapping[str, Any]) -> PipelineDeployment:
    return PipelineDeployment(**_fields(PipelineDeployment, document))


def _foreign(document: Mapping[str, Any]) -> ForeignOperation:
    return ForeignOperation(**_fields(ForeignOperation, document))


def _asked(document: Mapping[str, Any]) -> AskedRollback:
    target = document["target"]
    known = {
        "release": ReleaseReference.from_dict(document["release"]),
        "target": None if target is None else ReleaseReference.from_dict(target),
    }
    return AskedRollback(**_fields(AskedRollback, document) | known)


_KINDS: Final[Mapping[str, Callable[[Mapping[str, Any]], Subject]]] = {
    ReleaseAttempt.kind: _release,
    PipelineDeployment.kind: _pipeline,
    ForeignOperation.kind: _foreign,
    AskedRollback.kind: _asked,
}


def _fields(kind: type[Subject], document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in kind.__dataclass_fields__}


def _written_by_0_1(document: Mapping[str, Any]) -> Subject:
    """Read a subject from Belay 0.1's format, where every kind had optional fields and an optional release."""
    release = ReleaseReference.from_dict(document["release"])
    whole = {**document, "application": release.application, "execution": release.version}
    if document["stack_id"] is not None:
        return _foreign({**whole, "incident": document["name"]})
    if document["asked_by"] is not None:
        return _asked(whole)
    return _release(whole) if document["pipeline"] is None else _pipeline(whole)
