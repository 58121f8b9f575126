"""Taking a stage's lock for a release or for its incident, or standing in the queue."""

from belay.aws.clock import lease, timestamp
from belay.aws.stepfunctions import Executions
from belay.control.stage import LEASE_SECONDS
from belay.errors import IncidentEnded, LockLost, ReleaseSuperseded
from belay.ledger.ledger import Ledger
from belay.release.lock import Claim, Decision, decide, superseded_by


class StageLocks:
    """Decides from the ledger, and from whether the owner's execution still runs, whose turn it is."""

    def __init__(self, ledger: Ledger, executions: Executions) -> None:
        self._ledger = ledger
        self._executions = executions

    def take(self, claim: Claim, stage: str) -> int | None:
        """Return the fencing token, or None where somebody else works under the lock: the claim waits then.

        Raises ``IncidentEnded``, ``LockLost``, and ``ReleaseSuperseded`` where a newer release waits too.
        """
        self._refuse_ended(claim)
        fencing = self._acquire(claim, stage)
        if fencing is None:
            self._wait(claim, stage)
        return fencing

    def _refuse_ended(self, claim: Claim) -> None:
        """Raise ``IncidentEnded`` where nothing is left to recover: a newer release may stand on the stage by now."""
        if claim.incident is not None:
            record = self._ledger.incidents.get(claim.release.application, claim.incident)
            if record is None or record.get("announced"):
                raise IncidentEnded(f"the incident {claim.incident} has ended")

    def _acquire(self, claim: Claim, stage: str) -> int | None:
        release = claim.release
        seen = self._ledger.locks.get(release.application, stage)
        owner_runs = seen is not None and self._executions.running(seen["execution"])
        decision = decide(claim, seen, now=lease(0), owner_runs=owner_runs)
        if decision is Decision.MINE and seen is not None:
            return int(seen["fencing"])
        if decision is Decision.LOST:
            raise LockLost(
                f"{release.application} {release.version} is being recovered in {stage}; its deployment stops"
            )
        if decision is Decision.WAIT:
            return None
        fencing = self._ledger.locks.acquire(
            release,
            stage,
            execution=claim.execution,
            incident=claim.incident,
            expires_at=lease(LEASE_SECONDS),
            seen=seen,
            now=timestamp(),
        )
        if fencing is not None:
            self._ledger.locks.leave_queue(release, stage)
        return fencing

    def _wait(self, claim: Claim, stage: str) -> None:
        """Stand in the queue; a recovery waits on whoever else stands there."""
        queue = self._ledger.locks.wait(claim.release, stage, seen_at=lease(0))
        newer = superseded_by(claim.release, queue, now=lease(0))
        if newer and claim.incident is None:
            self._ledger.locks.leave_queue(claim.release, stage)
            raise ReleaseSuperseded(
                f"{newer} waits for {stage} too and is newer: only the newest in the queue is deployed"
            )
