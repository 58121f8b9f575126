"""The live validation: checks the actual security groups of the deployed stacks against the policies."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clock import timestamp
from belay.control.checks.live_groups import LiveGroupsCheck
from belay.control.live import live_stages
from belay.control.stage import StageContext
from belay.control.stage_checks import look, validation
from belay.home import own_home
from belay.release.gate import refusal_of
from belay.release.life import State
from belay.release.place import Power
from belay.release.reason import Statement, Why
from belay.release.verification import Verification, Verified


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return PASS, FAIL or REVIEW, with what was found. Undecided is not a pass."""
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    there = run.at(home.aws, Power.LOOK)
    checks = validation(LiveGroupsCheck(live_stages(there, run.artifacts), run.release, run.accepted))
    standing, report = look(checks, run.deployed(), Verification(since=timestamp()))
    run.artifacts.put_json(run.release.stage_key(run.stage.name, "live-report.json"), report.to_json())
    run.ledger.attempts.record(run.release, State.VALIDATED, timestamp(), stage=run.stage.name, about=standing.verdict)
    if standing.verdict is Verified.PASS:
        return {"verdict": standing.verdict, "reason": None}
    refusal = refusal_of(report)
    reason = refusal if refusal.findings else Statement(Why.NOT_VERIFIED, standing.reason)
    return {"verdict": standing.verdict, "reason": run.reasons.keep(reason)}
