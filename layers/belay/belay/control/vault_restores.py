"""Restoring a database from a copy in its stage's vault, with the requester's credentials.

Belay's own roles cannot: none of them may share what is in a vault. Everything is read from AWS again before each step,
so that an interrupted restore can resume (docs/lost-region.md).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from belay.aws.clock import now
from belay.aws.rds import Databases
from belay.control.restored_units import found, leaning, members
from belay.database.fields import own_tags
from belay.database.kind import Description
from belay.database.restore import COPIED_FROM_TAG, INCIDENT_TAG, Place, Taken, Unit, name_beside
from belay.database.snapshots import Snapshot, SnapshotState, snapshot_of
from belay.errors import AwsFault, RestoreRefused, ServiceUnavailable, Throttled
from belay.release.from_vault import IN_PLACE_OF_TAG, copy_arn, in_the_way, name_here, release_of, restore_name
from belay.release.registration import Database, Stage
from belay.release.vault import Vault
from belay.rollback.databases import plan_restore
from belay.rollback.plan import Action, Step, Todo
from belay.rollback.situation import DatabaseSeen, Situation


@dataclass
class VaultRestore:
    """Restores one database of a stage from one copy.

    ``lender`` has the databases of the vault's account and region, ``there`` those of the stage's, in ``account``.
    ``key`` encrypts the snapshot there.
    """

    stage: Stage
    database: Database
    vault: Vault
    copy: Snapshot
    lender: Databases
    there: Databases
    account: str
    key: str
    _tried: list[tuple[Action, str, datetime]] = field(default_factory=list)
    _blocked: str | None = None

    @property
    def name(self) -> str:
        """The name of the snapshot that the copy becomes in the stage's account."""
        return name_here(self.database.identifier, self.copy.name)

    @property
    def copied_from(self) -> str:
        """The ARN of the copy in the vault."""
        return copy_arn(self.vault, self.database.kind, self.copy.name)

    @property
    def replaced(self) -> str:
        """The new name of the database that currently has the registered name."""
        return name_beside(self.database.identifier, Place.REPLACED, restore_name(self.copy.name))

    @property
    def restored(self) -> str:
        """The name of the restored database before it gets the registered one."""
        return name_beside(self.database.identifier, Place.RESTORED, restore_name(self.copy.name))

    # -- into the account ----------------------------------------------------------------------------------------------

    def bring(self) -> bool:
        """Bring the copy into the stage's account, one step at a time; returns whether it is available there.

        It is shared only for that time. Raises ``RestoreRefused`` if the name is taken, or the copy failed.
        """
        kind = self.database.kind
        described = self.there.describe_snapshot(kind, self.name)
        if described is None:
            self._copy()
            return False
        seen = snapshot_of(kind, described)
        if seen.tags.get(COPIED_FROM_TAG) != self.copied_from:
            raise RestoreRefused(
                f"expected that the snapshot {self.name} is a copy of {self.copied_from}, or not there; its tag "
                f"{COPIED_FROM_TAG} is {seen.tags.get(COPIED_FROM_TAG, 'missing')}: it is not this restore's. "
                "Check it, and delete it if it is not needed"
            )
        if seen.state is SnapshotState.FAILED:
            raise RestoreRefused(
                f"RDS began to copy {self.copied_from} as {self.name}, and it is {seen.status} now. The usual cause "
                f"is a key: the vault's must allow account {self.account} to use it (RestoringAccounts of "
                f"accounts/vault.yaml), and {self.key} the caller. Delete the snapshot {self.name}, then try again"
            )
        if seen.state is SnapshotState.CREATING:
            return False
        self.lender.share_no_more(kind, self.copy.name, self.account)
        return True

    def _copy(self) -> None:
        kind, tags = self.database.kind, {**self.copy.tags, COPIED_FROM_TAG: self.copied_from}
        self.lender.share_snapshot(kind, self.copy.name, self.account)
        try:
            self.there.copy_snapshot(kind, self.copied_from, self.name, self.key, tags)
        except (Throttled, ServiceUnavailable):
            raise
        except AwsFault as fault:
            self.lender.share_no_more(kind, self.copy.name, self.account)
            if "KMS" not in fault.code:
                raise
            raise RestoreRefused(
                f"{self.copied_from} could not be copied: {fault}. The vault's key has to let account {self.account} "
                "use it: name it in RestoringAccounts of accounts/vault.yaml. Whoever copies also needs permission to "
                f"use {self.key}"
            ) from fault

    # -- beside the database, and in its place -------------------------------------------------------------------------

    def look(self) -> DatabaseSeen:
        """Return the database as it is now, and the snapshot, or as it will be before it exists.

        Raises ``RestoreRefused`` if no database shows how to configure the restored one, or a name is taken.
        """
        kind = self.database.kind
        snapshot = self.there.describe_snapshot(kind, self.name) or self._foreseen()
        units = self._units()
        if units[0].original is None and units[0].restored is None:
            raise RestoreRefused(
                f"expected a {kind} {self.database.identifier} in account {self.account}: the restored one gets its "
                "settings and its name. There is none: deploy the stage's last release first (belay retry), which "
                "creates it empty, then try again"
            )
        if units[0].original is None and units[0].restored_place is Place.NAME:
            raise RestoreRefused(
                f"{self.database} was already restored from {self.copy.name}, and the replaced one was deleted. "
                f"To restore it once more, first remove the tag {INCIDENT_TAG} from {self.database.identifier}"
            )
        taken = next(filter(None, map(in_the_way, units)), None)
        if taken is not None:
            raise RestoreRefused(
                f"the name {taken} is taken by a database that this restore did not make, maybe an earlier one of the "
                "same copy. Rename it, or delete it if not needed, or restore another copy (--copy)"
            )
        return DatabaseSeen(
            database=self.database.identifier,
            kind=kind,
            taken=self._taken(),
            now=now(),
            policy="automatic",
            snapshot=snapshot,
            units=units,
            obstacles=tuple(leaning(self.there, self.database, units[0])),
            last_step=self._tried[-1] if self._tried else None,
            blocked=self._blocked,
            reason=f"restored from {self.vault}",
        )

    def plan(self) -> tuple[Todo, ...]:
        """Return the next steps, from an observation of the database."""
        situation = Situation(
            application=self.stage.application,
            stage=self.stage.name,
            version=release_of(self.copy),
            stacks=(),
            tried=Counter((action, subject) for action, subject, _ in self._tried),
        )
        return plan_restore(self.look(), situation)

    def perform(self, step: Step) -> None:
        """Make a step's one call; the next observation shows its result.

        A refusal is recorded, so that the next plan undoes the swap, or leaves it to a person. Raises ``Throttled`` and
        ``ServiceUnavailable``, after which the step may be retried.
        """
        parameters = dict(step.parameters)
        if step.action is Action.CREATE_MEMBER:
            parameters["Tags"] = [*parameters["Tags"], {"Key": IN_PLACE_OF_TAG, "Value": step.subject}]
        try:
            self.there.perform(step.call[1], parameters)
        except (Throttled, ServiceUnavailable):
            raise
        except AwsFault as fault:
            self._blocked = str(fault)
        self._tried.append((step.action, step.subject, now()))

    def _taken(self) -> Taken:
        return Taken(
            name=self.name,
            application=self.stage.application,
            stage=self.stage.name,
            version=release_of(self.copy),
            since=None,
            copied_from=self.copied_from,
        )

    def _foreseen(self) -> Description:
        """The snapshot as it will be described: the copy, under its name in the stage's account."""
        kind = self.database.kind
        described = self.lender.describe_snapshot(kind, self.copy.name)
        if described is None:
            raise RestoreRefused(f"the copy {self.copy.name} is no longer in {self.vault}")
        tags = {**self.copy.tags, COPIED_FROM_TAG: self.copied_from}
        named = {kind.snapshot.identifier: self.name, "KmsKeyId": self.key}
        return {**described, **named, "TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _units(self) -> tuple[Unit, ...]:
        head = self._unit(Unit(self.database.kind, self.database.identifier, "", restore_name(self.copy.name)))
        of = self.database.kind.members
        if of is None:
            return (head,)
        units = (Unit(of.kind, name, "", head.incident) for name in self._members(head))
        return (head, *(self._unit(unit) for unit in units))

    def _unit(self, unit: Unit) -> Unit:
        """Return a unit with what exists at its places; the original is what this restore did not create."""
        seen = found(self.there, unit)
        places = (place for place in (Place.REPLACED, Place.NAME) if place in seen.found)
        originals = (each for each in places if seen.restored_place is not each)
        original = next(originals, None)
        return seen if original is None else replace(seen, source_id=unit.kind.resource_id(seen.found[original]))

    def _members(self, head: Unit) -> Sequence[str]:
        """The names of a cluster's members before any was renamed, taken from the restored ones' tags once renamed."""
        of = self.database.kind.members
        if of is None:
            return ()
        restored = {} if head.restored is None else members(self.there, of, head.restored)
        made = [own_tags(each).get(IN_PLACE_OF_TAG, "") for each in restored.values()]
        renamed = {name_beside(name, Place.REPLACED, head.incident): name for name in made if name}
        current = [] if head.original is None else of.names(head.original)
        return list(dict.fromkeys([*(renamed.get(name, name) for name in current), *filter(None, made)]))
