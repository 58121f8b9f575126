"""Approvals: a stage's requests before it changes anything, and the answers."""

from belay.approval.asked import AskedApproval, AwaitedApproval, GivenAnswer
from belay.approval.seal import Seal
from belay.aws.dynamodb import Item
from belay.ledger.records import Records, read_each
from belay.release.records import ReleaseReference

_PREFIX = "APPROVAL#"


class ApprovalRecords(Records):
    """Items ``APPROVAL#`` of a release, and ``ASKED``."""

    def ask(self, release: ReleaseReference, asked: AskedApproval) -> None:
        """Record that a stage waits for a person. It replaces an earlier attempt's request."""
        approval = {
            "attempt": asked.attempt,
            "task_token": asked.task_token,
            "requested_at": asked.requested_at,
            "expires_at": asked.expires_at,
            "four_eyes": asked.four_eyes,
            "seal": {**asked.seal.to_dict(), "digest": asked.digest},
        }
        pk, sk = _keys(release.application, release.version, asked.stage)
        self._table.transact(
            self._table.new({"PK": pk, "SK": sk} | approval),
            self._table.new(_awaited(release, asked, asked.task_token)),
        )

    def get(self, application: str, version: str, stage: str) -> AskedApproval | None:
        """Return a release's approval in a stage, with its answer once there is one."""
        item = self._table.get(*_keys(application, version, stage))
        return None if item is None else _approval(item)

    def of_release(self, application: str, version: str) -> list[AskedApproval]:
        """Return a release's approvals in all its stages."""
        return [_approval(item) for item in self._table.query(f"RELEASE#{application}#{version}", _PREFIX)]

    def asked_of(self, release: ReleaseReference, stage: str) -> AskedApproval | None:
        """Return this attempt's approval in a stage; None if it requested none."""
        found = self.get(release.application, release.version, stage)
        return found if found is not None and found.attempt == release.attempt else None

    def ask_on(self, release: ReleaseReference, asked: AskedApproval, task_token: str) -> None:
        """Keep waiting for an ``asked`` approval with a new task token; an answer given in between still arrives."""
        self._table.transact(
            self._table.change(
                *_keys(release.application, release.version, asked.stage),
                "SET task_token = :token",
                "attempt = :attempt",
                {":token": task_token, ":attempt": release.attempt},
            ),
            self._table.new(_awaited(release, asked, task_token)),
        )

    def answer(self, release: ReleaseReference, stage: str, answer: GivenAnswer) -> bool:
        """Record a person's answer. False if it was already answered, or another attempt now waits for one."""
        return self._table.update(
            *_keys(release.application, release.version, stage),
            "SET answer = :answer",
            "attempt = :attempt AND attribute_not_exists(answer)",
            {":answer": answer.to_dict(), ":attempt": release.attempt},
        )

    def asked(self, faults: list[Exception] | None = None) -> list[AwaitedApproval]:
        """Return the approvals that are pending, or may not have been answered yet; ``faults`` as for ``read_each``."""
        return read_each(self._table.query("ASKED"), _asked, faults)

    def reminded(self, awaited: AwaitedApproval, now: str) -> None:
        """Record that people were reminded of an approval."""
        about = f"{awaited.release.application}#{awaited.release.version}#{awaited.stage}"
        self._table.update("ASKED", about, "SET reminded_at = :now", "attribute_exists(PK)", {":now": now})

    def delivered(self, release: ReleaseReference, stage: str, task_token: str) -> None:
        """Stop tracking an approval whose answer reached a task, unless another task waits for it by now."""
        self._table.delete(
            "ASKED",
            f"{release.application}#{release.version}#{stage}",
            "attribute_not_exists(task_token) OR task_token = :token",
            {":token": task_token},
        )

    def ask_no_more(self, application: str, version: str, stage: str) -> None:
        """Stop tracking a pending approval that can no longer be answered."""
        self._table.delete("ASKED", f"{application}#{version}#{stage}")


def _keys(application: str, version: str, stage: str) -> tuple[str, str]:
    return f"RELEASE#{application}#{version}", f"{_PREFIX}{stage}"


def _awaited(release: ReleaseReference, asked: AskedApproval, task_token: str) -> Item:
    return {
        "PK": "ASKED",
        "SK": f"{release.application}#{release.version}#{asked.stage}",
        "release": release.to_dict(),
        "stage": asked.stage,
        "asked_at": asked.requested_at,
        "expires_at": asked.expires_at,
        "task_token": task_token,
    }


def _asked(item: Item) -> AwaitedApproval:
    times = item["asked_at"], item["expires_at"], item.get("reminded_at")
    return AwaitedApproval(ReleaseReference.from_dict(item["release"]), item["stage"], *times)


def _approval(item: Item) -> AskedApproval:
    return AskedApproval(
        stage=item["SK"].removeprefix(_PREFIX),
        attempt=item["attempt"],
        task_token=item["task_token"],
        requested_at=item["requested_at"],
        expires_at=item["expires_at"],
        four_eyes=item["four_eyes"],
        digest=item["seal"]["digest"],
        seal=Seal.from_dict(item["seal"]),
        answer=GivenAnswer.from_dict(item["answer"]) if "answer" in item else None,
    )
