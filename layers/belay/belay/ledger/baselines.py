"""Baselines: the stacks of a stage before a deployment."""

from belay.ledger.records import Records
from belay.release.origin import Origin
from belay.stack.baseline import Baseline


class BaselineRecords(Records):
    """Items ``BASELINE#`` of a release, or of a pipeline's execution."""

    def record(self, origin: Origin, stage: str, stack: str, baseline: Baseline) -> None:
        """Store a stack's baseline; the first capture is kept."""
        self._table.update(
            f"RELEASE#{origin.application}#{origin.name}",
            f"BASELINE#{stage}#{origin.attempt}#{stack}",
            "SET baseline = :baseline",
            "attribute_not_exists(PK)",
            {":baseline": baseline.to_dict()},
        )

    def of(self, origin: Origin, stage: str) -> dict[str, Baseline]:
        """Return the baselines by stack."""
        prefix = f"BASELINE#{stage}#{origin.attempt}#"
        items = self._table.query(f"RELEASE#{origin.application}#{origin.name}", prefix)
        return {str(item["SK"]).removeprefix(prefix): Baseline.from_dict(item["baseline"]) for item in items}
