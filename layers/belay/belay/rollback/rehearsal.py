"""The rehearsal of a rollback: before a stage is changed, what can be checked now of the way back from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Readiness(StrEnum):
    """What a check found, or all of them together."""

    READY = "ready"
    NOT_READY = "not ready"
    NOT_KNOWN = "not known"
    """It could not be checked, which is never ready."""


@dataclass(frozen=True)
class Check:
    """One thing that a rollback would lean on: what was looked at, what was found and why that counts."""

    about: str
    readiness: Readiness
    reason: str

    def in_words(self) -> str:
        """``not ready: alarms: orders-errors does not exist``."""
        return f"{self.readiness}: {self.about}: {self.reason}"


@dataclass(frozen=True)
class Rehearsal:
    """Every check of a stage's way back, made when its change sets existed and nothing had been changed."""

    checks: tuple[Check, ...] = ()

    @property
    def readiness(self) -> Readiness:
        """The worst that was found; what is known to be missing counts more than what is not known."""
        found = {check.readiness for check in self.checks}
        return next(
            (each for each in (Readiness.NOT_READY, Readiness.NOT_KNOWN) if each in found),
            Readiness.READY,
        )

    @property
    def ready(self) -> bool:
        """Whether everything was checked and nothing is missing."""
        return self.readiness is Readiness.READY

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not ready, what is missing first; empty where it is."""
        worst_first = (Readiness.NOT_READY, Readiness.NOT_KNOWN)
        return tuple(
            check.in_words() for readiness in worst_first for check in self.checks if check.readiness is readiness
        )

    def describe(self) -> list[str]:
        """The result for people: one line that sums it up, then a line a reason."""
        checked = ", ".join(dict.fromkeys(check.about for check in self.checks))
        return [f"{_SUMMARY[self.readiness]} Checked: {checked or 'nothing'}.", *self.reasons]

    def to_dict(self) -> dict[str, Any]:
        """The rehearsal as a JSON document; ``readiness`` is in it for whoever reads it without this class."""
        return {"readiness": self.readiness.value, "checks": [vars(check) for check in self.checks]}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Rehearsal":
        """The inverse of ``to_dict``. Raises ``KeyError`` or ``TypeError`` when it was not written by it."""
        return cls(
            tuple(Check(each["about"], Readiness(each["readiness"]), each["reason"]) for each in document["checks"])
        )


_SUMMARY = {
    Readiness.READY: "Rollback ready.",
    Readiness.NOT_READY: "NOT rollback ready.",
    Readiness.NOT_KNOWN: "It is not known whether a rollback would work.",
}


def gathered(about: str, problems: Iterable[str], otherwise: str) -> Check:
    """One check of several things: not ready where there are problems, ready with ``otherwise`` where there is none."""
    found = list(problems)
    if found:
        return Check(about, Readiness.NOT_READY, "; ".join(found))
    return Check(about, Readiness.READY, otherwise)


def refusal(rehearsal: Rehearsal, *, required: bool) -> list[str]:
    """Why a stage that requires a ready rollback may not be changed, a line each; empty where it may."""
    if not required or rehearsal.ready:
        return []
    return ["the registration requires a ready rollback (require_rollback_ready)", *rehearsal.reasons]
