"""Deletes the copies of databases that an execution made, and waits until they are deleted."""

from collections.abc import Mapping
from typing import Any

from belay.control.alone import EachAlone
from belay.control.copies import Copies
from belay.control.places import Places
from belay.home import own_home
from belay.observability import observed
from belay.release.accepted import AcceptedRelease
from belay.release.place import Power
from belay.release.records import ReleaseReference


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Begin to delete each copy; ``gone`` once there are none. The role can delete copies and nothing else."""
    home = own_home()
    release = ReleaseReference.from_dict(event["release"])
    accepted = AcceptedRelease.from_dict(home.artifacts.require_json(release.document_key))
    there = Places(home.aws, Power.CLEAN, "copies").of(accepted.stages[event["stage"]])
    alone = EachAlone()
    left = Copies(there.database_copies, alone).delete_of(event["execution"])
    for fault in alone.faults:
        raise fault
    return {"gone": not left, "wait_seconds": home.poll_seconds}
