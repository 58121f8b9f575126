"""Closes an incident: records and announces the outcome, and releases the stage's lock."""

from collections.abc import Mapping
from typing import Any

from belay.control.closing import Closing, ended
from belay.control.places import Places
from belay.control.recovered_changes import record_restored
from belay.control.recovered_stacks import RecoveredStacks
from belay.control.recovery import Recovery
from belay.control.stack_values import StackValues
from belay.home import own_home
from belay.release.place import Power
from belay.release.records import Outcome
from belay.settings import DefaultTopic, read


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Record and announce how the recovery ended; ``reason`` is set if the recovery itself failed."""
    home, settings = own_home(), read(DefaultTopic)
    ledger, artifacts = home.ledger, home.artifacts
    recovery = Recovery.enter({**event, "fencing": None}, ledger, artifacts)
    there = recovery.at(home.aws, Power.RECOVER)
    places = Places(home.aws, Power.RECOVER, "recovery")
    closing = Closing(ledger, artifacts, places, home.aws.notifications, settings.notification_topic_arn)
    outcome = Outcome(event["outcome"])
    RecoveredStacks(recovery, there.stacks, there.drift, StackValues.of(there, ledger)).discard_change_sets()
    record_restored(recovery)
    closing.close(recovery, ended(recovery, outcome, event["reason"]))
    # Last: another execution waiting for the lock for the same recovery must find the incident ended.
    if event["fencing"] is not None:
        recovery.ledger.locks.release(recovery.application, recovery.incident.stage, int(event["fencing"]))
    return {"outcome": outcome}
