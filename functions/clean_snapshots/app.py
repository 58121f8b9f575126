"""Deletes releases' snapshots that are no longer needed, and keeps clear of the account's quota."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.places import Places
from belay.control.registrations import Registrations
from belay.control.retention import SnapshotsEverywhere
from belay.errors import SnapshotsNotCleaned
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.place import Power
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    keep_snapshots: int
    clean_snapshots_dry: str
    snapshot_executions: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Clean up, or only report what would be done if the template or the event says ``dry_run``.

    Raises ``SnapshotsNotCleaned``.
    """
    settings, aws = read(Settings), own_aws()
    dry_run = settings.clean_snapshots_dry == "true" or event.get("dry_run") is True
    registered = Registrations(aws.parameters, aws.artifacts(settings.artifact_bucket)).read()
    ledger, keep = Ledger(aws.table(settings.ledger_table)), settings.keep_snapshots
    everywhere = SnapshotsEverywhere(ledger, Places(aws, Power.CLEAN, "cleanup"))
    report, problems = everywhere.clean(registered, settings.snapshot_executions, keep, dry_run=dry_run)
    if problems:
        raise SnapshotsNotCleaned(problems)
    return {"dry_run": dry_run, **report}
