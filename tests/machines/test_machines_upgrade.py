"""An upgrade: waiting releases continue in a successor, with the same question and deadline, without a message."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import v0_1
from deployed_belay import Application, Belay, until

from belay.aws.dynamodb import Table
from belay.aws.s3 import ArtifactBucket
from belay.aws.stepfunctions import Executions
from belay.control.successors import Successors
from belay.ledger.ledger import Ledger
from cli.__main__ import main
from local.engine import REGION

Applications = Callable[..., Application]
pytestmark = pytest.mark.at_home("what was left by versions that knew no other accounts")
LATER = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="milliseconds")


@pytest.fixture
def upgrade(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """``upgrade(belay, "continue")`` runs the command against the engine; its status and its findings."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")

    def run(belay: Belay, command: str) -> tuple[int, dict[str, Any]]:
        where = ("--endpoint-url", belay.engine.endpoint, "--region", REGION, "--output", "json")
        status = main(["upgrade", command, *where])
        return status, json.loads(capsys.readouterr().out)

    return run


def test_an_approval_is_waited_for_by_a_successor(application: Applications, upgrade: Callable[..., Any]) -> None:
    app = application(approval={"required": True})
    upload = app.belay.upload(app.release())
    asked = app.belay.asked(app.name)
    app.belay.in_state(app.name, "1.0.0", "RequestApproval")
    old = app.belay.executions(app.name)

    status, found = upgrade(app.belay, "check")
    assert status == 0, found
    assert [each["waits"] for each in found["running"] if each["about"] == f"{app.name}/1.0.0"] == [True]
    upgrade(app.belay, "continue")

    again = until(lambda: app.belay.asked(app.name), lambda each: each["task_token"] != asked["task_token"])
    assert {**again, "task_token": ""} == {**asked, "task_token": ""}, "the same question until the same time"
    app.belay.invoke("SweepFunction", {})
    app.belay.approve(app.name)
    assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
    statuses = {each.arn: each.status for each in app.belay.executions(app.name)}
    assert [statuses[each.arn] for each in old] == ["ABORTED", "ABORTED"]
    assert sorted(statuses.values()) == ["ABORTED", "ABORTED", "SUCCEEDED", "SUCCEEDED"]
    assert app.belay.incidents(app.name) == []
    assert app.belay.transitions(app.name).count("AWAITING APPROVAL") == 1
    app.told("deployment-started", "approval-requested", "DEPLOYED")


def test_a_window_is_waited_for_by_a_successor(application: Applications, upgrade: Callable[..., Any]) -> None:
    now = datetime.now(UTC)
    freeze = {"from": f"{now - timedelta(days=1):%Y-%m-%d}", "until": f"{now + timedelta(days=2):%Y-%m-%d}"}
    app = application(freezes=[{**freeze, "reason": "the fair"}])
    upload = app.belay.upload(app.release())
    old = app.belay.in_state(app.name, "1.0.0", "WaitForWindow")
    held = until(lambda: app.belay.of_attempt(app.name, "HOLD#production"))

    upgrade(app.belay, "continue")

    until(lambda: app.belay.of_attempt(app.name, "HOLD#production")["task_token"] != held["task_token"])
    assert app.belay.decide({"decision": "override", "comment": "agreed"}, app.name)[0] == 200
    assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
    assert {each.arn: each.status for each in app.belay.executions(app.name)}[old.arn] == "ABORTED"
    assert app.belay.incidents(app.name) == []
    app.told("deployment-started", "release-held", "DEPLOYED")


def test_what_the_first_version_left_waiting_is_continued(belay: Belay) -> None:
    items = [each | ({"expires_at": LATER} if "expires_at" in each else {}) for each in v0_1.waiting_items()]
    v0_1.put(belay.aws("dynamodb"), belay.outputs["LedgerTableName"], items)
    artifacts = ArtifactBucket(belay.aws("s3"), belay.outputs["ArtifactBucketName"])
    for key, document in v0_1.waiting_documents().items():
        artifacts.put_json(key, document)
    record = next(each for each in items if each["SK"] == "RELEASE#1.4.1")
    started = {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": record["execution"]}
    reference = {name: record[name] for name in ("application", "version", "digest", "attempt")}
    upload = {"detail": {"bucket": {"name": record["upload"]["bucket"]}, "object": {"key": record["upload"]["key"]}}}
    parent = first_version(belay, "deploy-release", record["execution"].rpartition(":")[2], upload)
    inputs = {"release": reference, "stage": "production", **started}
    child = first_version(belay, "deploy-stage", f"{record['attempt']}-production", inputs)
    assert parent == record["execution"]
    asked = belay.asked("orders", "1.4.1")

    ledger = Ledger(Table(belay.aws("dynamodb"), belay.outputs["LedgerTableName"]))
    executions = Executions(belay.aws("stepfunctions"))
    successor = Successors(ledger, artifacts, executions, belay.machine("deploy_release")).continue_stage(child)

    again = until(lambda: belay.asked("orders", "1.4.1"), lambda each: each["task_token"] != asked["task_token"])
    assert (again["expires_at"], again["seal"]) == (LATER, asked["seal"])
    assert [executions.status(each) for each in (parent, child)] == ["ABORTED", "ABORTED"]
    assert belay.decide({"decision": "reject", "comment": "not now"}, "orders", "1.4.1")[0] == 200
    ended = until(lambda: belay.release("orders", "1.4.1"), lambda each: each.get("announced"))
    assert (ended["outcome"], ended["execution"], ended["attempt"]) == ("ABORTED", successor, record["attempt"])
    assert belay.items("ASKED", "orders#") == []


def first_version(belay: Belay, machine: str, name: str, document: dict[str, Any]) -> str:
    """Start an execution as the first version had it: of a machine that no longer exists, and which only waits."""
    definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 86_400, "End": True}}}
    states = belay.aws("stepfunctions")
    role = belay.place["service_role"]
    made = states.create_state_machine(name=f"belay-demo-{machine}", definition=json.dumps(definition), roleArn=role)
    started = states.start_execution(stateMachineArn=made["stateMachineArn"], name=name, input=json.dumps(document))
    return str(started["executionArn"])
