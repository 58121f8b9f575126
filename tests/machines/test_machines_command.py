"""The ``belay`` command against a deployed Belay: releases are pushed, shown, approved, retried and aborted."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from deployed_belay import Application, Belay, until
from small_releases import nesting, settings

from belay.notify.told import in_words
from cli.__main__ import main
from local.demo_inbox import Inbox

Applications = Callable[..., Application]
Command = Callable[..., dict[str, Any]]


@pytest.fixture
def command(belay: Belay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """``command("status", status=0)`` is a command's JSON output; it must exit with that status, if any."""
    for name, value in belay.engine.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)

    def run(*words: str, status: int | None = 0) -> dict[str, Any]:
        found = main([*words, "--output", "json"])
        captured = capsys.readouterr()
        assert status in (None, found), captured.err
        read: dict[str, Any] = json.loads(captured.out) if captured.out else {"told": captured.err}
        return read

    return run


def zipped(app: Application, version: str, folder: Path, **more: Any) -> str:
    file = folder / f"{app.name}-{version}.zip"
    file.write_bytes(app.release(version, **more).archive())
    return str(file)


def test_a_release_from_its_push_to_its_retry(application: Applications, command: Command, tmp_path: Path) -> None:
    app = application({"production": {"approval": {"required": True}}})

    pushed = command("release", "push", zipped(app, "1.0.0", tmp_path), "--until", "approval")
    (asked,) = pushed["waits_for"]
    assert (asked["stage"], asked["answer"][0].split()[:2]) == ("production", ["belay", "approve"])
    (release,) = command("status", app.name)["releases"]
    assert (release["release"], release["state"]) == (f"{app.name}/1.0.0", "AWAITING APPROVAL")
    assert release["doing"]["state"] == "RequestApproval"
    assert "belay reject" in command("abort", app.name, status=1)["told"]
    assert "there is no terminal" in command("approve", app.name, status=1)["told"]
    seal = app.belay.asked(app.name)["seal"]["digest"][:12]
    assert command("approve", app.name, "--seal", seal, "--comment", "by the book")["decision"] == "approve"
    until(lambda: app.belay.release(app.name).get("announced"))

    shown = command("show", f"{app.name}/1.0.0")
    assert shown["outcome"] == "DEPLOYED"
    assert shown["attempt"] == pushed["attempt"]
    assert [each["answer"]["comment"] for each in shown["approvals"]] == ["by the book"]
    assert {"ACCEPTED", "AWAITING APPROVAL", "STAGE DEPLOYED", "DEPLOYED"} <= {e["state"] for e in shown["timeline"]}
    (listed,) = command("list", app.name)["applications"]
    assert [(each["stage"], each["runs"], each["number"]) for each in listed["stages"]] == [("production", "1.0.0", 1)]
    assert any(entry["message"] == "begins" for entry in command("logs", app.name)["entries"])

    rejected = command("release", "push", zipped(app, "1.1.0", tmp_path))
    app.belay.task_token(app.name, "1.1.0")
    command("reject", f"{app.name}/1.1.0", "--stage", "production")
    until(lambda: app.belay.release(app.name, "1.1.0").get("announced"))
    assert command("show", app.name)["outcome"] == "ABORTED"
    again = command("retry", f"{app.name}/1.1.0")
    assert again["of"] == rejected["version_id"]
    until(
        lambda: app.belay.of_attempt(app.name, "APPROVAL#production", "1.1.0"),
        lambda asked: asked and asked["attempt"] != rejected["attempt"],
    )
    assert command("approve", f"{app.name}/1.1.0", "--yes", "--wait")["outcome"] == "DEPLOYED"
    rolled_back = command("rollback", app.name, "production", "--wait")
    assert (rolled_back["outcome"], rolled_back["waits_for"]) == ("ROLLED_BACK", [])


def test_why_a_release_failed_is_told_in_the_same_words_everywhere(
    application: Applications, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    app = application()
    files = {f"child-{n}.json": json.dumps(settings(Setting=n, Later=n)).encode() for n in ("1", "2")}
    app.deploy("1.0.0", stacks={"first": nesting("child-1.json")}, more=files)
    child = next(name for name in app.belay.stacks(app.stack("first")) if "Child" in name)
    app.belay.engine.fail_resource("Later", "update", "no more parameters", stack=child)

    reason = app.run(app.release("1.1.0", stacks={"first": nesting("child-2.json")}, more=files))["reason"]
    assert re.search(
        r": Child/Later \(AWS::SSM::Parameter\) could not be updated at .* UTC: no more parameters$", reason
    )
    (opened,) = app.belay.incidents(app.name)
    record = app.belay.ledger.incidents.get(app.name, opened["incident"])
    assert record is not None
    assert (app.belay.release(app.name, "1.1.0")["reason"], in_words(record.incident.reason)) == (reason, reason)
    *_, message = app.told("deployment-started", "DEPLOYED", "deployment-started", "ROLLED_BACK")
    assert f"First cause\n  {reason}\n" in message.text
    shown = command("show", f"{app.name}/1.1.0")
    assert (shown["reason"], [each["reason"] for each in shown["incidents"]]) == (reason, [reason])
    assert main(["show", f"{app.name}/1.1.0"]) == 0
    assert f"Reason\n  {reason}\n" in capsys.readouterr().out


def test_what_failed_in_a_nested_stack_that_is_gone_is_told_everywhere(
    application: Applications, command: Command
) -> None:
    app = application()
    dead = json.dumps({"Resources": {"Dead": {"Type": "AWS::SQS::Queue"}}}).encode()
    app.belay.engine.fail_resource("Dead", "create", "no more queues")

    reason = app.run(app.release("1.0.0", stacks={"first": nesting("dead.json")}, more={"dead.json": dead}))["reason"]

    assert re.search(r": Child/Dead \(AWS::SQS::Queue\) could not be created at .* UTC: no more queues$", reason)
    *_, message = app.told("deployment-started", "ROLLED_BACK")
    assert f"First cause\n  {reason}\n" in message.text
    assert command("show", f"{app.name}/1.0.0")["reason"] == reason
    assert reason in json.dumps(command("logs", app.name, "--errors"))


def test_an_aborted_release_is_taken_back(application: Applications, command: Command, tmp_path: Path) -> None:
    app = application()
    assert command("release", "push", zipped(app, "1.0.0", tmp_path), "--wait")["outcome"] == "DEPLOYED"
    with app.belay.held("ValidateStacks", after=True) as call:
        command("release", "push", zipped(app, "1.1.0", tmp_path))
        call.reached()
        assert "It is running" in command("unlock", app.name, "production", status=1)["told"]
        command("abort", f"{app.name}/1.1.0", "--comment", "the wrong build")

    until(lambda: app.belay.release(app.name, "1.1.0").get("announced"))
    shown = command("show", f"{app.name}/1.1.0")
    assert shown["outcome"] == "ROLLED_BACK"
    assert [shown["reason"].partition(" ")[2]] == ["stopped it: the wrong build"]
    assert "TaskFailed" not in json.dumps(shown), "nothing failed"
    assert app.belay.setting(app.stack("first")) == "1.0.0"
    assert command("unlock", app.name, "production") == {"lock": f"{app.name}/production", "held": False}


@pytest.fixture
def chat(belay: Belay) -> Inbox:
    """What Amazon Q Developer would read."""
    return Inbox.subscribe(belay.aws("sqs"), belay.aws("sns"), belay.outputs["ChatTopicArn"], "chat")


def test_chat_is_told_what_people_are_told_in_one_thread(application: Applications, chat: Inbox) -> None:
    app = application()
    app.deploy("1.0.0")
    thread = f"{app.name}-{app.belay.release(app.name)['attempt']}"
    told: list[Mapping[str, Any]] = []

    def heard() -> list[Mapping[str, Any]]:
        bodies = (json.loads(each.text) for each in chat.receive("", -1))
        told.extend(body for body in bodies if body.get("metadata", {}).get("threadId") == thread)
        return told

    until(heard, lambda found: len(found) >= 2)
    assert {each["metadata"]["eventType"] for each in told} == {"deployment-started", "release-ended"}
    assert {each["source"] for each in told} == {"custom"}
