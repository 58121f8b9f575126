"""The incidents of requested rollbacks: prepared from the ledger, and opened."""

from dataclasses import replace
from typing import Final

from belay.aws.clock import timestamp
from belay.aws.s3 import ArtifactBucket
from belay.control.applied_changes import applied_changes
from belay.control.incidents import Incidents
from belay.control.stage import CHANGE_PLAN
from belay.events.function_url import Refusal
from belay.ledger.ledger import Ledger
from belay.notify.told import in_words
from belay.release.accepted import AcceptedRelease
from belay.release.change_plan import ChangePlan
from belay.release.life import Occurrence
from belay.release.lock import Lock
from belay.release.reason import PersonDecided, Reason
from belay.release.records import Outcome, ReleaseReference
from belay.release.schema import misfit, schema_of
from belay.rollback.request import RollbackRange, RollbackRequest, rollback_range, undone_together
from belay.stack.plan import Progress, StagePlan
from belay.subject.incident import Incident
from belay.subject.names import asked_attempt, incident_of
from belay.subject.subjects import AskedRollback, ReleaseAttempt

BUSY: Final = "Busy"
"""The refusal of a rollback in a stage whose lock is held: it can be retried."""
OVERTAKEN: Final = "Overtaken"
"""The refusal to roll back a release's stage that runs another release by now."""


class RollbackIncidents:
    """Prepares and opens them; a person or a wave decided."""

    def __init__(self, ledger: Ledger, artifacts: ArtifactBucket, incidents: Incidents) -> None:
        self._ledger = ledger
        self._artifacts = artifacts
        self._incidents = incidents

    def take_back(self, release: ReleaseReference, stage: str, by: str, reason: Reason) -> str | Refusal:
        """Roll back a stage that a release was deployed to. Idempotent: returns the incident.

        ``by`` is the ARN of the execution that decided it.
        """
        taken_back = replace(release, attempt=asked_attempt(release.attempt, stage, ""))
        name = incident_of(taken_back.origin, stage)
        if self._ledger.incidents.get(release.application, name) is None:
            request = RollbackRequest(release.application, stage)
            asked = self._only(release, request)
            if isinstance(asked, Refusal):
                return asked
            prepared = self._prepared(request, asked, by, release.attempt, reason, taken_back.attempt)
            if isinstance(prepared, Refusal):
                return prepared
            self.open(*prepared)
        return name

    def prepare(self, request: RollbackRequest, by: str) -> tuple[Incident, RollbackRange] | Refusal:
        """Return the incident of a rollback, with its documents stored, and what it undoes; or the reason for a
        refusal.
        """
        stood_on = self._stands_on(request.application, request.stage)
        asked = self._range(request)
        return asked if isinstance(asked, Refusal) else self._prepared(request, asked, by, stood_on)

    def _only(self, release: ReleaseReference, request: RollbackRequest) -> RollbackRange | Refusal:
        """Return what a rollback of one release alone undoes, or why that is impossible."""
        asked = self._range(request)
        if self._stands_on(request.application, request.stage) != release.attempt:
            return Refusal(409, OVERTAKEN, f"{request.stage} does not run {release.version} any more")
        if isinstance(asked, Refusal) or [each.attempt for each in asked.undone] == [release.attempt]:
            return asked
        left = f"{asked.newest.version} failed in {request.stage} and left something there, which comes first"
        return Refusal(409, "Remains", left)

    def _range(self, request: RollbackRequest) -> RollbackRange | Refusal:
        lock = self._ledger.locks.get(request.application, request.stage)
        if lock is not None and lock.held:
            busy = f"{request.application} {lock.label} is running in {request.stage}: wait for it, or abort it"
            return Refusal(409, BUSY, busy)
        history = self._ledger.stages.history(request.application, request.stage)
        return rollback_range(request, history, self._remains(request, lock))

    def _prepared(  # noqa: PLR0917 - all are parts of one incident
        self,
        request: RollbackRequest,
        asked: RollbackRange,
        by: str,
        stood_on: str | None,
        reason: Reason | None = None,
        attempt: str = "",
    ) -> tuple[Incident, RollbackRange] | Refusal:
        changes = self._standing_changes(request.stage, asked)
        why = self._misfit(request, asked, changes)
        if why is not None:
            return Refusal(409, "SchemaOutOfRange", why)
        incident = self._incident(request, asked, by, stood_on, reason, attempt)
        if len(changes) == 1 and changes[0].not_undoable is None:
            self._artifacts.put_json(
                incident.subject.origin.stage_key(request.stage, CHANGE_PLAN), changes[0].to_dict()
            )
        return incident, asked

    def _standing_changes(self, stage: str, asked: RollbackRange) -> list[ChangePlan]:
        """Return the changes of the releases to be undone that a database still has, newest first."""
        kept = (self._artifacts.read(each.stage_key(stage, CHANGE_PLAN), ChangePlan.from_dict) for each in asked.undone)
        return [plan for plan in kept if plan is not None and plan.standing]

    def _misfit(self, request: RollbackRequest, asked: RollbackRange, changes: list[ChangePlan]) -> str | None:
        """Say why the target does not work with the schema that the database would have; None if it does.

        If all changes of a release can be undone, they are undone with it.
        """
        if asked.target is None or not changes:
            return None
        newest, target = changes[0], AcceptedRelease.from_dict(self._artifacts.require_json(asked.target.document_key))
        undone = len(changes) == 1 and newest.not_undoable is None
        accepted = AcceptedRelease.from_dict(self._artifacts.require_json(asked.newest.document_key))
        stage = accepted.stages[request.stage]
        at = schema_of(applied_changes(stage, newest.database.identifier, self._ledger, self._artifacts))
        if undone:
            at = None if newest.schema_range is None else newest.schema_range.before
        declared = target.manifest.database
        why = misfit(asked.target.version, None if declared is None else declared.schema, at)
        if why is None:
            return None
        kept = newest.not_undoable or "only what one release changed is undone with it"
        return (
            f"{newest.database}: {why}, and the changes are not undone: {kept}. Nothing was done. It is possible once "
            f"the database has a schema that {asked.target.version} works with (undo the changes, or restore the "
            f"database from a snapshot); or deploy a version that works with {at}, as `schema` in its release.yaml says"
        )

    def open(self, incident: Incident, asked: RollbackRange) -> str:
        """Open the incident, and record the request with every attempt that is to be undone."""
        name = self._incidents.open(incident)
        for each in asked.undone:
            self._ledger.attempts.note(
                each,
                Occurrence.ROLLBACK_ASKED,
                timestamp(),
                stage=incident.stage,
                incident=name,
                detail=in_words(incident.reason),
            )
        return name

    def _remains(self, request: RollbackRequest, lock: Lock | None) -> ReleaseReference | None:
        """Return the release whose failure left something in the stage: the last to change it, if not rolled back."""
        name = None if lock is None else lock.incident
        record = None if name is None else self._ledger.incidents.get(request.application, name)
        if record is None or record.outcome is not Outcome.NEEDS_OPERATOR:
            return None
        subject = record.incident.subject
        return subject.release if isinstance(subject, ReleaseAttempt | AskedRollback) else None

    def _incident(  # noqa: PLR0917 - all are parts of one incident
        self,
        request: RollbackRequest,
        asked: RollbackRange,
        by: str,
        stood_on: str | None,
        reason: Reason | None,
        attempt: str,
    ) -> Incident:
        """Combine what the releases to be undone did under an attempt of its own; return its incident."""
        stage, newest = request.stage, asked.newest
        target = asked.target.attempt if asked.target else ""
        release = replace(newest, attempt=attempt or asked_attempt(newest.attempt, target, timestamp()))
        undone = undone_together(
            [(self._plan(each, stage), self._ledger.baselines.of(each.origin, stage)) for each in asked.undone]
        )
        plan = undone.plan if asked.undone else _untouched(self._plan(newest, stage))
        document = self._artifacts.require_json(newest.document_key)
        self._artifacts.put_json(release.document_key, document)
        self._artifacts.put_json(release.stage_key(stage, "plan.json"), plan.to_dict())
        for stack, baseline in undone.baselines.items():
            self._ledger.baselines.record(release.origin, stage, stack, baseline)
        accepted = AcceptedRelease.from_dict(document)
        registered = accepted.stages[stage]
        to = f" to {asked.target.version}" if asked.target else ", the first release"
        subject = AskedRollback(
            release,
            stage,
            accepted.application.topic,
            asked_by=by,
            target=asked.target,
            stood_on=stood_on,
            ephemeral=registered.ephemeral,
        )
        wanted = PersonDecided(by, f"requested a rollback from {release.version}{to}", request.comment or "")
        return Incident.in_stage(registered, incident_of(release.origin, stage), subject, reason or wanted)

    def _stands_on(self, application: str, stage: str) -> str | None:
        runs = self._ledger.stages.runs(application, stage)
        return None if runs is None else runs.release.attempt

    def _plan(self, release: ReleaseReference, stage: str) -> StagePlan:
        return StagePlan.from_dict(self._artifacts.require_json(release.stage_key(stage, "plan.json")))


def _untouched(plan: StagePlan) -> StagePlan:
    """The stacks of a plan where none is to be undone: only stuck ones are recovered."""
    return StagePlan(tuple(replace(stack, progress=Progress.UNCHANGED, change_set_id=None) for stack in plan.stacks))
