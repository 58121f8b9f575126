"""Cleaning up after releases: deleting snapshots that are no longer needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from belay.aws.gateways import Aws
from belay.aws.rds import Databases
from belay.control.alone import EachAlone
from belay.control.places import Places
from belay.control.registrations import ReadRegistrations
from belay.database.kind import DatabaseKind
from belay.database.kinds import KINDS
from belay.database.retention import SPARE, Need, Released, Retention, ours, released, retain
from belay.database.snapshots import Snapshot
from belay.ledger.ledger import Ledger
from belay.release.place import StagePlace


@dataclass(frozen=True)
class SnapshotsEverywhere:
    """Cleans up in Belay's own account and region, and wherever registered stages have databases.

    A fault in one place, one kind of database or one snapshot does not affect the others: ``alone`` collects it.
    """

    ledger: Ledger
    places: Places
    alone: EachAlone = field(default_factory=EachAlone)

    def clean(self, read: ReadRegistrations, executions: str, keep: int, *, dry_run: bool) -> dict[str, Any]:
        """Clean up everywhere; return a report, with that of each other account and region under ``elsewhere``."""
        report: dict[str, Any] = {}
        for place, stages in self.places.with_databases(read.stages).items():
            reported = self._cleaned(place, stages, executions, keep, dry_run=dry_run)
            if place is None:
                report |= reported
            else:
                report.setdefault("elsewhere", {})[f"{place.account}/{place.region}"] = reported
        return report

    def _cleaned(
        self, place: StagePlace | None, stages: Mapping[str, str], executions: str, keep: int, *, dry_run: bool
    ) -> dict[str, Any]:
        """Clean up in one place; return a report by kind of database."""
        alone = self.alone.at(place)

        def cleaned(kind: DatabaseKind, there: Aws) -> Retention:
            return SnapshotRetention(self.ledger, there.databases, alone).clean(kind, executions, keep, dry_run=dry_run)

        whichever = partial(self.places.for_whichever, place, stages)
        done = {kind.name: alone.attempt(partial(whichever, partial(cleaned, kind))) for kind in KINDS.values()}
        return {
            kind: {"deleted": list(each.deleted), "kept": dict(each.kept)}
            for kind, each in done.items()
            if each is not None
        }


@dataclass(frozen=True)
class SnapshotRetention:
    """Decides from the ledger which snapshots are needed, and deletes the others; ``alone`` collects the faults."""

    ledger: Ledger
    databases: Databases
    alone: EachAlone = field(default_factory=EachAlone)

    def clean(
        self, kind: DatabaseKind, executions: str, keep: int, *, dry_run: bool, of: tuple[str, str] | None = None
    ) -> Retention:
        """Delete what is not needed, or only decide about it. Returns the decision.

        ``of`` limits it to the snapshots of one application and stage.
        """
        taken = ours(self.databases.manual_snapshots(kind), executions)
        snapshots = [each for each in taken if of in (None, released(each)[:2])]
        quota = self.databases.snapshot_quota(kind)
        retention = retain(snapshots, keep, self._needed(snapshots), quota)
        if retention.too_many and quota is not None:
            self.alone.say(
                f"{quota.used} of {quota.most} manual {kind} snapshots are used, and {retention.too_many} too many "
                f"are needed to leave {SPARE} free: delete others, or request a higher quota"
            )
        for name in () if dry_run else retention.deleted:
            delete = partial(self.databases.delete_snapshot, kind, name)
            self.alone.attempt(delete, about=f"the {kind} snapshot {name} could not be deleted")
        return retention

    def _needed(self, snapshots: Sequence[Snapshot]) -> dict[Released, Need]:
        """The releases that stages would roll back to, those with snapshots not in their vault yet, and open ones."""
        needed: dict[Released, Need] = {}
        for application, stage in {released(each)[:2] for each in snapshots}:
            runs = self.ledger.stages.runs(application, stage)
            if runs is not None:
                needed[application, stage, runs.release.version] = Need.LAST_KNOWN_GOOD
        needed |= {
            (each.origin.application, each.stage, each.origin.name): Need.TO_VAULT
            for each in self.ledger.vault_copies.every()
        }
        under_way = self._under_way()
        return needed | {release: Need.UNDER_WAY for each in snapshots if (release := released(each))[::2] in under_way}

    def _under_way(self) -> set[tuple[str, ...]]:
        """The applications and versions of open releases and of open incidents' releases."""
        attempts = (self.ledger.attempts.get(each.upload) for each in self.ledger.attempts.open_ones())
        found: set[tuple[str, ...]] = {(each.application, each.name) for each in attempts if each is not None}
        for each in self.ledger.incidents.open_ones():
            record = self.ledger.incidents.get(each.application, each.incident)
            if record is not None:
                found.add((each.application, record.incident.subject.origin.name))
        return found
