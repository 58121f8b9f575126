"""Takes the turn of every older release that still waits for an answer, a window or the lock of the same stage."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.stage import StageContext
from belay.control.superseding import Superseding
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the versions that are superseded: each ends now. Raises ``ReleaseSuperseded`` if this one is."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    run.refuse_superseded()
    return {"superseded": Superseding(ledger, artifacts, aws.executions).arrive(run.release, run.stage.name)}
