"""Windows and freezes: a release is held before its lock, announced once, and continues on time or on an override."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from deployed_belay import Application, until

Applications = Callable[..., Application]


def frozen(app: Application, reason: str = "year-end closing") -> None:
    """Register a freeze that lasts longer than any test."""
    begins, ends = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 30))
    app.register(freezes=[{"from": f"{begins:%Y-%m-%d}", "until": f"{ends:%Y-%m-%d}", "reason": reason}])


def held(app: Application, version: str = "1.0.0") -> str:
    """Wait until a release is held; return the token of the waiting task."""
    hold = until(lambda: app.belay.of_attempt(app.name, "HOLD#production", version))
    app.belay.in_state(app.name, version, "WaitForWindow")
    return str(hold["task_token"])


def test_a_window_that_is_open_holds_nothing(application: Applications) -> None:
    app = application(windows=[{"from": "00:00", "until": "24:00"}], timezone="Europe/Berlin")

    app.deploy()

    states = app.belay.states(app.name, "deploy_stage")
    assert "CheckWindow" in states
    assert "WaitForWindow" not in states
    app.told("deployment-started", "DEPLOYED")


def test_a_frozen_stage_holds_a_release_until_a_person_lets_it_through(application: Applications) -> None:
    app = application()
    frozen(app)
    upload = app.belay.upload(app.release())
    held(app)
    assert not app.belay.lock(app.name)
    assert "HELD" in app.belay.transitions(app.name)

    no_comment, _ = app.belay.decide({"decision": "override"}, app.name, user="maria")
    status, answer = app.belay.decide({"decision": "override", "comment": "orders are lost"}, app.name, user="maria")

    assert (no_comment, status) == (400, 200)
    assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
    recorded = app.belay.of_attempt(app.name, "OVERRIDE#production")
    assert (recorded["by"], recorded["comment"]) == (answer["by"], "orders are lost")
    _, told, _ = app.told("deployment-started", "release-held", "DEPLOYED")
    assert "year-end closing" in told.text
    assert f"belay override {app.name}/1.0.0 --stage production" in told.text


def test_it_looks_again_when_the_time_has_come_and_tells_nothing_twice(application: Applications) -> None:
    app = application()
    frozen(app)
    upload = app.belay.upload(app.release())
    states = app.belay.aws("stepfunctions")

    states.send_task_failure(taskToken=held(app), error="States.Timeout", cause="the window opens")

    until(lambda: app.belay.states(app.name, "deploy_stage").count("WaitForWindow"), lambda count: count == 2)
    held(app)
    assert app.belay.decide({"decision": "override", "comment": "now"}, app.name)[0] == 200
    assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
    app.told("deployment-started", "release-held", "DEPLOYED")


def test_let_through_before_it_is_held(application: Applications) -> None:
    app = application()
    frozen(app)

    with app.belay.held("PlanStage", after=True) as call:
        upload = app.belay.upload(app.release())
        call.reached()
        assert app.belay.decide({"decision": "override", "comment": "agreed"}, app.name)[0] == 200

    assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
    assert "WaitForWindow" not in app.belay.states(app.name, "deploy_stage")


def test_windows_that_cannot_be_asked_for_open_an_incident(application: Applications) -> None:
    app = application()
    frozen(app)
    app.belay.fail("CheckWindow")

    record = app.run(app.release())

    assert record["outcome"] == "ROLLED_BACK", record
    assert ("deploy_stage", "CheckWindow", "OpenIncident") in app.belay.steps(app.name)
    assert app.belay.stacks(app.name) == {}


def test_a_hold_that_cannot_be_told_opens_an_incident(application: Applications) -> None:
    app = application()
    frozen(app)
    with app.belay.held("PlanStage", after=True) as call:
        upload = app.belay.upload(app.release())
        call.reached()
        app.belay.engine.inject("sns", "Publish", "AuthorizationError")

    record = app.belay.ended(upload)

    assert record["outcome"] == "ROLLED_BACK", record
    assert ("deploy_stage", "WaitForWindow", "OpenIncident") in app.belay.steps(app.name)
    assert app.belay.stacks(app.name) == {}


def test_a_newer_release_ends_the_wait_of_an_older_one(application: Applications) -> None:
    app = application()
    frozen(app)
    older = app.belay.upload(app.release("1.0.0"))
    held(app)

    newer = app.belay.upload(app.release("1.1.0"))

    until(lambda: app.belay.uploaded(older).get("announced"))
    assert app.belay.uploaded(older)["outcome"] == "ABORTED"
    assert ("deploy_stage", "WaitForWindow", "DiscardPlan") in app.belay.steps(app.name)
    held(app, "1.1.0")
    assert app.belay.decide({"decision": "override", "comment": "now"}, app.name, "1.1.0")[0] == 200
    assert app.belay.ended(newer)["outcome"] == "DEPLOYED"


@pytest.mark.parametrize("state", ["SupersedeOlder", "CheckWindow"])
def test_a_release_that_was_superseded_waits_for_no_window(application: Applications, state: str) -> None:
    app = application()
    frozen(app)
    with app.belay.held(state) as call:
        upload = app.belay.upload(app.release())
        call.reached()
        app.belay.supersede(app.name, "1.0.0", "1.1.0")

    assert app.belay.ended(upload)["outcome"] == "ABORTED"
    assert ("deploy_stage", state, "DiscardPlan") in app.belay.steps(app.name)
    assert app.belay.stacks(app.name) == {}
