"""Taking a stage's lock for a release or for its incident, or joining the queue."""

from belay.aws.clock import lease, timestamp
from belay.aws.stepfunctions import Executions
from belay.control.stage import LEASE_SECONDS
from belay.errors import IncidentEnded, LockLost, ReleaseSuperseded
from belay.ledger.ledger import Ledger
from belay.release.attempt import Superseded
from belay.release.lock import Claim, LockDecision, Waiter, decide, superseded_by


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

        A recovery takes its turn regardless of the queue. Raises ``LockLost``, and ``ReleaseSuperseded`` if a newer
        release is waiting too, or has taken this one's turn.
        """
        seen = self._ledger.locks.get(claim.application, claim.stage)
        owner_runs = seen is not None and self._executions.running(seen.execution, seen.held_since)
        decision = decide(claim, seen, now=lease(0), owner_runs=owner_runs)
        if decision is LockDecision.MINE and seen is not None:
            return seen.fencing
        if decision is LockDecision.LOST:
            raise LockLost(
                f"{claim.application} {claim.label} is being recovered in {claim.stage}; its deployment was stopped"
            )
        self._refuse_superseded(claim)
        fencing = None
        if decision is LockDecision.TAKE:
            fencing = self._ledger.locks.acquire(claim, expires_at=lease(LEASE_SECONDS), seen=seen, now=timestamp())
        if fencing is None:
            self._ledger.locks.wait(claim, seen_at=lease(0))
        else:
            self._ledger.locks.leave_queue(claim)
        return fencing

    def holder(self, claim: Claim) -> str:
        """Describe the holder of the lock that a claim is on."""
        lock = self._ledger.locks.get(claim.application, claim.stage)
        if lock is None or not lock.held:
            return f"the lock of {claim.stage} is free"
        why = f" for the incident {lock.incident}" if lock.incident else ""
        return f"{lock.label} has the lock of {claim.stage}{why} since {lock.held_since}, in {lock.execution}"

    def _refuse_superseded(self, claim: Claim) -> None:
        """Leave the queue if a newer release waits, even if the lock may be free: the order of requests must not
        matter.

        Raises ``ReleaseSuperseded``.
        """
        if claim.incident is not None:
            return
        waiting = [each for each in self._ledger.locks.queue(claim) if self._waits(each)]
        newer = superseded_by(claim, waiting, now=lease(0))
        attempt = self._ledger.attempts.of_id(claim.application, claim.attempt)
        superseded = Superseded(claim.stage, newer) if newer else attempt and attempt.superseded_in(claim.stage)
        if superseded:
            self._ledger.locks.leave_queue(claim)
            raise ReleaseSuperseded(superseded.why(claim.label))

    def _waits(self, waiter: Waiter) -> bool:
        """Whether a waiter's execution may still be running: a stopped one does not leave the queue."""
        attempt = self._ledger.attempts.of_id(waiter.application, waiter.attempt)
        return attempt is None or attempt.waits_in(waiter.stage)
