"""The findings of the stages' scheduled validations."""

from dataclasses import dataclass

from belay.documents import read, written
from belay.ledger.records import Records, announced
from belay.policy.verdict import Finding


@dataclass(frozen=True)
class StandingFinding:
    """A finding of a stage's validations since ``first_seen``; ``announced`` says whether it was announced."""

    finding: Finding
    first_seen: str
    announced: bool


class FindingRecords(Records):
    """Items ``FINDING#`` of an application."""

    def standing(self, application: str, stage: str) -> dict[str, StandingFinding]:
        """Return the open findings of a stage, by identity; Belay 0.1 kept closed ones too."""
        pk, prefix = _keys(application, stage, "")
        return {
            item["SK"].removeprefix(prefix): StandingFinding(
                read(Finding, item["finding"], "a finding"), item["first_seen"], item.get("announced", False)
            )
            for item in self._table.query(pk, prefix)
            if "closed_at" not in item
        }

    def open(self, application: str, stage: str, identity: str, finding: Finding, now: str) -> None:
        """Record a finding with the time it was first seen; an open one is left unchanged."""
        self._table.update(
            *_keys(application, stage, identity),
            "SET finding = :finding, first_seen = :now REMOVE closed_at, announced",
            "attribute_not_exists(PK) OR attribute_exists(closed_at)",
            {":finding": written(finding), ":now": now},
        )

    def announced(self, application: str, stage: str, identity: str) -> None:
        """Record that a finding was announced."""
        announced(self._table, *_keys(application, stage, identity))

    def close(self, application: str, stage: str, identity: str) -> None:
        """Forget a resolved finding; if it recurs, it is new."""
        self._table.delete(*_keys(application, stage, identity))


def _keys(application: str, stage: str, identity: str) -> tuple[str, str]:
    return f"APPLICATION#{application}", f"FINDING#{stage}#{identity}"
