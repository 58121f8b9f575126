"""Copies a release's files to the artifact bucket, checking each digest, in pieces that fit a function's time limit."""

from collections.abc import Mapping
from typing import Any

from belay.control.release_copies import ReleaseCopies
from belay.home import own_home
from belay.release.records import ReleaseReference

RESERVE_MILLISECONDS = 600_000
"""A member is started only while this much time is left: the largest allowed one needs less."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Copy members starting at index ``chunk``; ``done`` when the last is copied. Raises ``InvalidRelease``."""
    home = own_home()
    copies = ReleaseCopies(home.ledger, home.artifacts, home.aws.buckets)
    release = ReleaseReference.from_dict(event["release"])
    copied, done = copies.copy(
        release, event["chunk"], lambda: context.get_remaining_time_in_millis() >= RESERVE_MILLISECONDS
    )
    return {"chunk": copied, "done": done}
