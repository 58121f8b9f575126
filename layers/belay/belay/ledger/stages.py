"""What each stage runs, and its deployment history."""

from belay.aws.dynamodb import Item, Table
from belay.release.attempt import Runs, StageDeployment, TakenBack, left_by
from belay.release.records import ReleaseReference

_LOOKED_BACK = 90
"""Deployments of a stage: together with its own writes, rolling them all back fits in one transaction of 100."""

_NAMES = {"#release": "release"}


class StageRecords:
    """Items ``STAGE#`` and ``DEPLOYED#`` of an application."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def runs(self, application: str, stage: str) -> Runs | None:
        """Return what a stage runs: the newest release that was deployed there, or that it was rolled back to."""
        item = self._table.get(f"APPLICATION#{application}", f"STAGE#{stage}")
        return None if item is None or "release" not in item else _runs(item)

    def history(self, application: str, stage: str) -> list[StageDeployment]:
        """Return a stage's last 90 deployments and rollbacks, oldest first."""
        items = self._table.query(f"APPLICATION#{application}", f"DEPLOYED#{stage}#", newest=_LOOKED_BACK)
        return [_deployment(item) for item in reversed(items)]

    def brought_to(self, release: ReleaseReference, stage: str, now: str, *, incident: str | None = None) -> list[Item]:
        """Return the parts of a transaction that make a release what a stage runs."""
        keys = (f"STAGE#{stage}", f"DEPLOYED#{stage}#{now}")
        known = {"release": release.to_dict(), "version": release.version, "deployed_at": now, "incident": incident}
        return [self._table.new({"PK": f"APPLICATION#{release.application}", "SK": key} | known) for key in keys]

    def went_back(  # noqa: PLR0917 - all are parts of one record
        self, application: str, stage: str, target: ReleaseReference | None, incident: str, by: str, now: str
    ) -> None:
        """Record that a stage is back at an earlier release, or empty if ``target`` is None.

        What was deployed since then was rolled back by ``incident``, which ``by`` (an ARN) requested.
        """
        standing = self.runs(application, stage)
        if standing is not None and standing.incident == incident:
            return
        gone = left_by(self.history(application, stage), target)
        pk = f"APPLICATION#{application}"
        self._table.transact(
            *(
                self._table.change(
                    pk,
                    f"DEPLOYED#{stage}#{each.at}",
                    "SET taken_back = :taken_back",
                    "attribute_exists(PK)",
                    {":taken_back": {"at": now, "incident": incident, "by": by}},
                )
                for each in gone
            ),
            *(
                [self._table.change(pk, f"STAGE#{stage}", "REMOVE #release", "attribute_exists(PK)", {}, names=_NAMES)]
                if target is None
                else self.brought_to(target, stage, now, incident=incident)
            ),
        )


def _stage_in(item: Item) -> str:
    return str(item["SK"]).split("#")[1]


def _runs(item: Item) -> Runs:
    release = ReleaseReference.from_dict(item["release"])
    return Runs(_stage_in(item), release, item["deployed_at"], item.get("incident"))


def _deployment(item: Item) -> StageDeployment:
    """Read one; Belay 0.1 did not record what was rolled back, or by which incident."""
    back = item.get("taken_back")
    return StageDeployment(
        _stage_in(item),
        ReleaseReference.from_dict(item["release"]),
        item["deployed_at"],
        item.get("incident"),
        None if back is None else TakenBack(**back),
    )
