"""Creates the change sets of a stage that can be created now, and checks those created before."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from belay.aws.clock import now
from belay.control.stage import StageContext
from belay.control.stage_change_sets import StageChangeSets
from belay.control.stage_files import RESERVE_MILLISECONDS as RESERVE
from belay.control.stage_files import StageFiles
from belay.home import own_home
from belay.release.place import Power
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    value_key_id: str
    digest_key_id: str


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Advance the plan one step; ``pipeline`` if the stage's own pipeline deploys it, without change sets.

    Values in tables are read first. Raises ``InvalidRelease`` if one is missing, or the changes violate a policy.
    """
    home, settings = own_home(), read(Settings)
    run = StageContext.enter(event, home.ledger, home.artifacts).read_tables(home.aws)
    there, files, pipeline = run.at(home.aws, Power.DEPLOY), StageFiles.kept_by(home.aws, run), run.stage.runs_pipeline
    key, digests = home.aws.value_key(settings.value_key_id), home.aws.mac_key(settings.digest_key_id)
    change_sets = StageChangeSets(run, there.stacks, there.alarms, files, key=key, digests=digests)
    plan = None if pipeline else change_sets.advance(lambda: context.get_remaining_time_in_millis() >= RESERVE)
    return {
        "ready": plan is None or plan.ready,
        "unready": "" if plan is None else plan.unready,
        "pipeline": pipeline,
        "changes": run.changes_database,
        "wait_seconds": home.poll_seconds,
        "ephemeral": run.stage.ephemeral,
        "windows": run.stage.calendar.registered,
        "forecast": run.forecast,
        "approval": approval(run),
    }


def approval(run: StageContext) -> dict[str, Any]:
    """Return whether the stage asks for approval, and the remaining time: a pending request keeps its deadline.

    It is ``given`` by a person, or by the registration if nothing changes. An approval is valid for one plan only.
    """
    days = run.stage.approval.expires_after_days
    asked = run.ledger.approvals.asked_of(run.release, run.stage.name)
    approved = asked is not None and asked.answer is not None and asked.answer.word == "approve"
    expires_at = now() + timedelta(days=days) if asked is None else datetime.fromisoformat(asked.expires_at)
    return {
        "required": run.stage.approval.required,
        "given": approved or (run.stage.approval.required and not run.asks),
        "expires_after_days": days,
        "expires_after_seconds": max(1, math.floor((expires_at - now()).total_seconds())),
    }
