"""``rollback_stage`` is stopped after each of its steps in turn: it ends the same, and nothing is done twice."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from deployed_belay import Application, stop_when
from small_releases import setting, settings

Applications = Callable[..., Application]

STEPS = (
    "CONTINUE_UPDATE_ROLLBACK second",
    "SKIP_RESOURCES second",
    "DETECT_DRIFT second",
    "REVERT_DRIFT second",
    "DETECT_DRIFT second",
    "UPDATE_TO_BASELINE first",
)
"""What recovers the stage: the second stack's rollback is permanently stuck, the first one had succeeded."""


def stacks(version: str) -> dict[str, Any]:
    return {"first": setting(version), "second": settings(Setting=version, Later=version)}


def failing(app: Application) -> None:
    """Make the second stack's next update fail, and every rollback of one of its resources."""
    name = app.stack("second")
    app.belay.engine.fail_resource("Later", "update", stack=name, stack_status="UPDATE_IN_PROGRESS")
    app.belay.engine.fail_resource("Setting", "update", stack=name, stack_status="UPDATE_ROLLBACK_IN_PROGRESS", times=9)


def begun(app: Application, stack: str) -> Counter[str]:
    """How often each status of the stack was entered: every operation begins with one."""
    events = app.belay.there("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return Counter(each["ResourceStatus"] for each in events if each["PhysicalResourceId"] == each["StackId"])


# A recovery that continues and is stopped again; one that ended four times without a result is abandoned.
@pytest.mark.parametrize("stops", [(0, 1, 2), (3, 4, 5)])
def test_stopped_after_a_step(application: Applications, stops: tuple[int, ...]) -> None:
    app, order = application(), {"second": ["first"]}
    app.deploy("1.0.0", stacks=stacks("1.0.0"), depends_on=order)
    failing(app)
    release = app.release("1.1.0", stacks=stacks("1.1.0"), depends_on=order)

    with app.belay.held("PlanRollback") as look:
        upload = app.belay.upload(release)
        for step in stops:
            stop_when(app, look, partial(looks_again_after, app, step))

    assert app.belay.ended(upload)["outcome"] == "ROLLED_BACK"
    (incident,) = app.belay.incidents(app.name)
    assert [f"{each['action']} {each['subject']}" for each in incident["tried"]] == [*STEPS]
    assert all("seconds" in each for each in incident["tried"])
    assert len(app.belay.executions(app.name, "rollback_stage")) == len(stops) + 1
    for name in ("first", "second"):
        assert app.belay.setting(app.stack(name)) == "1.0.0"
        assert app.belay.status(app.stack(name)) == "UPDATE_COMPLETE"
        assert app.belay.change_sets(app.stack(name)) == []
    # An update and the rollback of the first; an update, three rollbacks and an update of the second.
    assert begun(app, app.stack("first"))["UPDATE_IN_PROGRESS"] == 2
    assert begun(app, app.stack("second"))["UPDATE_IN_PROGRESS"] == 2
    assert begun(app, app.stack("second"))["UPDATE_ROLLBACK_IN_PROGRESS"] == 3
    assert app.belay.last_known_good(app.name) == "1.0.0"
    assert app.belay.lock(app.name)["held"] is False


def looks_again_after(app: Application, step: int) -> bool:
    """Whether the machine has taken this many steps and observes the result of the last one."""
    states = app.belay.states(app.name, "rollback_stage")
    taken = [place for place, state in enumerate(states) if state == "StepTaken?"]
    return len(taken) > step and "PlanRollback" in states[taken[step] :]
