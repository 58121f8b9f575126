"""Copies of snapshots in vaults: what releases and pipelines send there, and the progress of each copy.

No release waits for a copy, which may take hours. Each has a deadline; a failed copy is reported, and never counts as
made (docs/databases.md).
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial

from belay.aws.clock import timestamp
from belay.aws.gateways import Aws
from belay.aws.rds import Databases
from belay.aws.sessions import Session
from belay.control.alone import EachAlone
from belay.control.retention import SnapshotRetention
from belay.control.topics import Topic
from belay.database.kind import DatabaseKind, Description
from belay.database.kinds import KINDS
from belay.database.snapshots import SnapshotState, snapshot_of
from belay.errors import AwsFault, BelayError, ServiceUnavailable, SnapshotFailed, Throttled
from belay.ledger.ledger import Ledger
from belay.notify.message import Message
from belay.notify.publication import told_on
from belay.notify.vaults import vault_copied, vault_copy_failing, vault_copy_given_up
from belay.release.life import Occurrence
from belay.release.origin import Origin
from belay.release.place import AccountRegion
from belay.release.registration import Database, Stage
from belay.release.vault import Vault
from belay.release.vault_copy import MOST_AT_ONCE, VaultCopy

_QUOTA = "QuotaExceeded"


class CopyProgress(StrEnum):
    """How far a copy is."""

    WAITING = "waiting"
    """It cannot start yet: others are in progress, there is no room, or something was refused."""
    BEING_MADE = "being made"
    AVAILABLE = "available"
    GIVEN_UP = "given up"


# -- what is sent ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sender:
    """Sends the snapshots of one stage to its vault: those that were taken for an origin.

    ``execution`` took them, ``topic`` is where failed copies are announced; ``taken_by`` and ``pipeline`` are as for
    ``VaultCopy``.
    """

    stage: Stage
    origin: Origin
    execution: str
    taken_by: str
    topic: str | None
    pipeline: str = ""

    def send(self, databases: Databases, ledger: Ledger, now: datetime) -> "Sent":
        """Share the available snapshots with the vault's account, and record that they are to be copied there.

        A snapshot that cannot be shared blocks nothing: the reason is recorded, and reported with the failed copy.
        """
        vault = self.stage.vault
        if vault is None:
            return Sent((), ready=True)
        copies, ready = list[VaultCopy](), True
        for database in self.stage.databases:
            described = databases.describe_snapshot(database.kind, database.snapshot_name(self.origin, self.stage.name))
            state = None if described is None else snapshot_of(database.kind, described).state
            ready = ready and state is not SnapshotState.CREATING
            if described is not None and state is SnapshotState.AVAILABLE:
                unshared = _shared(databases, database, described, vault)
                copies.append(self._copy(database.kind, described, vault, now, unshared))
        for each in copies:
            ledger.vault_copies.enter(each)
        return Sent(tuple(f"{each.in_words} is to be copied to {vault}" for each in copies), ready)

    def _copy(self, kind: DatabaseKind, snapshot: Description, vault: Vault, now: datetime, unshared: str) -> VaultCopy:
        return VaultCopy(
            origin=self.origin,
            stage=self.stage.name,
            kind=kind.name,
            database=str(snapshot[kind.identifier]),
            name=str(snapshot[kind.snapshot.identifier]),
            source=kind.snapshot.arn(snapshot),
            gibibytes=int(snapshot.get("AllocatedStorage") or 0),
            execution=self.execution,
            taken_by=self.taken_by,
            vault=vault,
            topic=self.topic,
            since=now,
            unshared=unshared,
            pipeline=self.pipeline,
        )


@dataclass(frozen=True)
class Sent:
    """What was sent to a vault, a line for each snapshot; ``ready`` unless one is still being taken."""

    lines: tuple[str, ...]
    ready: bool


def _shared(databases: Databases, database: Database, snapshot: Description, vault: Vault) -> str:
    """Share a snapshot with a vault's account; return the reason for a refusal, empty if there is none."""
    try:
        databases.share_snapshot(database.kind, str(snapshot[database.kind.snapshot.identifier]), vault.account)
    except (Throttled, ServiceUnavailable):
        raise
    except AwsFault as fault:
        return str(fault)
    return ""


# -- what is made of it ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Vaults:
    """Advances copies, with the role of each vault's account; ``home`` is Belay's own, as each copy says which vault.

    A fault of one copy or vault does not affect the others: ``alone`` collects those that are not reported elsewhere.
    """

    home: Aws
    ledger: Ledger
    default_topic: str
    alone: EachAlone = field(default_factory=EachAlone)

    def bring_on(self, copies: Sequence[VaultCopy], now: datetime) -> dict[str, list[str]]:
        """Advance each copy one step, the oldest first, and clean up where one became available or had no room.

        Returns their names by progress.
        """
        making: Counter[AccountRegion] = Counter()
        found: dict[str, list[str]] = {each.value: [] for each in CopyProgress}
        to_clean: dict[tuple[Vault, str, str], VaultCopy] = {}
        for copy in sorted(copies, key=lambda each: each.since):
            advance = partial(self._advance, copy, making, now)
            progress, cramped = self.alone.attempt(advance, about=copy.name) or (CopyProgress.WAITING, False)
            found[progress].append(copy.name)
            making[copy.vault.where] += progress is CopyProgress.BEING_MADE
            if cramped or progress is CopyProgress.AVAILABLE:
                to_clean[copy.vault, copy.origin.application, copy.stage] = copy
        for copy in to_clean.values():
            self._clean(copy)
        return found

    def _advance(self, copy: VaultCopy, making: Counter[AccountRegion], now: datetime) -> tuple[CopyProgress, bool]:
        """Advance one copy; return whether the vault had no room. A region that did not respond is tried once."""
        fault: BelayError | None = self.alone.out_of_reach.get(copy.vault.region)
        progress = CopyProgress.WAITING
        try:
            progress = progress if fault else self._look(copy, making)
        except BelayError as error:
            fault = error
            if isinstance(error, ServiceUnavailable) and not error.answered:
                self.alone.out_of_reach[copy.vault.region] = error
        cramped = isinstance(fault, AwsFault) and _QUOTA in fault.code
        if progress is CopyProgress.AVAILABLE:
            if copy.failing:
                self._tell(copy, vault_copied(copy))
            self._conclude(copy, Occurrence.IN_VAULT, f"{copy.in_words}: {copy.vault}")
        elif isinstance(fault, SnapshotFailed) or copy.is_late(now):
            why = str(fault or copy.failing or f"it is {progress} since {copy.since:%Y-%m-%d %H:%M} UTC")
            self._tell(copy, vault_copy_given_up(copy, why))
            self._conclude(copy, Occurrence.NOT_IN_VAULT, f"{copy.in_words}: {why}")
            progress = CopyProgress.GIVEN_UP
        elif fault is not None and not (cramped or isinstance(fault, (Throttled, ServiceUnavailable))):
            why = "; ".join(filter(None, (copy.unshared, str(fault))))
            self._tell(copy, vault_copy_failing(copy, why))
            self.ledger.vault_copies.note_failing(replace(copy, failing=why))
        return progress, cramped

    def _look(self, copy: VaultCopy, making: Counter[AccountRegion]) -> CopyProgress:
        """Check the copy, and start it if there is none. Raises ``AwsFault``, and ``SnapshotFailed`` if it failed."""
        databases, kind = self._databases(copy), copy.database_kind
        described = databases.describe_snapshot(kind, copy.name)
        if described is None:
            if making[copy.vault.where] >= MOST_AT_ONCE:
                return CopyProgress.WAITING
            databases.copy_snapshot(kind, copy.source, copy.name, copy.vault.key, copy.tags)
            return CopyProgress.BEING_MADE
        seen = snapshot_of(kind, described)
        if seen.state is SnapshotState.FAILED:
            databases.delete_snapshot(kind, copy.name)
            raise SnapshotFailed(f"the copy was {seen.status}, and is deleted")
        return CopyProgress.AVAILABLE if seen.state is SnapshotState.AVAILABLE else CopyProgress.BEING_MADE

    def _clean(self, copy: VaultCopy) -> None:
        """Delete the copies that a stage no longer needs in its vault."""
        alone = replace(self.alone, about=str(copy.vault), region=copy.vault.region)
        retention = SnapshotRetention(self.ledger, self._databases(copy), alone)
        of = (copy.origin.application, copy.stage)

        def clean(kind: DatabaseKind) -> None:
            # A transient fault is no problem: the next copy cleans up after this one, too.
            with suppress(Throttled, ServiceUnavailable):
                retention.clean(kind, copy.taken_by, copy.vault.keep, dry_run=False, of=of)

        for kind in KINDS.values():
            alone.attempt(partial(clean, kind))

    def _conclude(self, copy: VaultCopy, what: Occurrence, detail: str) -> None:
        if not copy.pipeline:
            self.ledger.attempts.note(copy.origin, what, timestamp(), stage=copy.stage, detail=detail)
        self.ledger.vault_copies.forget(copy)

    def _tell(self, copy: VaultCopy, message: Message) -> None:
        topic = Topic(self.home.notifications, told_on(copy.topic, self.default_topic), self.ledger)
        topic.publish(message, [AccountRegion.of(copy.source)])

    def _databases(self, copy: VaultCopy) -> Databases:
        session = Session(copy.origin.application, copy.stage, "vault")
        return self.home.assuming(copy.vault.role, copy.vault.region, session).databases
