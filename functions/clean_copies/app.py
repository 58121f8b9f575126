"""Deletes copies of databases that were left: their time is up, or the execution that made them has ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import now
from belay.aws.gateways import own_aws
from belay.aws.metrics import emit
from belay.control.copies import Copies
from belay.observability import observed
from belay.settings import read
from belay.subject.measures import Measured, Metric


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    forecast_executions: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Begin to delete each; return their names. Its role can delete copies and nothing else."""
    settings, aws = read(Settings), own_aws()
    deleted = Copies(aws.database_copies).delete_left(settings.forecast_executions, aws.executions, now())
    emit([Measured(Metric.COPIES_LEFT, len(deleted))])
    return {"deleted": deleted}
