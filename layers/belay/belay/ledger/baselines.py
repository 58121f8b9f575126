"""The stacks of a stage as they were before an attempt."""

from collections.abc import Mapping
from typing import Any

from belay.aws.dynamodb import Item, Table
from belay.release.records import ReleaseReference


class BaselineRecords:
    """Items ``BASELINE#`` of a release."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def record(self, release: ReleaseReference, stage: str, stack: str, baseline: Mapping[str, Any]) -> None:
        """Keep a stack as it was before this attempt; what was captured first stands."""
        self._table.update(
            f"RELEASE#{release.application}#{release.version}",
            f"BASELINE#{stage}#{release.attempt}#{stack}",
            "SET baseline = :baseline",
            "attribute_not_exists(PK)",
            {":baseline": dict(baseline)},
        )

    def of_attempt(self, release: ReleaseReference, stage: str) -> dict[str, Item]:
        """Return the captured baselines of this attempt by stack."""
        prefix = f"BASELINE#{stage}#{release.attempt}#"
        items = self._table.query(f"RELEASE#{release.application}#{release.version}", prefix)
        return {str(item["SK"])[len(prefix) :]: item["baseline"] for item in items}
