"""The databases of an incident: observing them, and performing their steps."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from belay.aws.clock import now
from belay.aws.rds import Databases
from belay.control.recovered_changes import blocked_as
from belay.control.recovery import Recovery
from belay.control.restored_units import found, leaning, members
from belay.database.kind import Description, Members
from belay.database.kinds import KINDS
from belay.database.restore import Taken, Unit
from belay.errors import AwsFault, ServiceUnavailable, Throttled
from belay.notify.told import in_words
from belay.release.registration import Database, Stage
from belay.rollback.databases import Reach, reached
from belay.rollback.noted import Noted
from belay.rollback.plan import Action, Kind, Step
from belay.rollback.situation import DatabaseSeen, StackSeen
from belay.subject.subjects import AskedRollback


class RecoveredDatabases:
    """Observes an incident's databases and performs their steps."""

    def __init__(self, recovery: Recovery, databases: Databases) -> None:
        self._recovery = recovery
        self._incident = recovery.incident
        self._databases = databases

    # -- observing -----------------------------------------------------------------------------------------------

    def look(self, stacks: Sequence[StackSeen]) -> tuple[DatabaseSeen, ...]:
        """Return the databases registered for the stage; none if no release is involved.

        RDS is called only if the release has changed their data: nothing is planned for the others.
        """
        accepted = None if self._incident.subject.ephemeral else self._recovery.accepted()
        if accepted is None:
            return ()
        stage, plan = accepted.stages[self._incident.stage], self._recovery.change_plan()
        asked = isinstance(self._incident.subject, AskedRollback)
        known = [
            DatabaseSeen(
                database=each.identifier,
                kind=each.kind,
                taken=self._taken(each, stage),
                now=now(),
                declared=accepted.manifest.database,
                executor=each.identifier in stage.executors,
                plan=plan if plan is not None and plan.database == each else None,
                undo_refused=self._recovery.blocked(blocked_as(each.identifier)),
                rehearsed=self._recovery.rehearsed_undos(),
                policy=stage.restore,
                asked=asked,
            )
            for each in stage.databases
        ]
        return tuple(
            self._looked_at(each, database) if reached(each, stacks) is Reach.REACHED else each
            for each, database in zip(known, stage.databases, strict=True)
        )

    def _looked_at(self, known: DatabaseSeen, database: Database) -> DatabaseSeen:
        """Read a database. A denied describe call must not block the rollback of the stacks: it is recorded for a
        person.

        Unless a restore has begun: nothing can be planned without knowing which database has the name.
        """
        try:
            return self._seen(known, database)
        except (Throttled, ServiceUnavailable):
            raise
        except AwsFault as fault:
            if self._begun():
                raise
            return replace(known, unseen=str(fault))

    def _begun(self) -> bool:
        return any(each.kind is Kind.DATABASE and each.action is not Action.ASK for each in self._recovery.record.tried)

    def _seen(self, known: DatabaseSeen, database: Database) -> DatabaseSeen:
        snapshot = self._databases.describe_snapshot(database.kind, known.taken.name)
        units = self._units(database, snapshot)
        return replace(
            known,
            snapshot=snapshot,
            units=units,
            obstacles=tuple(leaning(self._databases, database, units[0])),
            last_step=self._last_step([unit.name for unit in units]),
            blocked=next(filter(None, (self._recovery.blocked(unit.name) for unit in units)), None),
            reason=in_words(self._incident.reason),
        )

    def _taken(self, database: Database, stage: Stage) -> Taken:
        origin = self._recovery.origin
        attempt = self._recovery.ledger.attempts.of_id(origin.application, origin.attempt)
        return Taken(
            name=database.snapshot_name(origin, stage.name),
            application=origin.application,
            stage=stage.name,
            version=origin.name,
            since=None if attempt is None else datetime.fromisoformat(attempt.claimed_at),
            vault="" if stage.vault is None else str(stage.vault),
        )

    def _units(self, database: Database, snapshot: Description | None) -> tuple[Unit, ...]:
        """The database and a cluster's members: as they are now, or as recorded before the swap."""
        source = "" if snapshot is None else database.kind.resource_id(snapshot)
        head = found(self._databases, Unit(database.kind, database.identifier, source, self._incident.name))
        of = database.kind.members
        if of is None:
            return (head,)
        members = self._recovery.noted(database.identifier).members
        if members is None:
            members = {} if head.original is None else self._members(of, head.original)
        units = (Unit(of.kind, name, member, self._incident.name) for name, member in members.items())
        return (head, *(found(self._databases, unit) for unit in units))

    def _members(self, of: Members, described: Description) -> dict[str, str]:
        """The members with their resource ids, in the order in which they are restored."""
        seen = members(self._databases, of, described)
        return {name: of.kind.resource_id(each) for name, each in seen.items()}

    def _last_step(self, names: list[str]) -> tuple[Action, str, datetime] | None:
        taken = [
            each
            for each in self._recovery.record.tried
            if each.kind is Kind.DATABASE and each.subject in names and each.action is not Action.ASK
        ]
        if not taken:
            return None
        return taken[-1].action, taken[-1].subject, datetime.fromisoformat(taken[-1].at)

    # -- acting --------------------------------------------------------------------------------------------------

    def perform(self, step: Step, number: int) -> bool:
        """Make a step's one call. It is never repeated: the next observation shows its result.

        A permanent refusal by RDS is recorded, so that the next plan undoes the swap: between its two renames no
        database has the name.
        """
        if step.action is Action.RESTORE_DATABASE:
            self._note_members(step)
        self._recovery.take(step, number)
        with self._recovery.blocking(step.subject):
            self._databases.perform(step.call[1], step.parameters)
        return False

    def _note_members(self, step: Step) -> None:
        """Record a database's members before any of them is renamed."""
        kind = next(each for each in KINDS.values() if each.made_by == step.call[1])
        described = self._databases.describe(kind, step.subject) if kind.members else None
        if kind.members and described is not None and self._recovery.noted(step.subject).members is None:
            self._recovery.note(step.subject, Noted(members=self._members(kind.members, described)))
