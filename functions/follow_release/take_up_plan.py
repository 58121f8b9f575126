"""Takes up a plan whose execution has ended, to delete what it left."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.dry_runs import DryRuns
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the ``release`` that was planned in the stage; none if nothing is left, or its execution still runs."""
    settings, aws = read(Settings), own_aws()
    runs = DryRuns(Ledger(aws.table(settings.ledger_table)), aws.executions)
    left = runs.take_up(event["application"], event["stage"], event["execution"])
    return {"release": None if left is None else left.release.to_dict()}
