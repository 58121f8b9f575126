"""Deletes orphaned copies of databases: they have expired, or the execution that made them has ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import now
from belay.aws.metrics import emit
from belay.control.copies import CopiesEverywhere
from belay.control.places import Places
from belay.errors import CopiesNotDeleted
from belay.home import own_home
from belay.observability import observed
from belay.release.place import Power
from belay.settings import read
from belay.subject.measures import Measured, Metric


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    forecast_executions: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Begin to delete each; return their names. The role can delete copies and nothing else.

    Raises ``CopiesNotDeleted``.
    """
    home, settings = own_home(), read(Settings)
    registered = home.registrations.read()
    everywhere = CopiesEverywhere(Places(home.aws, Power.CLEAN, "copies"), home.aws.executions)
    deleted = everywhere.delete_left(registered, settings.forecast_executions, now())
    emit([Measured(Metric.COPIES_LEFT, len(deleted))])
    everywhere.alone.note_each(registered.faults)
    everywhere.alone.tell(CopiesNotDeleted)
    return {"deleted": deleted}
