"""UserParameters by owners of pipelines are read, or refused with clear messages."""

from collections.abc import Callable
from typing import Any

import pytest

from belay.errors import InvalidActionConfiguration
from belay.pipeline.actions import (
    NotifyAction,
    Registered,
    RollbackAction,
    SnapshotAction,
    notify_action,
    rollback_action,
    snapshot_action,
)

EXECUTION = "12345678-1234-5678-abcd-12345678abcd"
STAGE = {"application": "orders", "stage": "production", "execution": EXECUTION}
PRODUCTION = Registered("orders", "production")


def test_whole_parameters_are_read() -> None:
    assert snapshot_action(STAGE) == SnapshotAction(PRODUCTION, EXECUTION)
    assert rollback_action(STAGE | {"reason": "slow"}) == RollbackAction(PRODUCTION, EXECUTION, "slow")
    assert notify_action(STAGE | {"message": "Look.", "severity": "critical"}) == NotifyAction(
        "orders", "production", EXECUTION, "Look.", "critical"
    )


def test_what_may_be_left_out() -> None:
    assert rollback_action(STAGE).reason == "the pipeline requested a rollback"
    assert notify_action({"application": "orders", "message": "Look."}) == NotifyAction(
        "orders", None, None, "Look.", "info"
    )


@pytest.mark.parametrize(
    ("parse", "parameters", "words"),
    [
        (snapshot_action, {}, "UserParameters.application: expected a text, found None"),
        (snapshot_action, STAGE | {"stage": 7}, "UserParameters.stage: expected a text, found 7"),
        (snapshot_action, STAGE | {"reason": "x"}, "unknown reason; known are application, execution, stage"),
        (
            snapshot_action,
            STAGE | {"execution": "#{codepipeline.Pipeline}"},
            r"UserParameters.execution: expected .* found '#\{codepipeline.Pipeline\}'",
        ),
        (rollback_action, STAGE | {"reason": ""}, "UserParameters.reason: expected a text, found ''"),
        (notify_action, STAGE, "UserParameters.message: expected a text"),
        (notify_action, {"message": "x"}, "UserParameters.application: expected a text"),
        (
            notify_action,
            {"application": "orders", "message": "x", "severity": "loud"},
            "UserParameters.severity: expected one of info, warning, critical, found 'loud'",
        ),
    ],
)
def test_what_is_wrong_is_said(parse: Callable[[Any], object], parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidActionConfiguration, match=words):
        parse(parameters)
