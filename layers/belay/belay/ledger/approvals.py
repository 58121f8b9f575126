"""Approvals: a stage's requests before it changes anything, and the answers."""

from typing import Final

from belay.approval.asked import AskedApproval, AwaitedApproval, GivenAnswer
from belay.approval.seal import Seal
from belay.aws.dynamodb import Item
from belay.ledger.attempt_items import in_stage_key, is_of_version, of_attempt, of_attempt_in
from belay.ledger.records import Records, read_each
from belay.release.records import ReleaseReference

_KIND: Final = "APPROVAL"


class ApprovalRecords(Records):
    """Items ``APPROVAL#`` of an attempt, and ``ASKED``.

    A request that an earlier Belay stored with its version is answered there.
    """

    def ask(self, release: ReleaseReference, asked: AskedApproval) -> None:
        """Record that a stage waits for a person."""
        approval = {
            "attempt": asked.attempt,
            "task_token": asked.task_token,
            "requested_at": asked.requested_at,
            "expires_at": asked.expires_at,
            "four_eyes": asked.four_eyes,
            "seal": {**asked.seal.to_dict(), "digest": asked.digest},
        }
        pk, sk = in_stage_key(_KIND, release, asked.stage)
        self._table.transact(
            self._table.new({"PK": pk, "SK": sk} | approval),
            self._table.new(_awaited(_awaited_key(release, asked.stage), release, asked, asked.task_token)),
        )

    def asked_of(self, release: ReleaseReference, stage: str) -> AskedApproval | None:
        """Return an attempt's approval in a stage, with its answer once there is one; None if it requested none."""
        item = of_attempt_in(self._table, _KIND, release, stage)
        return None if item is None else _approval(item)

    def of_attempt(self, release: ReleaseReference) -> list[AskedApproval]:
        """Return an attempt's approvals in all its stages."""
        return [_approval(item) for item in of_attempt(self._table, _KIND, release)]

    def ask_on(self, release: ReleaseReference, asked: AskedApproval, task_token: str) -> None:
        """Keep waiting for an ``asked`` approval with a new task token; an answer given in between still arrives."""
        awaited = self._awaited_key(release, asked.stage)
        self._table.transact(
            self._table.change(
                *self._key(release, asked.stage),
                "SET task_token = :token",
                "attempt = :attempt",
                {":token": task_token, ":attempt": release.attempt},
            ),
            self._table.new(_awaited(awaited, release, asked, task_token)),
        )

    def answer(self, release: ReleaseReference, stage: str, answer: GivenAnswer) -> bool:
        """Record a person's answer. False if it was already answered, or never requested."""
        return self._table.update(
            *self._key(release, stage),
            "SET answer = :answer",
            "attempt = :attempt AND attribute_not_exists(answer)",
            {":answer": answer.to_dict(), ":attempt": release.attempt},
        )

    def asked(self, faults: list[Exception] | None = None) -> list[AwaitedApproval]:
        """Return the approvals that are pending, or may not have been answered yet; ``faults`` as for ``read_each``."""
        return read_each(self._table.query("ASKED"), _asked, faults)

    def reminded(self, awaited: AwaitedApproval, now: str) -> None:
        """Record that people were reminded of an approval."""
        key = self._awaited_key(awaited.release, awaited.stage)
        self._table.update(*key, "SET reminded_at = :now", "attribute_exists(PK)", {":now": now})

    def delivered(self, release: ReleaseReference, stage: str, task_token: str) -> None:
        """Stop tracking an approval whose answer reached a task, unless another task waits for it by now."""
        self._table.delete(
            *self._awaited_key(release, stage),
            "attribute_not_exists(task_token) OR task_token = :token",
            {":token": task_token},
        )

    def ask_no_more(self, release: ReleaseReference, stage: str) -> None:
        """Stop tracking a pending approval that can no longer be answered."""
        self._table.delete(*self._awaited_key(release, stage))

    def _key(self, release: ReleaseReference, stage: str) -> tuple[str, str]:
        """Return the key of an attempt's approval."""
        item = of_attempt_in(self._table, _KIND, release, stage)
        return in_stage_key(_KIND, release, stage) if item is None else (item["PK"], item["SK"])

    def _awaited_key(self, release: ReleaseReference, stage: str) -> tuple[str, str]:
        """Return the key by which an approval is tracked: with its version, if the approval itself is stored so."""
        item = of_attempt_in(self._table, _KIND, release, stage)
        if item is not None and is_of_version(item):
            return "ASKED", f"{release.application}#{release.version}#{stage}"
        return _awaited_key(release, stage)


def _awaited_key(release: ReleaseReference, stage: str) -> tuple[str, str]:
    return "ASKED", f"{release.application}#{release.attempt}#{stage}"


def _awaited(key: tuple[str, str], release: ReleaseReference, asked: AskedApproval, task_token: str) -> Item:
    return {
        "PK": key[0],
        "SK": key[1],
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
        stage=item["SK"].removeprefix(f"{_KIND}#"),
        attempt=item["attempt"],
        task_token=item["task_token"],
        requested_at=item["requested_at"],
        expires_at=item["expires_at"],
        four_eyes=item["four_eyes"],
        digest=item["seal"]["digest"],
        seal=Seal.from_dict(item["seal"]),
        answer=GivenAnswer.from_dict(item["answer"]) if "answer" in item else None,
    )
