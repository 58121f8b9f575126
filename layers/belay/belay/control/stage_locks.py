"""Taking a stage's lock for a release or for its incident, or joining the queue."""

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

    def claim_for(self, application: str, incident: str, execution: str) -> Claim:
        """Return the claim of an incident's recovery.

        Raises ``IncidentEnded`` if nothing is left to recover: a newer release may be deployed by now.
        """
        record = self._ledger.incidents.get(application, incident)
        if record is None or record.announced:
            raise IncidentEnded(f"the incident {incident} has ended")
        subject = record.incident.subject
        return Claim(application, subject.stage, subject.attempt, subject.label, execution, incident)

    def take(self, claim: Claim) -> int | None:
        """Return the fencing token, or None while another holder works under the lock.

        Raises ``LockLost``, and ``ReleaseSuperseded`` if a newer release is waiting too.
        """
        fencing = self._acquire(claim)
        if fencing is None:
            self._wait(claim)
        return fencing

    def _acquire(self, claim: Claim) -> int | None:
        seen = self._ledger.locks.get(claim.application, claim.stage)
        owner_runs = seen is not None and self._executions.running(seen.execution)
        decision = decide(claim, seen, now=lease(0), owner_runs=owner_runs)
        if decision is Decision.MINE and seen is not None:
            return seen.fencing
        if decision is Decision.LOST:
            raise LockLost(
                f"{claim.application} {claim.label} is being recovered in {claim.stage}; its deployment stops"
            )
        if decision is Decision.WAIT:
            return None
        fencing = self._ledger.locks.acquire(claim, expires_at=lease(LEASE_SECONDS), seen=seen, now=timestamp())
        if fencing is not None:
            self._ledger.locks.leave_queue(claim)
        return fencing

    def _wait(self, claim: Claim) -> None:
        """Join the queue; a recovery keeps waiting, whoever else is in it."""
        newer = superseded_by(claim, self._ledger.locks.wait(claim, seen_at=lease(0)), now=lease(0))
        if newer:
            self._ledger.locks.leave_queue(claim)
            raise ReleaseSuperseded(
                f"{newer} waits for {claim.stage} too and is newer: only the newest in the queue is deployed"
            )
