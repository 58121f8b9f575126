"""Tracks a release in the ledger and sends its messages; has no permissions on what it deploys."""

from collections.abc import Mapping

from belay.observability import Handler
from belay.steps import one_of
from follow_release import (
    announce_release,
    check_window,
    close_release,
    finish_stage,
    hold_release,
    lock_stage,
    supersede_older,
)

STEPS: Mapping[str, Handler] = {
    "announce_release": announce_release.handler,
    "check_window": check_window.handler,
    "close_release": close_release.handler,
    "finish_stage": finish_stage.handler,
    "hold_release": hold_release.handler,
    "lock_stage": lock_stage.handler,
    "supersede_older": supersede_older.handler,
}

handler = one_of(STEPS)
