"""Takes a stage's lock for a release or for its incident, or joins the queue."""

from collections.abc import Mapping
from typing import Any

from belay.control.stage_locks import StageLocks
from belay.home import own_home
from belay.release.lock import Claim
from belay.release.records import ReleaseReference


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Acquire the lock with a new fencing token, or say who has it and how long to wait.

    Raises ``IncidentEnded``, ``LockLost`` and ``ReleaseSuperseded``.
    """
    home = own_home()
    locks = StageLocks(home.ledger, home.aws.executions)
    execution = event["execution"]
    if event["incident"] is None:
        claim = Claim.of_release(ReleaseReference.from_dict(event["release"]), event["stage"], execution)
    else:
        claim = locks.claim_for(event["application"], event["incident"], execution)
    fencing = locks.take(claim)
    return {
        "acquired": fencing is not None,
        "fencing": fencing,
        "holder": locks.holder(claim),
        "wait_seconds": home.poll_seconds,
    }
