"""What stages ask of people before they change anything, and what people answered."""

from collections.abc import Mapping
from typing import Any

from belay.aws.dynamodb import Item, Table
from belay.release.records import ReleaseReference


class ApprovalRecords:
    """Items ``APPROVAL#`` of a release, and ``ASKED``."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def ask(
        self, release: ReleaseReference, stage: str, approval: Mapping[str, Any], *, task_token: str, now: str
    ) -> None:
        """Record that a stage waits for a person; the task token their answer needs is in no message and no log.

        ``approval`` holds what the answer is judged by: ``expires_at``, ``four_eyes``, ``seal``. What was asked of an
        earlier attempt is forgotten.
        """
        asked = {"attempt": release.attempt, "task_token": task_token, "requested_at": now, **approval}
        waits = {"release": release.to_dict(), "stage": stage, "asked_at": now, "expires_at": approval["expires_at"]}
        self._table.transact(
            self._table.new(
                {"PK": f"RELEASE#{release.application}#{release.version}", "SK": f"APPROVAL#{stage}"} | asked
            ),
            self._table.new({"PK": "ASKED", "SK": f"{release.application}#{release.version}#{stage}"} | waits),
        )

    def get(self, application: str, version: str, stage: str) -> Item | None:
        """Return what a release asked of people in a stage, with their ``answer`` once there is one."""
        return self._table.get(f"RELEASE#{application}#{version}", f"APPROVAL#{stage}")

    def answer(self, release: ReleaseReference, stage: str, answer: Mapping[str, Any]) -> bool:
        """Record a person's answer. False where somebody was first, or another attempt asks by now."""
        return self._table.update(
            f"RELEASE#{release.application}#{release.version}",
            f"APPROVAL#{stage}",
            "SET answer = :answer",
            "attempt = :attempt AND attribute_not_exists(answer)",
            {":answer": dict(answer), ":attempt": release.attempt},
        )

    def asked(self) -> list[Item]:
        """Return the approvals that are waited for, or whose answer may not have arrived."""
        return self._table.query("ASKED")

    def reminded(self, item: Item, now: str) -> None:
        """Record that people were reminded of an approval."""
        self._table.update("ASKED", str(item["SK"]), "SET reminded_at = :now", "attribute_exists(PK)", {":now": now})

    def ask_no_more(self, application: str, version: str, stage: str) -> None:
        """Forget that a stage waits: it was answered, or nobody did in time."""
        self._table.delete("ASKED", f"{application}#{version}#{stage}")
