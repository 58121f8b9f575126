"""What stages ask of people before they change anything, and what people answered, as it is kept."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from belay.approval.seal import Seal
from belay.release.records import ReleaseReference

Word: TypeAlias = Literal["approve", "reject", "override"]


@dataclass(frozen=True)
class GivenAnswer:
    """What a person decided: ``by`` is an ARN, ``seal`` the digest of what was approved."""

    word: Word
    by: str
    at: str
    comment: str = ""
    principal_id: str = ""
    seal: str = ""

    @property
    def in_words(self) -> str:
        """Who answered what, and why."""
        said = {"approve": "approved", "reject": "rejected", "override": "let through"}[self.word]
        return f"{said} by {self.by}" + (f": {self.comment}" if self.comment else "")

    def repeats(self, standing: "GivenAnswer | None") -> bool:
        """Whether the same person says the same once more, maybe because the answer to the first time was lost."""
        return standing is not None and (standing.word, standing.by) == (self.word, self.by)

    def to_dict(self) -> dict[str, str]:
        """Return what whoever decided is answered, and what is kept."""
        kept = {"decision": self.word, **asdict(self)}
        del kept["word"]
        return kept if self.seal else {name: value for name, value in kept.items() if name != "seal"}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "GivenAnswer":
        """Read what ``to_dict`` wrote."""
        known = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
        return cls(document["decision"], **known)


@dataclass(frozen=True)
class AskedApproval:
    """What one attempt at a release asks in a stage; ``digest`` is the seal's, the task token is the answer's alone."""

    stage: str
    attempt: str
    task_token: str
    requested_at: str
    expires_at: str
    four_eyes: bool
    digest: str
    seal: Seal
    answer: GivenAnswer | None = None


@dataclass(frozen=True)
class AwaitedApproval:
    """An approval that is waited for, or whose answer may not have arrived."""

    release: ReleaseReference
    stage: str
    asked_at: str
    expires_at: str
    reminded_at: str | None = None


@dataclass(frozen=True)
class Hold:
    """An attempt at a release that is held outside of a stage's windows."""

    stage: str
    attempt: str
    task_token: str
    reason: str
    until: str
    at: str


@dataclass(frozen=True)
class Override:
    """A person lets an attempt at a release go on outside of a stage's windows."""

    attempt: str
    answer: GivenAnswer
