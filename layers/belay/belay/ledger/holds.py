"""Releases that are held outside of a stage's windows, and who let them go on."""

from collections.abc import Mapping
from typing import Any

from belay.aws.dynamodb import Item, Table
from belay.release.records import ReleaseReference


class HoldRecords:
    """Items ``HOLD#`` and ``OVERRIDE#`` of a release."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def hold(
        self, release: ReleaseReference, stage: str, *, task_token: str, reason: str, until: str, now: str
    ) -> bool:
        """Record that a release is held outside of a stage's windows. False where that was recorded before.

        The task token is the newest, whether it was recorded before or not.
        """
        item = {"attempt": release.attempt, "task_token": task_token, "reason": reason, "until": until, "at": now}
        first = self.get(release.application, release.version, stage)
        self._table.put({"PK": f"RELEASE#{release.application}#{release.version}", "SK": f"HOLD#{stage}"} | item)
        return first is None or first["attempt"] != release.attempt

    def get(self, application: str, version: str, stage: str) -> Item | None:
        """Return how a release is held outside of a stage's windows: ``reason``, ``until``, and its task token."""
        return self._table.get(f"RELEASE#{application}#{version}", f"HOLD#{stage}")

    def record_override(self, release: ReleaseReference, stage: str, answer: Mapping[str, Any]) -> None:
        """Record that a person lets this attempt go on outside of a stage's windows."""
        where = {"PK": f"RELEASE#{release.application}#{release.version}", "SK": f"OVERRIDE#{stage}"}
        self._table.put(where | {"attempt": release.attempt, **answer})

    def override(self, application: str, version: str, stage: str) -> Item | None:
        """Return who let a release go on outside of a stage's windows: ``by``, ``comment``, ``at``, ``attempt``."""
        return self._table.get(f"RELEASE#{application}#{version}", f"OVERRIDE#{stage}")
