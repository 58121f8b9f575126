"""The findings of the stages' scheduled validations."""

from collections.abc import Mapping
from typing import Any

from belay.aws.dynamodb import Item, Table
from belay.ledger.ends import announced


class FindingRecords:
    """Items ``FINDING#`` of an application."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def standing(self, application: str, stage: str) -> dict[str, Item]:
        """Return the findings of a stage that are known and not closed, by identity."""
        prefix = f"FINDING#{stage}#"
        items = self._table.query(f"APPLICATION#{application}", prefix)
        return {str(item["SK"]).removeprefix(prefix): item for item in items if "closed_at" not in item}

    def open(self, application: str, stage: str, identity: str, finding: Mapping[str, Any], now: str) -> None:
        """Record a finding with the time it was first seen; one that is open already stays as it is."""
        self._table.update(
            f"APPLICATION#{application}",
            f"FINDING#{stage}#{identity}",
            "SET finding = :finding, first_seen = :now REMOVE closed_at, announced",
            "attribute_not_exists(PK) OR attribute_exists(closed_at)",
            {":finding": dict(finding), ":now": now},
        )

    def announced(self, application: str, stage: str, identity: str) -> None:
        """Record that a finding was told."""
        announced(self._table, f"APPLICATION#{application}", f"FINDING#{stage}#{identity}")

    def close(self, application: str, stage: str, identity: str, now: str) -> None:
        """Record that a finding has gone; should it come back, it is new."""
        self._table.update(
            f"APPLICATION#{application}",
            f"FINDING#{stage}#{identity}",
            "SET closed_at = :now",
            "attribute_exists(PK)",
            {":now": now},
        )
