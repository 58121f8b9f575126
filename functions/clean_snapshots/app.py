"""Deletes releases' snapshots that are no longer needed, and keeps clear of the account's quota."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.retention import SnapshotRetention
from belay.errors import SnapshotsNotCleaned
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
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
    retention = SnapshotRetention(Ledger(aws.table(settings.ledger_table)), aws.databases)
    report, problems = retention.clean(settings.snapshot_executions, settings.keep_snapshots, dry_run=dry_run)
    if problems:
        raise SnapshotsNotCleaned(problems)
    return {"dry_run": dry_run, **report}
