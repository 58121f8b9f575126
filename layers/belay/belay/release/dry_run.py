"""A dry run of a release in one stage: what it would change, shown and then withdrawn."""

from dataclasses import dataclass

from belay.release.records import ReleaseReference


@dataclass(frozen=True)
class DryRun:
    """A release being planned in a stage by an execution (an ARN), ``since`` a time (ISO 8601 in UTC)."""

    release: ReleaseReference
    stage: str
    execution: str
    since: str

    @property
    def in_words(self) -> str:
        """What is being planned there, and since when."""
        return f"a plan of {self.release.version} is made in {self.stage} since {self.since}, in {self.execution}"
