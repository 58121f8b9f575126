"""Shared by every function: Belay's own account and region, and Belay's stored data."""

from dataclasses import dataclass
from functools import cached_property

from belay.aws.gateways import Aws, own_aws
from belay.aws.s3 import ArtifactBucket
from belay.control.registrations import Registrations
from belay.ledger.ledger import Ledger
from belay.settings import read


@dataclass(frozen=True)
class HomeSettings:
    """Environment variables of every function."""

    ledger_table: str
    artifact_bucket: str
    poll_seconds: int


class Home:
    """Belay's own account and region; its ledger, documents and registrations are opened on first use.

    ``poll_seconds`` is how long a state machine waits before it repeats a step that is not done.
    """

    def __init__(self, aws: Aws, settings: HomeSettings) -> None:
        self.aws = aws
        self.poll_seconds = settings.poll_seconds
        self._settings = settings

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger."""
        return Ledger(self.aws.table(self._settings.ledger_table))

    @cached_property
    def artifacts(self) -> ArtifactBucket:
        """The bucket of Belay's documents and of accepted releases' files."""
        return self.aws.artifacts(self._settings.artifact_bucket)

    @property
    def registrations(self) -> Registrations:
        """The operators' registrations."""
        return Registrations(self.aws.parameters, self.artifacts)


def own_home() -> Home:
    """Return Belay's own account and region from the environment. Raises ``MissingSettings``."""
    return Home(own_aws(), read(HomeSettings))
