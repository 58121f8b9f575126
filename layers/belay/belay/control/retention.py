"""Cleaning up after releases: deleting snapshots that are no longer needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from belay.aws.rds import Databases
from belay.control.places import Places
from belay.control.registrations import ReadRegistrations
from belay.database.kind import DatabaseKind
from belay.database.kinds import KINDS
from belay.database.retention import SPARE, Need, Released, ours, released, retain
from belay.database.snapshots import Snapshot
from belay.errors import AccessDenied, AwsFault, ServiceUnavailable, Throttled
from belay.ledger.ledger import Ledger
from belay.release.place import StagePlace


@dataclass(frozen=True)
class SnapshotsEverywhere:
    """Cleans up in Belay's own account and region, and wherever registered stages have databases."""

    ledger: Ledger
    places: Places

    def clean(
        self, read: ReadRegistrations, executions: str, keep: int, *, dry_run: bool
    ) -> tuple[dict[str, Any], list[str]]:
        """Clean up everywhere; a fault in one place does not affect the others. Returns a report and the faults.

        The report has that of each other account and region under ``elsewhere``.
        """
        stages: dict[StagePlace, dict[str, str]] = {}
        for each in read.stages:
            if each.place and each.databases:
                stages.setdefault(each.place, {})[each.application] = each.name
        report, problems = self._cleaned(None, {"": ""}, executions, keep, dry_run=dry_run)
        for place, of in stages.items():
            reported, found = self._cleaned(place, of, executions, keep, dry_run=dry_run)
            report.setdefault("elsewhere", {})[f"{place.account}/{place.region}"] = reported
            problems += [f"{place}: {each}" for each in found]
        return report, problems

    def _cleaned(
        self, place: StagePlace | None, stages: Mapping[str, str], executions: str, keep: int, *, dry_run: bool
    ) -> tuple[dict[str, Any], list[str]]:
        """Clean up in one place, for whichever application that has a stage there may do so."""
        problems = []
        for application, stage in stages.items():
            try:
                return self._at(place, application, stage).clean(executions, keep, dry_run=dry_run)
            except AccessDenied as refused:
                problems = [str(refused)]
            except AwsFault as fault:
                return {}, [str(fault)]
        return {}, problems

    def _at(self, place: StagePlace | None, application: str, stage: str) -> "SnapshotRetention":
        return SnapshotRetention(self.ledger, self.places.at(place, application, stage).databases)


class SnapshotRetention:
    """Decides from the ledger which snapshots are needed, and deletes the others."""

    def __init__(self, ledger: Ledger, databases: Databases) -> None:
        self._ledger = ledger
        self._databases = databases

    def clean(
        self, executions: str, keep: int, *, dry_run: bool, of: tuple[str, str] | None = None
    ) -> tuple[dict[str, Any], list[str]]:
        """Delete what is not needed, or only report it. Returns a report by kind of database, and the faults.

        ``of`` is the application and the stage whose snapshots are looked at; all without it.
        """
        report: dict[str, Any] = {}
        problems: list[str] = []
        for kind in KINDS.values():
            taken = ours(self._databases.manual_snapshots(kind), executions)
            snapshots = [each for each in taken if of in (None, released(each)[:2])]
            quota = self._databases.snapshot_quota(kind)
            retention = retain(snapshots, keep, self._needed(snapshots), quota)
            report[kind.name] = {"deleted": list(retention.deleted), "kept": dict(retention.kept)}
            if retention.too_many and quota is not None:
                problems.append(
                    f"{quota.used} of {quota.most} manual {kind} snapshots are used, and {retention.too_many} too many "
                    f"are needed to leave {SPARE} free: delete others, or request a higher quota"
                )
            if not dry_run:
                problems += self._delete(kind, retention.deleted)
        return report, problems

    def _delete(self, kind: DatabaseKind, names: Sequence[str]) -> list[str]:
        """Delete each; a refusal does not stop the others."""
        problems = []
        for name in names:
            try:
                self._databases.delete_snapshot(kind, name)
            except (Throttled, ServiceUnavailable):
                raise
            except AwsFault as fault:
                problems.append(f"the {kind} snapshot {name} could not be deleted: {fault}")
        return problems

    def _needed(self, snapshots: Sequence[Snapshot]) -> dict[Released, Need]:
        """The releases that stages would roll back to, those whose snapshots are not in their vault yet, and those that
        have not ended, from the ledger."""
        needed: dict[Released, Need] = {}
        for application, stage in {released(each)[:2] for each in snapshots}:
            runs = self._ledger.stages.runs(application, stage)
            if runs is not None:
                needed[application, stage, runs.release.version] = Need.LAST_KNOWN_GOOD
        needed |= {
            (each.origin.application, each.stage, each.origin.name): Need.TO_VAULT
            for each in self._ledger.vault_copies.every()
        }
        under_way = self._under_way()
        return needed | {release: Need.UNDER_WAY for each in snapshots if (release := released(each))[::2] in under_way}

    def _under_way(self) -> set[tuple[str, ...]]:
        """The applications and versions of open releases and of open incidents' releases."""
        attempts = (self._ledger.attempts.get(each.upload) for each in self._ledger.attempts.open_ones())
        found: set[tuple[str, ...]] = {(each.application, each.name) for each in attempts if each is not None}
        for each in self._ledger.incidents.open_ones():
            record = self._ledger.incidents.get(each.application, each.incident)
            if record is not None:
                found.add((each.application, record.incident.subject.origin.name))
        return found
