"""Gives back the place that a stage has for plans: nothing is left of this one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Leave the stage, unless another execution has it by now."""
    settings = read(Settings)
    ledger = Ledger(own_aws().table(settings.ledger_table))
    ledger.dry_runs.leave(event["release"]["application"], event["stage"], event["execution"])
    return {}
