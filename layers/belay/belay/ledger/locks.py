"""The lock of each stage, and its queue."""

from typing import Final

from belay.aws.dynamodb import Item
from belay.errors import LockLost
from belay.ledger.records import Records, is_current, read_each
from belay.release.lock import Claim, Lock, Waiter

_DIED_LONG_AGO_SECONDS: Final = 86_400


class LockRecords(Records):
    """Items of the partition ``LOCK``."""

    def get(self, application: str, stage: str) -> Lock | None:
        """Return a stage's lock; None if it was never held."""
        item = self._table.get("LOCK", f"{application}#{stage}")
        return None if item is None else _lock(item)

    def free(self, application: str, stage: str) -> int | None:
        """Return the fencing token of a free lock, 0 if it was never held; None while it is held."""
        lock = self.get(application, stage)
        if lock is None:
            return 0
        return None if lock.held else lock.fencing

    def acquire(self, claim: Claim, *, expires_at: int, seen: Lock | None, now: str) -> int | None:
        """Take the lock if it is as last ``seen``. Returns its new fencing token, or None if it has changed."""
        token = 1 if seen is None else seen.fencing + 1
        values: Item = {
            ":owner": claim.attempt,
            ":version": claim.label,
            ":execution": claim.execution,
            ":incident": claim.incident or "",
            ":expires": expires_at,
            ":fencing": token,
            ":now": now,
            ":held": True,
        }
        taken = self._table.update(
            "LOCK",
            f"{claim.application}#{claim.stage}",
            "SET #owner = :owner, version = :version, execution = :execution, incident = :incident, "
            "expires_at = :expires, fencing = :fencing, held = :held, held_since = :now",
            "attribute_not_exists(PK)" if seen is None else "fencing = :seen",
            values if seen is None else {**values, ":seen": seen.fencing},
            names={"#owner": "owner"},
        )
        return token if taken else None

    def check(self, application: str, stage: str, fencing: int, expires_at: int) -> None:
        """Make sure that the lock is still held, and extend it. Raises ``LockLost``."""
        if not self._table.update(
            "LOCK",
            f"{application}#{stage}",
            "SET expires_at = :expires",
            "fencing = :fencing AND held = :held",
            {":expires": expires_at, ":fencing": fencing, ":held": True},
        ):
            raise LockLost(
                f"the lock of {application}/{stage} no longer has fencing token {fencing}: another execution "
                "took it over; this one changes nothing more"
            )

    def release(self, application: str, stage: str, fencing: int) -> None:
        """Release the lock, unless it was taken over."""
        self._table.update(
            "LOCK",
            f"{application}#{stage}",
            "SET held = :free",
            "fencing = :fencing",
            {":free": False, ":fencing": fencing},
        )

    def held(self, faults: list[Exception] | None = None) -> list[Lock]:
        """Return every lock that is held; ``faults`` as for ``read_each``."""
        return [lock for lock in read_each(self._table.query("LOCK"), _held, faults) if lock is not None]

    def queues(self) -> list[Waiter]:
        """Return the queue of a stage's lock."""
        return [_waiter(item) for item in self._table.query("LOCK") if "#WAITING#" in item["SK"] and is_current(item)]

    def queue(self, claim: Claim) -> list[Waiter]:
        """Return the queue of the stage that is claimed."""
        return [_waiter(item) for item in self._table.query("LOCK", _queue(claim)) if is_current(item)]

    def wait(self, claim: Claim, seen_at: int) -> None:
        """Join a stage's queue."""
        waits: Item = {"PK": "LOCK", "SK": _queue(claim) + claim.attempt, "seen_at": seen_at, "held": False}
        waits["expires"] = seen_at + _DIED_LONG_AGO_SECONDS
        self._table.put(waits if claim.incident else {**waits, "version": claim.label})

    def leave_queue(self, claim: Claim) -> None:
        """Leave the queue."""
        self._table.delete("LOCK", _queue(claim) + claim.attempt)


def _queue(claim: Claim) -> str:
    return f"{claim.application}#{claim.stage}#WAITING#"


def _held(item: Item) -> Lock | None:
    return _lock(item) if item["held"] else None


def _lock(item: Item) -> Lock:
    application, stage = item["SK"].split("#")
    return Lock(
        application=application,
        stage=stage,
        held=item["held"],
        owner=item["owner"],
        label=item["version"],
        execution=item["execution"],
        incident=item["incident"] or None,
        fencing=item["fencing"],
        expires_at=item["expires_at"],
        held_since=item.get("held_since"),
    )


def _waiter(item: Item) -> Waiter:
    """Read a place in the queue; Belay 0.1 queued everything as a release, one without a digest if it was none."""
    application, stage, _, attempt = item["SK"].split("#")
    old = item.get("release")
    version = item.get("version") if old is None else old["version"] if old["digest"] else None
    return Waiter(application, stage, attempt, version, item["seen_at"])
