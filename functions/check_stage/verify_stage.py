"""Verifies what is deployed with the stage's checks, until the bake time has passed."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clock import timestamp
from belay.control.stage import StageContext
from belay.control.stage_stacks import refuse_deleted
from belay.control.verification import StageVerification
from belay.home import own_home
from belay.release.life import State
from belay.release.place import Power
from belay.release.reason import Statement, Why
from belay.release.verification import Verification, Verified
from belay.release.verification_parts import verification_parts


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Run the verification's next step: its verdict is AGAIN until it passes or fails, with the reason.

    Raises ``StackFailed`` if it passes and a stack was deleted.
    """
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    there = run.at(home.aws, Power.LOOK)
    verification = StageVerification(there.alarms, there.verify_functions)
    standing = (
        look(run, verification) if verification_parts(run.stage) else Verification(since="", verdict=Verified.PASS)
    )
    if standing.verdict is Verified.PASS:
        refuse_deleted(run, there.stacks)
    failed = standing.verdict in (Verified.FAIL, Verified.REVIEW)
    return {
        "verdict": standing.verdict,
        "reason": run.reasons.keep(Statement(Why.NOT_VERIFIED, standing.reason)) if failed else None,
        "wait_seconds": home.poll_seconds,
    }


def look(run: StageContext, verification: StageVerification) -> Verification:
    """Check once, and store the state for the next check."""
    release, stage = run.release, run.stage
    key = release.stage_key(stage.name, "verification.json")
    standing = verification.look(run.artifacts.read(key, Verification.from_dict), run.deployed())
    run.artifacts.put_json(key, standing.to_dict())
    if standing.verdict is not Verified.AGAIN:
        run.ledger.attempts.record(
            release, State.VERIFIED, timestamp(), stage=stage.name, about=standing.verdict, detail=standing.reason
        )
    return standing
