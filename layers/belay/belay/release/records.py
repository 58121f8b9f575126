"""The small records that travel through the state machines, and what they are called in the ledger.

Every document that a machine would have to carry lies in the artifact bucket; what travels is a ``ReleaseReference``.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from belay.errors import BelayError, InvalidRelease, ReleaseSuperseded
from belay.release.names import client_request_token

_LONGEST_KEY = 800


class Outcome(StrEnum):
    """How a release ends. Every accepted upload ends in exactly one."""

    DEPLOYED = "DEPLOYED"
    REJECTED = "REJECTED"
    ABORTED = "ABORTED"
    ROLLED_BACK = "ROLLED_BACK"
    NEEDS_OPERATOR = "NEEDS_OPERATOR"


@dataclass(frozen=True)
class Upload:
    """One version of one object in the release bucket."""

    application: str
    bucket: str
    key: str
    version_id: str
    size: int

    @property
    def identity(self) -> str:
        """The sort-key part that names this upload; a key too long for DynamoDB's 1,024 bytes stands by its digest."""
        fits = len(self.key.encode()) <= _LONGEST_KEY
        return f"{self.key if fits else hashlib.sha256(self.key.encode()).hexdigest()}#{self.version_id}"

    @property
    def attempt(self) -> str:
        """Twelve hexadecimal digits that name this upload wherever AWS limits a name."""
        return hashlib.sha256(f"{self.bucket}/{self.identity}".encode()).hexdigest()[:12]

    @property
    def thread(self) -> str:
        """The thread of the messages about this upload and the release that it becomes."""
        return f"{self.application}-{self.attempt}"


def upload_of(application: str, bucket: str, key: str, version_id: str | None, size: int) -> Upload:
    """Name an upload; a bucket without versioning, which Belay's never is, has S3's own version ``null``."""
    return Upload(application, bucket, key, version_id or "null", size)


@dataclass(frozen=True)
class ReleaseReference:
    """Which release, and which attempt at it, a machine is about.

    ``digest`` is the SHA-256 of ``release.yaml``, which holds the digest of every other file: it names the content.
    """

    application: str
    version: str
    digest: str
    attempt: str

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "ReleaseReference":
        """Read what ``to_dict`` wrote."""
        return cls(**{name: str(document[name]) for name in cls.__dataclass_fields__})

    def to_dict(self) -> dict[str, str]:
        """Return what a machine carries."""
        return asdict(self)

    @property
    def thread(self) -> str:
        """The thread of the messages about this attempt: its upload's."""
        return f"{self.application}-{self.attempt}"

    @property
    def prefix(self) -> str:
        """Where the release's files lie in the artifact bucket. The same content lies in the same place."""
        return f"releases/{self.application}/{self.version.replace('+', '-')}/{self.digest[:16]}"

    def member_key(self, path: str) -> str:
        """Return the artifact key of one of the release's own files."""
        return f"{self.prefix}/{path}"

    @property
    def document_key(self) -> str:
        """The artifact key of the accepted release: manifest and registration as they were."""
        return f"attempts/{self.application}/{self.attempt}/release.json"

    def stage_key(self, stage: str, name: str) -> str:
        """Return the artifact key of a document about this attempt in one stage, such as ``plan.json``."""
        return f"attempts/{self.application}/{self.attempt}/{stage}/{name}"

    def deployment_token(self, stage: str, stack: str, generation: int) -> str:
        """Return the client request token under which a stack's n-th change set is executed."""
        unique = f"{self.attempt}-{generation}"
        return client_request_token(self.application, stage, self.version, stack, "deploy", unique)


@dataclass(frozen=True)
class Thread:
    """The messages of one upload, incident or stage: their keys in the order of their numbers, and those told."""

    keys: tuple[str, ...]
    told: frozenset[str]

    def number_of(self, key: str) -> int:
        """Return a message's number in its thread, from 1."""
        return self.keys.index(key) + 1


def refusal(release: ReleaseReference, standing: Mapping[str, Any]) -> BelayError:
    """Return why a version cannot be claimed, from the ledger record that stands against it.

    Other content under a version that is deployed or on its way is ``InvalidRelease``; the same content on its way
    already is ``ReleaseSuperseded``.
    """
    name = f"{release.application} {release.version}"
    if standing["digest"] == release.digest and "outcome" not in standing:
        return ReleaseSuperseded(f"{name} is on its way already, in {standing['execution']}")
    where = "was deployed" if "deployed_digest" in standing else "is on its way"
    return InvalidRelease([f"{name} {where} with other content; give what changed a version of its own"])


def asked_attempt(undone: str, target: str, now: str) -> str:
    """Name the attempt of a rollback that a person asks for, by the attempts it leads from and to, and when."""
    return hashlib.sha256(f"{undone}#{target}#{now}".encode()).hexdigest()[:12]


def incident_of(release: ReleaseReference, stage: str) -> str:
    """Return the name of the one incident that a release's failure in a stage can be (at most 80 characters)."""
    return _named(f"{release.application}-{stage}-{release.attempt}")


def pipeline_incident_of(execution: ReleaseReference, stage: str, failure: str) -> str:
    """Return the name of the one incident that a failure of a pipeline's execution can be; a retried one fails anew."""
    digest = hashlib.sha256(failure.encode()).hexdigest()[:6]
    return _named(f"{execution.application}-{stage}-{execution.attempt}-{digest}")


def foreign_incident_of(stack_id: str, token: str, operation: str) -> str:
    """Return the name of the one incident that somebody else's failed stack operation can be."""
    digest = hashlib.sha256(f"{stack_id}#{token}#{operation}".encode()).hexdigest()[:16]
    return _named(f"{stack_id.split('/')[1]}-{digest}")


def _named(name: str) -> str:
    longest = 80
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: longest - 13]}-{digest}"
