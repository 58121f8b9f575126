"""Reports to deploy_release how a wave of stages ended, and rolls back the others with a failed one if registered."""

from collections.abc import Mapping
from typing import Any

from belay.control.incidents import Incidents
from belay.control.reasons import Reasons
from belay.control.wave_endings import WaveEndings
from belay.home import own_home
from belay.release.accepted import AcceptedRelease
from belay.release.reason import Statement, Why
from belay.release.records import ReleaseReference
from belay.settings import RollbackMachine, read

_DIED = Statement(Why.INTERRUPTED, "the stage's execution ended without an outcome")


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the ``outcome`` of the wave, null while one of its stages is active. The ledger has the stages' outcomes.

    The executions of its ``stages`` are over: one that has not ended is recovered.
    """
    home, settings = own_home(), read(RollbackMachine)
    ledger, artifacts = home.ledger, home.artifacts
    incidents = Incidents(ledger, artifacts, home.aws.executions, settings.rollback_stage_machine_arn)
    waves = WaveEndings(ledger, artifacts, incidents)
    release = ReleaseReference.from_dict(event["release"])
    accepted = AcceptedRelease.from_dict(artifacts.require_json(release.document_key))
    for stage in event["stages"]:
        waves.recover(release, stage, _DIED)
    ended = waves.conclude(ledger.attempts.required(release), accepted)
    kept = None if ended is None or ended.reason is None else Reasons(artifacts, release).keep(ended.reason)
    return {"outcome": ended and ended.outcome, "reason": kept, "wait_seconds": home.poll_seconds}
