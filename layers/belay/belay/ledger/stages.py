"""What each stage runs, and its deployment history."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from belay.aws.dynamodb import Item
from belay.documents import read
from belay.ledger.records import Records
from belay.release.attempt import Runs, StackLeft, StageDeployment, TakenBack, left_by, runs_in_words
from belay.release.records import ReleaseReference

_LOOKED_BACK = 90
"""Deployments of a stage: a rollback of them all, with its own writes, fits in one transaction of 100."""

_LEFT = "LEFT"

_NAMES = {"#release": "release"}


class StageRecords(Records):
    """Items ``STAGE#`` and ``DEPLOYED#`` of an application, and ``LEFT``."""

    def runs(self, application: str, stage: str) -> Runs | None:
        """Return what a stage runs: the newest release that was deployed there, or that it was rolled back to."""
        item = self._table.get(f"APPLICATION#{application}", f"STAGE#{stage}")
        return None if item is None or "release" not in item else _runs(item)

    def running(self, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Runs]:
        """Return what each of many stages runs, by application and stage, with one request for every hundred."""
        items = self._table.get_many([(f"APPLICATION#{owner}", f"STAGE#{stage}") for owner, stage in places])
        found = [_runs(item) for item in items if "release" in item]
        return {(each.release.application, each.stage): each for each in found}

    def left(self, application: str, stage: str) -> tuple[StackLeft, ...]:
        """Return the stacks that do not run what the stage runs."""
        item = self._table.get(_LEFT, f"{application}#{stage}")
        return () if item is None else _left(item)

    def in_words(self, application: str, stage: str) -> str | None:
        """Say what a stage runs, stack by stack where they differ; None if nothing was deployed there."""
        return runs_in_words(self.runs(application, stage), self.left(application, stage))

    def mixed(self) -> dict[tuple[str, str], tuple[StackLeft, ...]]:
        """Return the stages with stacks that do not run what the stage runs, by application and stage."""
        found = {item["SK"]: _left(item) for item in self._table.query(_LEFT)}
        return {(key.split("#")[0], key.split("#")[1]): left for key, left in found.items() if left}

    def leave(self, application: str, stage: str, stacks: Sequence[StackLeft]) -> None:
        """Record stacks that do not run what the stage runs, in addition to others that are recorded."""
        known = {each.stack: each for each in (*self.left(application, stage), *stacks)}
        self._table.put(_left_item(application, stage, known.values()))

    def of(self, application: str) -> list[str]:
        """Return the stages that an application was ever deployed to."""
        return [_stage_in(item) for item in self._table.query(f"APPLICATION#{application}", "STAGE#")]

    def history(self, application: str, stage: str) -> list[StageDeployment]:
        """Return a stage's last 90 deployments and rollbacks, oldest first."""
        items = self._table.query(f"APPLICATION#{application}", f"DEPLOYED#{stage}#", newest=_LOOKED_BACK)
        return [_deployment(item) for item in reversed(items)]

    def brought_to(self, release: ReleaseReference, stage: str, now: str, *, incident: str | None = None) -> list[Item]:
        """Return the parts of a transaction that make a release what a stage runs, in all its stacks."""
        keys = (f"STAGE#{stage}", f"DEPLOYED#{stage}#{now}")
        known = {"release": release.to_dict(), "version": release.version, "deployed_at": now, "incident": incident}
        return [
            *(self._table.new({"PK": f"APPLICATION#{release.application}", "SK": key} | known) for key in keys),
            self._table.new(_left_item(release.application, stage, ())),
        ]

    def went_back(  # noqa: PLR0917 - all are parts of one record
        self, application: str, stage: str, target: ReleaseReference | None, incident: str, by: str, now: str
    ) -> Sequence[StageDeployment]:
        """Record that a stage is back at an earlier release, or empty if ``target`` is None.

        What was deployed since then was rolled back by ``incident``, which ``by`` (an ARN) requested. Returns it, or
        nothing if that was recorded before.
        """
        standing = self.runs(application, stage)
        if standing is not None and standing.incident == incident:
            return ()
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
                [
                    self._table.change(
                        pk, f"STAGE#{stage}", "REMOVE #release", "attribute_exists(PK)", {}, names=_NAMES
                    ),
                    self._table.new(_left_item(application, stage, ())),
                ]
                if target is None
                else self.brought_to(target, stage, now, incident=incident)
            ),
        )
        return gone


def _left_item(application: str, stage: str, stacks: Iterable[StackLeft]) -> Item:
    return {"PK": _LEFT, "SK": f"{application}#{stage}", "stacks": [asdict(each) for each in stacks]}


def _left(item: Item) -> tuple[StackLeft, ...]:
    return tuple(read(StackLeft, each, "a stack that was left") for each in item["stacks"])


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
        None if back is None else read(TakenBack, back, "a rollback"),
    )
