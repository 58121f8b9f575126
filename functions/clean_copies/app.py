"""Deletes copies of databases that were left: their time is up, or the execution that made them has ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import now
from belay.aws.gateways import own_aws
from belay.aws.metrics import emit
from belay.control.copies import CopiesEverywhere
from belay.control.places import Places
from belay.control.registrations import Registrations
from belay.errors import CopiesNotDeleted
from belay.observability import observed
from belay.release.place import Power
from belay.settings import read
from belay.subject.measures import Measured, Metric


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    artifact_bucket: str
    forecast_executions: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Begin to delete each; return their names. Its role can delete copies and nothing else.

    Raises ``CopiesNotDeleted``.
    """
    settings, aws = read(Settings), own_aws()
    registered = Registrations(aws.parameters, aws.artifacts(settings.artifact_bucket)).read()
    everywhere = CopiesEverywhere(Places(aws, Power.CLEAN, "copies"), aws.executions)
    deleted, problems = everywhere.delete_left(registered, settings.forecast_executions, now())
    emit([Measured(Metric.COPIES_LEFT, len(deleted))])
    if problems:
        raise CopiesNotDeleted(problems)
    return {"deleted": deleted}
