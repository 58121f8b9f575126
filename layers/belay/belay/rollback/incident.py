"""One failure, from whoever saw it first to its end."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from belay.release.ledger import ReleaseReference


@dataclass(frozen=True)
class Incident:
    """A failed release in one stage, or a registered stack that failed under somebody else's hands.

    ``stack``, ``stack_id`` and ``token`` name the one stack and operation of a foreign failure; a release's incident is
    about all the stacks of its stage. The registration's settings are kept as they were when the incident was opened.
    """

    name: str
    release: ReleaseReference
    stage: str
    reason: str
    service_role: str
    topic: str | None = None
    recover_foreign: bool = False
    ephemeral: bool = False
    stack: str | None = None
    stack_id: str | None = None
    token: str | None = None

    @property
    def foreign(self) -> bool:
        """Whether the failed operation was not Belay's own."""
        return self.stack_id is not None

    def to_dict(self) -> dict[str, Any]:
        """Return what the ledger keeps."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Incident":
        """Read what ``to_dict`` wrote."""
        return cls(**{**document, "release": ReleaseReference.from_dict(document["release"])})
