"""The lock of each stage, and the queue before it."""

from belay.aws.dynamodb import Item, Table
from belay.errors import LockLost
from belay.release.records import ReleaseReference


class LockRecords:
    """Items of the partition ``LOCK``."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, application: str, stage: str) -> Item | None:
        """Return a stage's lock as it stands."""
        return self._table.get("LOCK", f"{application}#{stage}")

    def free(self, application: str, stage: str) -> int | None:
        """Return the fencing token of a lock that nobody holds, 0 where nobody ever did; None while it is held."""
        lock = self.get(application, stage)
        if lock is None:
            return 0
        return None if lock["held"] else int(lock["fencing"])

    def acquire(
        self,
        release: ReleaseReference,
        stage: str,
        *,
        execution: str,
        incident: str | None,
        expires_at: int,
        seen: Item | None,
        now: str,
    ) -> int | None:
        """Take the lock as it was last ``seen``. Its new fencing token, or None where it has changed meanwhile."""
        token = 1 if seen is None else int(seen["fencing"]) + 1
        values: Item = {
            ":owner": release.attempt,
            ":version": release.version,
            ":execution": execution,
            ":incident": incident or "",
            ":expires": expires_at,
            ":fencing": token,
            ":now": now,
        }
        condition = "attribute_not_exists(PK)"
        if seen is not None:
            condition = "fencing = :seen"
            values[":seen"] = int(seen["fencing"])
        taken = self._table.update(
            "LOCK",
            f"{release.application}#{stage}",
            "SET #owner = :owner, version = :version, execution = :execution, incident = :incident, "
            "expires_at = :expires, fencing = :fencing, held = :held, held_since = :now",
            condition,
            values | {":held": True},
            names={"#owner": "owner"},
        )
        return token if taken else None

    def check(self, release: ReleaseReference, stage: str, fencing: int, expires_at: int) -> None:
        """Make sure that the lock is still ours, and extend it. Raises ``LockLost``."""
        if not self._table.update(
            "LOCK",
            f"{release.application}#{stage}",
            "SET expires_at = :expires",
            "fencing = :fencing AND held = :held",
            {":expires": expires_at, ":fencing": fencing, ":held": True},
        ):
            raise LockLost(
                f"the lock of {release.application}/{stage} no longer has fencing token {fencing}: another execution "
                "took it over; this one changes nothing more"
            )

    def release(self, application: str, stage: str, fencing: int) -> None:
        """Give the lock back, unless it was taken over."""
        self._table.update(
            "LOCK",
            f"{application}#{stage}",
            "SET held = :free",
            "fencing = :fencing",
            {":free": False, ":fencing": fencing},
        )

    def held(self) -> list[Item]:
        """Return every lock that is held."""
        return [item for item in self._table.query("LOCK") if item.get("held")]

    def queues(self) -> list[Item]:
        """Return everybody who stands in the queue of a stage's lock."""
        return [item for item in self._table.query("LOCK") if "#WAITING#" in str(item["SK"])]

    def wait(self, release: ReleaseReference, stage: str, seen_at: int) -> list[Item]:
        """Stand in a stage's queue, and return everybody who does."""
        queue = f"{release.application}#{stage}#WAITING#"
        self._table.put(
            {
                "PK": "LOCK",
                "SK": queue + release.attempt,
                "release": release.to_dict(),
                "seen_at": seen_at,
                "held": False,
            }
        )
        return self._table.query("LOCK", queue)

    def leave_queue(self, release: ReleaseReference, stage: str) -> None:
        """Stand in the queue no longer."""
        self._table.delete("LOCK", f"{release.application}#{stage}#WAITING#{release.attempt}")
