"""Deletes releases' snapshots that are no longer needed, and stays below the account's quota."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.control.places import Places
from belay.control.retention import SnapshotsEverywhere
from belay.errors import SnapshotsNotCleaned
from belay.home import own_home
from belay.observability import observed
from belay.release.place import Power
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    keep_snapshots: int
    clean_snapshots_dry: str
    snapshot_executions: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Clean up, or only report what would be done if the template or the event says ``dry_run``.

    Raises ``SnapshotsNotCleaned``.
    """
    home, settings = own_home(), read(Settings)
    dry_run = settings.clean_snapshots_dry == "true" or event.get("dry_run") is True
    registered = home.registrations.read()
    ledger, keep = home.ledger, settings.keep_snapshots
    everywhere = SnapshotsEverywhere(ledger, Places(home.aws, Power.CLEAN, "cleanup"))
    report = everywhere.clean(registered, settings.snapshot_executions, keep, dry_run=dry_run)
    everywhere.alone.note_each(registered.faults)
    everywhere.alone.tell(SnapshotsNotCleaned)
    return {"dry_run": dry_run, **report}
