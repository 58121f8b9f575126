"""Tracks a release in the ledger and sends its messages; has no permissions on what it deploys."""

from collections.abc import Mapping

from belay.observability import Handler
from belay.steps import one_of
from follow_release import (
    announce_release,
    check_window,
    close_release,
    enter_stage,
    finish_stage,
    hold_release,
    leave_stage,
    lock_stage,
    supersede_older,
    take_up_plan,
)

STEPS: Mapping[str, Handler] = {
    "announce_release": announce_release.handler,
    "check_window": check_window.handler,
    "close_release": close_release.handler,
    "enter_stage": enter_stage.handler,
    "finish_stage": finish_stage.handler,
    "hold_release": hold_release.handler,
    "leave_stage": leave_stage.handler,
    "lock_stage": lock_stage.handler,
    "supersede_older": supersede_older.handler,
    "take_up_plan": take_up_plan.handler,
}

handler = one_of(STEPS)
