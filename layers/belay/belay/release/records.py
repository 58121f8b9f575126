"""The small records that state machines pass on, and their keys in the ledger.

Larger documents are in the artifact bucket; state machines pass on a ``ReleaseReference``.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from belay.release.origin import PLANS, Origin, attempt_of, is_plan

LONGEST_IN_KEY = 800


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
        """The sort-key part that names this upload; its digest where the key exceeds DynamoDB's 1,024 bytes."""
        fits = len(self.key.encode()) <= LONGEST_IN_KEY
        return f"{self.key if fits else hashlib.sha256(self.key.encode()).hexdigest()}#{self.version_id}"

    @property
    def file(self) -> str:
        """The name of the file that was uploaded."""
        return self.key.rsplit("/", 1)[-1]

    @property
    def attempt(self) -> str:
        """Twelve hexadecimal digits that name this upload where AWS limits the length; a plan's after ``plan-``."""
        digits = hashlib.sha256(f"{self.bucket}/{self.identity}".encode()).hexdigest()[:12]
        return attempt_of(digits, plan=self.key.startswith(PLANS))

    @property
    def thread(self) -> str:
        """The thread of the messages about this upload and the release that it becomes."""
        return f"{self.application}-{self.attempt}"


def upload_of(application: str, bucket: str, key: str, version_id: str | None, size: int) -> Upload:
    """Name an upload; in a bucket without versioning (never Belay's own) S3's version is ``null``."""
    return Upload(application, bucket, key, version_id or "null", size)


@dataclass(frozen=True)
class ReleaseReference:
    """The release and the attempt that a state machine works on.

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
        """Return what a state machine passes on."""
        return asdict(self)

    @property
    def thread(self) -> str:
        """The thread of the messages about this attempt: its upload's."""
        return self.origin.thread

    @property
    def is_plan(self) -> bool:
        """Whether this is a dry run, of which the ledger records nothing."""
        return is_plan(self.attempt)

    @property
    def origin(self) -> Origin:
        """The key to everything that is needed to roll this attempt back."""
        return Origin(self.application, self.version, self.attempt)

    @property
    def prefix(self) -> str:
        """The prefix of the release's files in the artifact bucket. The same content has the same prefix."""
        return f"releases/{self.application}/{self.version.replace('+', '-')}/{self.digest[:16]}"

    def member_key(self, path: str) -> str:
        """Return the artifact key of one of the release's own files."""
        return f"{self.prefix}/{path}"

    @property
    def document_key(self) -> str:
        """The artifact key of the accepted release: manifest and registration as they were."""
        return self.origin.document_key

    def stage_key(self, stage: str, name: str) -> str:
        """Return the artifact key of a document about this attempt in one stage, such as ``plan.json``."""
        return self.origin.stage_key(stage, name)
