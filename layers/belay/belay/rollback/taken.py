"""The steps that a recovery has taken."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from belay.rollback.plan import Action, Kind, lasting


@dataclass(frozen=True)
class StepTaken:
    """A step begun at ``at``; ``seconds`` is its duration, once it is over.

    ``stack_id`` and ``token`` show whether CloudFormation has begun the operation.
    """

    action: Action
    kind: Kind
    subject: str
    why: str
    at: str
    seconds: int | None = None
    stack_id: str | None = None
    token: str | None = None

    @property
    def in_words(self) -> str:
        """What was done, and how long it took."""
        return f"{self.subject}: {self.why}" + ("" if self.seconds is None else f" ({lasting(self.seconds)})")

    def to_dict(self) -> dict[str, Any]:
        """Return what ``from_dict`` reads, without unknown values."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "StepTaken":
        """Read what ``to_dict`` wrote."""
        return cls(**{**document, "action": Action(document["action"]), "kind": Kind(document["kind"])})
