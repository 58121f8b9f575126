"""Looking at a whole stage before its recovery is planned."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from belay.control.questions import Questions
from belay.control.recovered_databases import RecoveredDatabases
from belay.control.recovered_services import RecoveredServices
from belay.control.recovered_stacks import RecoveredStacks
from belay.control.recovery import Recovery
from belay.control.verification import RecoveredStage, StageVerification
from belay.rollback.situation import Situation
from belay.subject.subjects import AskedRollback, Subject


def look(recovery: Recovery, stacks: RecoveredStacks) -> Situation:
    """Gather what there is to see, and what this incident has tried already."""
    incident = recovery.incident
    subject = incident.subject
    good = recovery.ledger.releases.last_known_good(incident.application, incident.stage)
    stage, seen = recovery.registered(), stacks.look()
    tried = Counter((each.action, each.subject) for each in recovery.record.tried)
    if isinstance(subject, AskedRollback) and good is not None and subject.is_overtaken_by(good["release"]["attempt"]):
        overtaken = f"{good['version']} was deployed after the rollback was asked for; ask again"
        seen = tuple(replace(stack, blocked=overtaken) for stack in seen)
    return Situation(
        application=incident.application,
        stage=incident.stage,
        version=subject.origin.name,
        stacks=seen,
        databases=RecoveredDatabases.of(recovery).look(seen),
        services=RecoveredServices.of(recovery).look(stage),
        verification=RecoveredStage(recovery, StageVerification.here()).look(stage),
        goal=_goal(subject, good),
        recover_foreign=incident.recover_foreign,
        ephemeral=subject.ephemeral,
        role_arn=incident.service_role,
        tried=tried,
        answers=Questions(recovery).answers(),
    )


def _goal(subject: Subject, good: Mapping[str, Any] | None) -> str | None:
    """Return the version that the stage goes back to.

    Where a person asked, it is their target: the last-known-good is what they leave until the stage is there.
    """
    if isinstance(subject, AskedRollback):
        return None if subject.target is None else subject.target.version
    return None if good is None else str(good["version"])
