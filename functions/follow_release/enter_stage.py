"""Takes the place that a stage has for plans, while nobody deploys or recovers there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import timestamp
from belay.aws.gateways import own_aws
from belay.control.dry_runs import DryRuns
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.dry_run import DryRun
from belay.release.records import ReleaseReference
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return whether the plan has the stage now; if not, the ``holder`` who has it and how long to wait."""
    settings, aws = read(Settings), own_aws()
    release = ReleaseReference.from_dict(event["release"])
    wanted = DryRun(release, event["stage"], event["execution"], timestamp())
    holder = DryRuns(Ledger(aws.table(settings.ledger_table)), aws.executions).enter(wanted)
    return {"entered": not holder, "holder": holder, "wait_seconds": settings.poll_seconds}
