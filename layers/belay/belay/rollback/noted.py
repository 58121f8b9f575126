"""What a recovery records about a subject from one step to the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from belay.documents import read, written
from belay.release.verification import Verification
from belay.stack.trace import UnprovedResource

NOT_RESTARTED: Final = ""
"""No restart of the service was started."""


@dataclass(frozen=True)
class Noted:
    """The facts about one subject, recorded by the steps of its kind; defaults mean not recorded.

    For a stack: ``endangered`` are the resources with data that a rollback would delete or replace, ``unproved`` those
    whose recovery has no evidence. For a cluster: ``members`` maps its instances to their resource ids. For a service:
    ``restarted_from`` is the deployment that a restart replaces, None if there was none, and ``restarted`` its
    successor; ``stopped_from`` the number of tasks and ``scaled_by`` the suspended activities before it was stopped.
    For a stage: its ``verification`` so far.
    """

    endangered: tuple[str, ...] = ()
    unproved: tuple[UnprovedResource, ...] = ()
    members: Mapping[str, str] | None = None
    restarted_from: str | None = NOT_RESTARTED
    restarted: str | None = None
    stopped_from: int | None = None
    scaled_by: Mapping[str, bool] | None = None
    verification: Verification | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return written(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Noted":
        """Read what ``to_dict`` wrote. Raises ``UnreadableRecord``."""
        return read(cls, document, "an incident's facts", _verification_apart)


def _verification_apart(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Belay 0.1 stored a stage's verification as the facts themselves."""
    if "since" not in document:
        return document
    return {"verification": Verification.from_dict(document).to_dict()}
