"""Opens the incident of a release that failed in a stage, when a state machine sees the failure."""

from collections.abc import Mapping
from typing import Any

from belay.control.incidents import Incidents
from belay.control.reasons import read_reason
from belay.home import own_home
from belay.release.ending import outcome_of_stage
from belay.release.reason import Statement, Why
from belay.release.records import ReleaseReference
from belay.settings import RollbackMachine, read


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Open the incident, unless it is open; either way its own execution recovers it.

    A stage that has ended, even just before its state machine died, needs no recovery: its ``outcome`` is returned.
    """
    home, settings = own_home(), read(RollbackMachine)
    incidents = Incidents(home.ledger, home.artifacts, home.aws.executions, settings.rollback_stage_machine_arn)
    release = ReleaseReference.from_dict(event["release"])
    outcome, incident = outcome_of_stage(home.ledger.attempts.get(release), event["stage"]), None
    if outcome is None:
        reason = read_reason(home.artifacts, event["reason"]) or Statement(Why.INTERRUPTED, "no reason was given")
        incident = incidents.open_for_release(release, event["stage"], reason)
        outcome = None if incident else outcome_of_stage(home.ledger.attempts.get(release), event["stage"])
    return {"incident": incident, "outcome": outcome, "wait_seconds": home.poll_seconds}
