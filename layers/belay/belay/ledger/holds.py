"""Attempts that are held outside a stage's windows, and overrides of those holds."""

from typing import Final

from belay.approval.asked import GivenAnswer, Hold
from belay.aws.clock import kept_until
from belay.aws.dynamodb import Item
from belay.ledger.attempt_items import in_stage_key, of_attempt, of_attempt_in
from belay.ledger.records import Records, is_current
from belay.release.records import ReleaseReference

_HOLD: Final = "HOLD"
_OVERRIDE: Final = "OVERRIDE"


class HoldRecords(Records):
    """Items ``HOLD#`` and ``OVERRIDE#`` of an attempt."""

    def hold(
        self, release: ReleaseReference, stage: str, *, task_token: str, reason: str, until: str, now: str
    ) -> bool:
        """Record that a release is held outside a stage's windows. False if that was recorded before.

        The task token is updated either way.
        """
        item: Item = {"attempt": release.attempt, "task_token": task_token, "reason": reason, "until": until, "at": now}
        item["expires"] = kept_until(now)
        before = of_attempt_in(self._table, _HOLD, release, stage)
        pk, sk = in_stage_key(_HOLD, release, stage) if before is None else (before["PK"], before["SK"])
        self._table.put({"PK": pk, "SK": sk} | item)
        return before is None or not is_current(before)

    def of(self, release: ReleaseReference, stage: str) -> Hold | None:
        """Return an attempt's hold in a stage."""
        item = of_attempt_in(self._table, _HOLD, release, stage)
        return _hold(item) if item is not None and is_current(item) else None

    def of_attempt(self, release: ReleaseReference) -> list[Hold]:
        """Return an attempt's holds in its stages."""
        return [_hold(item) for item in of_attempt(self._table, _HOLD, release) if is_current(item)]

    def record_override(self, release: ReleaseReference, stage: str, answer: GivenAnswer) -> None:
        """Record that a person allows this attempt to continue outside a stage's windows."""
        pk, sk = in_stage_key(_OVERRIDE, release, stage)
        self._table.put({"PK": pk, "SK": sk, "attempt": release.attempt, **answer.to_dict()})

    def override(self, release: ReleaseReference, stage: str) -> GivenAnswer | None:
        """Return who allowed this attempt to continue outside a stage's windows; None if no one did."""
        item = of_attempt_in(self._table, _OVERRIDE, release, stage)
        return None if item is None else GivenAnswer.from_dict(item)


def _hold(item: Item) -> Hold:
    known = {name: item[name] for name in ("attempt", "task_token", "reason", "until", "at")}
    return Hold(item["SK"].removeprefix(f"{_HOLD}#"), **known)
