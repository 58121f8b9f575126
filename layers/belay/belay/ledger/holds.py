"""Releases that are held outside a stage's windows, and overrides of those holds."""

from belay.approval.asked import GivenAnswer, Hold, Override
from belay.aws.clock import kept_until
from belay.aws.dynamodb import Item
from belay.ledger.records import Records, is_current
from belay.release.records import ReleaseReference

_PREFIX = "HOLD#"


class HoldRecords(Records):
    """Items ``HOLD#`` and ``OVERRIDE#`` of a release."""

    def hold(
        self, release: ReleaseReference, stage: str, *, task_token: str, reason: str, until: str, now: str
    ) -> bool:
        """Record that a release is held outside a stage's windows. False if that was recorded before.

        The task token is updated either way.
        """
        item: Item = {"attempt": release.attempt, "task_token": task_token, "reason": reason, "until": until, "at": now}
        item["expires"] = kept_until(now)
        first = self.get(release.application, release.version, stage)
        self._table.put({"PK": f"RELEASE#{release.application}#{release.version}", "SK": f"{_PREFIX}{stage}"} | item)
        return first is None or first.attempt != release.attempt

    def get(self, application: str, version: str, stage: str) -> Hold | None:
        """Return a release's hold in a stage."""
        item = self._table.get(f"RELEASE#{application}#{version}", f"{_PREFIX}{stage}")
        return _hold(item) if item is not None and is_current(item) else None

    def of_release(self, application: str, version: str) -> list[Hold]:
        """Return a release's holds in its stages."""
        return [
            _hold(item) for item in self._table.query(f"RELEASE#{application}#{version}", _PREFIX) if is_current(item)
        ]

    def record_override(self, release: ReleaseReference, stage: str, answer: GivenAnswer) -> None:
        """Record that a person allows this attempt to continue outside a stage's windows."""
        where = {"PK": f"RELEASE#{release.application}#{release.version}", "SK": f"OVERRIDE#{stage}"}
        self._table.put(where | {"attempt": release.attempt, **answer.to_dict()})

    def override(self, application: str, version: str, stage: str) -> Override | None:
        """Return who allowed a release to continue outside a stage's windows."""
        item = self._table.get(f"RELEASE#{application}#{version}", f"OVERRIDE#{stage}")
        return None if item is None else Override(item["attempt"], GivenAnswer.from_dict(item))

    def overridden(self, release: ReleaseReference, stage: str) -> bool:
        """Return whether a person allowed this attempt to continue outside a stage's windows."""
        override = self.override(release.application, release.version, stage)
        return override is not None and override.attempt == release.attempt


def _hold(item: Item) -> Hold:
    known = {name: item[name] for name in ("attempt", "task_token", "reason", "until", "at")}
    return Hold(item["SK"].removeprefix(_PREFIX), **known)
