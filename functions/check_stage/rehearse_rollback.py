"""Rehearses a rollback before a stage is changed: checks everything that can be checked now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import timestamp
from belay.control.rehearsal import RehearsedRoles, RollbackRehearsal
from belay.control.stack_values import StackValues
from belay.control.stage import StageContext
from belay.home import own_home
from belay.release.life import State
from belay.release.place import Power
from belay.release.reason import ReleaseProblems
from belay.rollback.rehearsal import refusal
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    recover_stacks_role_arn: str
    recover_databases_role_arn: str
    protected: str


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Store the results with the plan, for the approvers. Raises ``InvalidRelease`` if it is not ready but must be."""
    home, settings = own_home(), read(Settings)
    run = StageContext.enter(event, home.ledger, home.artifacts)
    there = run.at(home.aws, Power.LOOK)
    looks = there.stacks, there.databases, there.services, there.alarms, there.verify_functions, there.roles
    roles = settings.recover_stacks_role_arn, settings.recover_databases_role_arn
    recovering = RehearsedRoles.of(run.stage.place, *roles, settings.protected)
    rehearsal = RollbackRehearsal(run, *looks, recovering, StackValues.of(there, home.ledger)).rehearse()
    run.artifacts.put_json(run.release.stage_key(run.stage.name, "rehearsal.json"), rehearsal.to_dict())
    told = "; ".join(rehearsal.reasons)
    run.ledger.attempts.record(
        run.release, State.REHEARSED, timestamp(), stage=run.stage.name, about=rehearsal.readiness, detail=told
    )
    refused = refusal(rehearsal, required=run.stage.require_rollback_ready)
    if refused:
        raise run.reasons.refused(ReleaseProblems(tuple(refused)))
    return {"readiness": rehearsal.readiness}
