"""Takes a stage's lock for a release or for its incident, or stands in the queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.clock import lease, timestamp
from belay.aws.stepfunctions import Executions
from belay.control.stage import LEASE_SECONDS
from belay.errors import IncidentEnded, LockLost, ReleaseSuperseded
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.lock import Claim, Decision, decide, superseded_by
from belay.release.records import ReleaseReference
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    poll_seconds: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Acquire the lock with a new fencing token, or say how long to wait; raises ``ReleaseSuperseded``."""
    settings = read(Settings)
    ledger = Ledger(client("dynamodb"), settings.ledger_table)
    claim = Claim(ReleaseReference.from_dict(event["release"]), event["execution"], event["incident"])
    refuse_ended(ledger, claim)
    fencing = acquire(ledger, claim, event["stage"])
    if fencing is None:
        wait(ledger, claim, event["stage"])
    return {"acquired": fencing is not None, "fencing": fencing, "wait_seconds": settings.poll_seconds}


def refuse_ended(ledger: Ledger, claim: Claim) -> None:
    """Raise ``IncidentEnded`` where nothing is left to recover: a newer release may stand on the stage by now."""
    if claim.incident is not None:
        record = ledger.incidents.get(claim.release.application, claim.incident)
        if record is None or record.get("announced"):
            raise IncidentEnded(f"the incident {claim.incident} has ended")


def acquire(ledger: Ledger, claim: Claim, stage: str) -> int | None:
    """Return the fencing token, or None where somebody else works under the lock. Raises ``LockLost``."""
    release = claim.release
    seen = ledger.locks.get(release.application, stage)
    owner_runs = seen is not None and Executions(client("stepfunctions")).running(seen["execution"])
    decision = decide(claim, seen, now=lease(0), owner_runs=owner_runs)
    if decision is Decision.MINE and seen is not None:
        return int(seen["fencing"])
    if decision is Decision.LOST:
        raise LockLost(f"{release.application} {release.version} is being recovered in {stage}; its deployment stops")
    if decision is Decision.WAIT:
        return None
    fencing = ledger.locks.acquire(
        release,
        stage,
        execution=claim.execution,
        incident=claim.incident,
        expires_at=lease(LEASE_SECONDS),
        seen=seen,
        now=timestamp(),
    )
    if fencing is not None:
        ledger.locks.leave_queue(release, stage)
    return fencing


def wait(ledger: Ledger, claim: Claim, stage: str) -> None:
    """Stand in the queue. Raises ``ReleaseSuperseded`` where a newer release stands there too; a recovery waits on."""
    queue = ledger.locks.wait(claim.release, stage, seen_at=lease(0))
    newer = superseded_by(claim.release, queue, now=lease(0))
    if newer and claim.incident is None:
        ledger.locks.leave_queue(claim.release, stage)
        raise ReleaseSuperseded(f"{newer} waits for {stage} too and is newer: only the newest in the queue is deployed")
