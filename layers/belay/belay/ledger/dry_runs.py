"""The dry runs in progress: one per stage, so that whatever one leaves behind is found."""

from typing import Final

from belay.aws.clock import lease
from belay.aws.dynamodb import Item
from belay.ledger.records import Records, is_current, read_each
from belay.release.dry_run import DryRun
from belay.release.records import ReleaseReference

_PK: Final = "PLAN"

_FORGOTTEN_SECONDS: Final = 7 * 86_400
"""As long as a dry run's documents are kept, without which nothing of it can be found."""


class DryRunRecords(Records):
    """Items of the partition ``PLAN``."""

    def enter(self, wanted: DryRun) -> DryRun:
        """Take a stage for a dry run, unless it has one. Returns the current one."""
        values = {
            ":execution": wanted.execution,
            ":release": wanted.release.to_dict(),
            ":since": wanted.since,
            ":expires": lease(_FORGOTTEN_SECONDS),
            ":now": lease(0),
        }
        if self._table.update(
            _PK,
            _key(wanted.release.application, wanted.stage),
            "SET execution = :execution, #release = :release, since = :since, expires = :expires",
            "attribute_not_exists(PK) OR expires <= :now",
            values,
            names={"#release": "release"},
        ):
            return wanted
        return self.of(wanted.release.application, wanted.stage) or wanted

    def of(self, application: str, stage: str) -> DryRun | None:
        """Return the dry run in progress in a stage."""
        item = self._table.get(_PK, _key(application, stage))
        return None if item is None or not is_current(item) else _dry_run(item)

    def take_up(self, left: DryRun, execution: str) -> bool:
        """Let another execution finish a dry run. False if it is not as it was ``left``."""
        return self._table.update(
            _PK,
            _key(left.release.application, left.stage),
            "SET execution = :execution",
            "execution = :left",
            {":execution": execution, ":left": left.execution},
        )

    def leave(self, application: str, stage: str, execution: str) -> None:
        """End an execution's dry run: nothing is left of it."""
        self._table.delete(_PK, _key(application, stage), "execution = :execution", {":execution": execution})

    def every(self, faults: list[Exception] | None = None) -> list[DryRun]:
        """Return the dry runs in progress; ``faults`` as for ``read_each``."""
        return read_each(filter(is_current, self._table.query(_PK)), _dry_run, faults)


def _key(application: str, stage: str) -> str:
    return f"{application}#{stage}"


def _dry_run(item: Item) -> DryRun:
    release = ReleaseReference.from_dict(item["release"])
    return DryRun(release, item["SK"].partition("#")[2], item["execution"], item["since"])
