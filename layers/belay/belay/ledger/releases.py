"""What is known of each release, its transitions, and what it made of its stages."""

from dataclasses import asdict

from belay.aws.dynamodb import Item, Table
from belay.errors import ReleaseSuperseded
from belay.ledger.ends import announced, close, opened
from belay.release.records import Outcome, ReleaseReference, Upload


class ReleaseRecords:
    """Items ``RELEASE#``, ``STAGE#`` and ``DEPLOYED#`` of an application, and a release's ``TRANSITION#``."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, release: ReleaseReference, upload: Upload, execution: str, now: str) -> Item | None:
        """Claim a version for one attempt. None where that worked, otherwise the record that stands against it.

        A version is free when it was never claimed, or when it ended without ever being deployed with other content.
        Raises ``ReleaseSuperseded`` where the upload has its outcome: a function outlives the execution that called it.
        """
        claimed = self._table.transact(
            self._table.change(
                f"APPLICATION#{release.application}",
                f"RELEASE#{release.version}",
                "SET application = :application, version = :version, digest = :digest, attempt = :attempt, "
                "execution = :execution, #upload = :upload, claimed_at = :now, #state = :state "
                "REMOVE #stage, outcome, reason, ended_at, announced",
                "attribute_not_exists(PK) OR attempt = :attempt OR (attribute_exists(outcome) AND "
                "(attribute_not_exists(deployed_digest) OR deployed_digest = :digest))",
                {
                    ":application": release.application,
                    ":version": release.version,
                    ":digest": release.digest,
                    ":attempt": release.attempt,
                    ":execution": execution,
                    ":upload": asdict(upload),
                    ":now": now,
                    ":state": "ACCEPTED",
                },
                names={"#upload": "upload", "#state": "state", "#stage": "stage"},
            ),
            self._table.change(
                f"APPLICATION#{upload.application}",
                f"UPLOAD#{upload.identity}",
                "SET version = :version",
                "attribute_not_exists(outcome)",
                {":version": release.version},
            ),
            opened(self._table, f"RELEASE#{release.application}#{release.version}", release.to_dict(), execution),
        )
        if claimed:
            return None
        standing = self.get(release.application, release.version)
        if standing is None:
            raise ReleaseSuperseded(f"the upload {upload.key} has ended already: its execution was stopped")
        return standing

    def continue_in(self, release: ReleaseReference, execution: str, successor: str) -> bool:
        """Record that another execution sees a release to its end. False where it has one, or another attempt at it."""
        values = {":attempt": release.attempt, ":execution": execution, ":successor": successor}
        same = "(execution = :execution OR execution = :successor)"
        open_ones = (f"RELEASE#{release.application}#{release.version}", f"UPLOAD#{release.attempt}")
        return self._table.transact(
            self._table.change(
                f"APPLICATION#{release.application}",
                f"RELEASE#{release.version}",
                "SET execution = :successor",
                f"attempt = :attempt AND attribute_not_exists(outcome) AND {same}",
                values,
            ),
            *(
                self._table.change(
                    "OPEN",
                    name,
                    "SET execution = :successor",
                    same,
                    {k: v for k, v in values.items() if k != ":attempt"},
                )
                for name in open_ones
            ),
        )

    def details(self, application: str, version: str) -> list[Item]:
        """Return everything recorded about a release beside its own record: transitions, baselines, approvals."""
        return self._table.query(f"RELEASE#{application}#{version}")

    def get(self, application: str, version: str) -> Item | None:
        """Return a release's record."""
        return self._table.get(f"APPLICATION#{application}", f"RELEASE#{version}")

    def record(self, release: ReleaseReference, stage: str | None, state: str, now: str, detail: str = "") -> None:
        """Record one transition of a release."""
        self._table.put(_transition(release, stage, state, now=now, detail=detail))
        self._table.update(
            f"APPLICATION#{release.application}",
            f"RELEASE#{release.version}",
            "SET #state = :state, #stage = :stage",
            "attempt = :attempt",
            {":state": state, ":stage": stage or "", ":attempt": release.attempt},
            names={"#state": "state", "#stage": "stage"},
        )

    def transitions(self, application: str, version: str) -> list[Item]:
        """Return a release's transitions, oldest first."""
        return self._table.query(f"RELEASE#{application}#{version}", "TRANSITION#")

    def end_stage(
        self, release: ReleaseReference, stage: str, state: str, *, good: bool, fencing: int | None, now: str
    ) -> bool:
        """Record how a stage ended and give its lock back, all in one write, so that a rerun finds all or nothing.

        ``good`` makes the release the stage's last-known-good and binds its version to its content. False where the
        lock or the release is no longer this attempt's, or the write was done before.
        """
        changes = [
            self._table.change(
                f"APPLICATION#{release.application}",
                f"RELEASE#{release.version}",
                "SET #state = :state, #stage = :stage" + (", deployed_digest = :digest" if good else ""),
                "attempt = :attempt AND NOT (#state = :state AND #stage = :stage)",
                {":state": state, ":stage": stage, ":attempt": release.attempt}
                | ({":digest": release.digest} if good else {}),
                names={"#state": "state", "#stage": "stage"},
            ),
            self._table.new(_transition(release, stage, state, now=now, detail="")),
        ]
        if good:
            changes += [self._table.new(item) for item in _deployed(release, stage, now)]
        if fencing is not None:
            changes.append(
                self._table.change(
                    "LOCK",
                    f"{release.application}#{stage}",
                    "SET held = :free",
                    "fencing = :fencing AND held = :held",
                    {":free": False, ":fencing": fencing, ":held": True},
                )
            )
        return self._table.transact(*changes)

    def close(self, release: ReleaseReference, outcome: Outcome, reason: str, now: str) -> bool:
        """Record a release's one outcome. False where it was recorded and announced before."""
        first = close(
            self._table,
            f"APPLICATION#{release.application}",
            f"RELEASE#{release.version}",
            outcome,
            reason=reason,
            now=now,
            attempt=release.attempt,
        )
        if first:
            self.record(release, None, outcome, now, reason)
        return first

    def announced(self, release: ReleaseReference) -> None:
        """Record that the outcome of a release was told; only then is there nothing left to see to."""
        announced(
            self._table, f"APPLICATION#{release.application}", f"RELEASE#{release.version}", attempt=release.attempt
        )
        self._table.delete("OPEN", f"RELEASE#{release.application}#{release.version}", attempt=release.attempt)

    def last_known_good(self, application: str, stage: str) -> Item | None:
        """Return the newest release that reached DEPLOYED in a stage."""
        return self._table.get(f"APPLICATION#{application}", f"STAGE#{stage}")

    def deployed(self, application: str, stage: str) -> list[Item]:
        """Return what a stage was brought to, by a deployment or on the way back, oldest first."""
        return self._table.query(f"APPLICATION#{application}", f"DEPLOYED#{stage}#")

    def went_back(self, release: ReleaseReference, stage: str, now: str) -> None:
        """Record that a stage was brought back to a release that was deployed there before: it is what is good now."""
        self._table.transact(*(self._table.new(item) for item in _deployed(release, stage, now)))


def _deployed(release: ReleaseReference, stage: str, now: str) -> list[Item]:
    """The stage's last-known-good release, and its place among what was deployed there."""
    keys = (f"STAGE#{stage}", f"DEPLOYED#{stage}#{now}")
    known = {"release": release.to_dict(), "version": release.version, "deployed_at": now}
    return [{"PK": f"APPLICATION#{release.application}", "SK": key} | known for key in keys]


def _transition(release: ReleaseReference, stage: str | None, state: str, *, now: str, detail: str) -> Item:
    return {
        "PK": f"RELEASE#{release.application}#{release.version}",
        "SK": f"TRANSITION#{now}#{stage or ''}#{state}",
        "attempt": release.attempt,
        "stage": stage or "",
        "state": state,
        "at": now,
        "detail": detail,
    }
