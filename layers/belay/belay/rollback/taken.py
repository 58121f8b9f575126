"""The steps that a recovery has taken."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from belay.documents import read
from belay.rollback.plan import Action, Kind, lasting


@dataclass(frozen=True)
class StepTaken:
    """A step begun at ``at``; ``seconds`` is its duration, once it is over.

    ``stack_id`` and ``token`` show whether CloudFormation has begun the operation; ``refused``: it did not accept it.
    """

    action: Action
    kind: Kind
    subject: str
    why: str
    at: str
    seconds: int | None = None
    stack_id: str | None = None
    token: str | None = None
    refused: bool = False

    @property
    def in_words(self) -> str:
        """What was done, and how long it took."""
        return f"{self.subject}: {self.why}" + ("" if self.seconds is None else f" ({lasting(self.seconds)})")

    def to_dict(self) -> dict[str, Any]:
        """Return what ``from_dict`` reads, without unknown values."""
        return {name: value for name, value in asdict(self).items() if value is not None and value is not False}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "StepTaken":
        """Read what ``to_dict`` wrote. Raises ``UnreadableRecord``."""
        return read(cls, document, "a step")


REFUSALS_PER_TRY = 5
"""How many refused calls count as one try: premature ones are retried, but not forever."""


def times_tried(taken: Iterable[StepTaken]) -> Counter[tuple[Action, str]]:
    """Count how often each action was tried on each subject."""
    steps = [*taken]
    refused = Counter((each.action, each.subject) for each in steps if each.refused)
    accepted = Counter((each.action, each.subject) for each in steps if not each.refused)
    return accepted + Counter({each: times // REFUSALS_PER_TRY for each, times in refused.items()})
