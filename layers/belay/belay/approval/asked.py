"""Stored approvals: what a stage asks before it changes anything, and the answers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias

from belay.approval.seal import Seal
from belay.release.records import ReleaseReference

Word: TypeAlias = Literal["approve", "reject", "override", "acknowledge", "close"]

SAID: Final[Mapping[Word, str]] = {
    "approve": "approved",
    "reject": "rejected",
    "override": "let through",
    "acknowledge": "acknowledged",
    "close": "closed",
}
"""What was done with what a decision is about."""


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
        """The answer in words: who, what and why."""
        return f"{SAID[self.word]} by {self.by}" + (f": {self.comment}" if self.comment else "")

    def repeats(self, standing: "GivenAnswer | None") -> bool:
        """Whether the same person repeats the same answer, maybe because the first response was lost."""
        return standing is not None and (standing.word, standing.by) == (self.word, self.by)

    def to_dict(self) -> dict[str, str]:
        """Return the response to the decision, which is also stored."""
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
    """One attempt's request in a stage; ``digest`` is the seal's, the task token is used only for the answer."""

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
    """An approval that is pending, or whose answer may not have been delivered."""

    release: ReleaseReference
    stage: str
    asked_at: str
    expires_at: str
    reminded_at: str | None = None


@dataclass(frozen=True)
class Hold:
    """An attempt that is held outside a stage's windows."""

    stage: str
    attempt: str
    task_token: str
    reason: str
    until: str
    at: str
