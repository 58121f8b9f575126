"""Takes a stage's lock for a release or for its incident, or joins the queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.stage_locks import StageLocks
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.lock import Claim
from belay.release.records import ReleaseReference
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Acquire the lock with a new fencing token, or say who has it and how long to wait.

    Raises ``IncidentEnded``, ``LockLost`` and ``ReleaseSuperseded``.
    """
    settings, aws = read(Settings), own_aws()
    locks = StageLocks(Ledger(aws.table(settings.ledger_table)), aws.executions)
    execution = event["execution"]
    if event["incident"] is None:
        claim = Claim.of_release(ReleaseReference.from_dict(event["release"]), event["stage"], execution)
    else:
        claim = locks.claim_for(event["application"], event["incident"], execution)
    fencing = locks.take(claim)
    return {
        "acquired": fencing is not None,
        "fencing": fencing,
        "holder": locks.holder(claim),
        "wait_seconds": settings.poll_seconds,
    }
