"""Stages that are deployed together: none waits for another, and the registration decides a failure's effect on
them.
"""

from collections.abc import Callable
from typing import Any

import pytest
from deployed_belay import Application, until
from small_releases import holding

Applications = Callable[..., Application]

TOGETHER = {"eu": {}, "us": {}, "production": {}}
ORDER = {"stages": [["eu", "us"], "production"]}


def standing(app: Application, version: str = "1.1.0") -> dict[str, str]:
    """A release's status in each stage that it has entered."""
    attempt = app.belay.ledger.attempts.current(app.name, version)
    return {} if attempt is None else {each.stage: each.words for each in attempt.stages}


def runs(app: Application) -> dict[str, str | None]:
    return {stage: app.belay.last_known_good(app.name, stage) for stage in TOGETHER}


def test_the_next_wave_begins_when_every_stage_of_the_one_before_is_deployed(application: Applications) -> None:
    app = application(TOGETHER, ORDER)
    app.deploy("1.0.0")

    upload = app.belay.upload(app.release("1.1.0", stacks={"first": holding("1.1.0")}))
    go_on = {stage: app.held_stack("first", stage) for stage in ("eu", "us")}
    go_on["us"]()
    until(lambda: standing(app).get("us") == "STAGE DEPLOYED")
    assert standing(app) == {"eu": "EXECUTING first", "us": "STAGE DEPLOYED"}
    go_on["eu"]()
    app.held_stack("first", "production")()

    assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
    assert runs(app) == dict.fromkeys(TOGETHER, "1.1.0")
    (*_, started, deployed) = app.told("deployment-started", "DEPLOYED", "deployment-started", "DEPLOYED")
    assert "eu and us, then production" in started.text
    assert "production" in deployed.subject


@pytest.mark.parametrize("taken_back", ["stage", "wave"])
def test_what_a_failed_stage_takes_back_is_registered(application: Applications, taken_back: str) -> None:
    app = application(TOGETHER, {**ORDER, "wave_failure": taken_back})
    app.deploy("1.0.0")
    app.belay.engine.fail_resource("Setting", "update", "no such tier", stack=app.stack("first", "us"))

    upload = app.belay.upload(app.release("1.1.0", stacks={"first": holding("1.1.0")}))
    go_on = app.held_stack("first", "eu")
    until(lambda: standing(app).get("us") == "STAGE ROLLED_BACK")
    assert standing(app)["eu"] == "EXECUTING first", "it is recovered while the other is deployed"
    go_on()

    record = app.belay.ended(upload)
    assert record["outcome"] == "ROLLED_BACK", record
    assert "no such tier" in record["reason"]
    assert standing(app) == {"eu": "STAGE DEPLOYED", "us": "STAGE ROLLED_BACK"}, "production is not entered"
    went_back = taken_back == "wave"
    assert runs(app) == {"eu": "1.0.0" if went_back else "1.1.0", "us": "1.0.0", "production": "1.0.0"}
    assert app.belay.setting(app.stack("first", "eu")) == runs(app)["eu"]
    asked = [each for each in app.belay.incidents(app.name) if each["details"]["subject"]["kind"] == "asked"]
    assert len(asked) == went_back
    rolled_back = ["ROLLED_BACK"] * (3 if went_back else 2)
    app.told("deployment-started", "DEPLOYED", "deployment-started", *rolled_back)


def test_each_stage_of_a_wave_asks_its_own_question(application: Applications) -> None:
    app = application({"eu": {}, "us": {}}, {"stages": [["eu", "us"]]}, approval={"required": True})
    upload = app.belay.upload(app.release())
    tokens = {
        stage: until(lambda stage=stage: app.belay.of_attempt(app.name, f"APPROVAL#{stage}"))["task_token"]
        for stage in ("eu", "us")
    }
    assert len({*tokens.values()}) == 2

    for stage, answer in (("eu", "approve"), ("us", "reject")):
        decision: dict[str, Any] = {"decision": answer, "version": "1.0.0", "stage": stage, "comment": "as agreed"}
        assert app.belay.decide(decision, app.name)[0] == 200

    record = app.belay.ended(upload)
    assert record["outcome"] == "ABORTED", record
    assert standing(app, "1.0.0") == {"eu": "STAGE DEPLOYED", "us": "STAGE ABORTED"}
    assert "eu DEPLOYED" in record["reason"]
    assert "us ABORTED" in record["reason"]
    app.told("deployment-started", "approval-requested", "approval-requested", "ABORTED")


def test_a_stage_that_is_stopped_leaves_the_others_to_their_end(application: Applications) -> None:
    app = application(TOGETHER, ORDER)
    with app.belay.held("ExecuteWave") as call:
        upload = app.belay.upload(app.release())
        call.reached()
        (stopped, other) = app.belay.executions(app.name, "deploy_stage")
        app.belay.stop(stopped)
        until(lambda: "STAGE ROLLED_BACK" in standing(app, "1.0.0").values())

    record = app.belay.ended(upload)
    assert record["outcome"] == "ROLLED_BACK", record
    assert {stopped.stage: "STAGE ROLLED_BACK", other.stage: "STAGE DEPLOYED"} == standing(app, "1.0.0")
