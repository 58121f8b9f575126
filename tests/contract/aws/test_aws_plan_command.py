"""``belay plan`` on an AWS simulated by moto: what it uploads and starts, how it waits, and its exit status."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from test_aws_command import Belay, Office
from test_aws_command import archive as archive  # noqa: PLC0414
from test_aws_command import belay as belay  # noqa: PLC0414
from test_aws_command import office as office  # noqa: PLC0414

from belay.approval.stage_preview import PREVIEW, PREVIEW_PAGE, PlanOutcome, StagePreview
from belay.aws.stepfunctions import EndedExecution, Executions
from belay.control.dry_runs import planned_upload
from belay.events.s3 import ObjectCreated
from belay.release.records import ReleaseReference
from cli import plan

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:belay-plan-release"
RELEASE = ReleaseReference("orders", "1.0.0", "d" * 64, "plan-0123456789ab")
STAGE = {"stage": "production", "outcome": "PLANNED", "reason": None, "gone": True}
Ends = Callable[..., None]


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Ends:
    """``ends("SUCCEEDED", output)`` makes the started plan run for one poll, and then end so."""

    def end(status: str, output: Mapping[str, Any] | None = None, cause: str = "") -> None:
        looks: Iterator[EndedExecution | None] = iter([None, EndedExecution(status, output or {}, cause)])
        monkeypatch.setattr(Executions, "ended", lambda self, execution: next(looks))
        monkeypatch.setattr(plan.time, "sleep", lambda seconds: None)

    return end


def started(office: Office) -> tuple[str, dict[str, Any]]:
    (execution,) = office.states.list_executions(stateMachineArn=MACHINE)["executions"]
    found = office.states.describe_execution(executionArn=execution["executionArn"])
    return str(found["executionArn"]), dict(json.loads(found["input"]))


def test_what_is_planned_is_uploaded_apart_from_releases_and_named_after_its_upload(
    office: Office, belay: Belay, archive: Path, ends: Ends, tmp_path: Path
) -> None:
    ends("SUCCEEDED", {"outcome": "PLANNED", "release": RELEASE.to_dict(), "stages": [STAGE]})
    kept = StagePreview("production", PlanOutcome.PLANNED, what="would change none of its resources yet. Empty.")
    office.artifacts.put_json(RELEASE.stage_key("production", PREVIEW), kept.to_dict())

    page = tmp_path / "plan.html"
    status, out, _ = belay("plan", str(archive), "--stage", "production", "--html", str(page))

    assert (status, out.splitlines()[:3]) == (
        0,
        ["orders/1.0.0: PLANNED", "", "production: PLANNED, it would change none of its resources yet. Empty."],
    )
    execution, document = started(office)
    upload = planned_upload(ObjectCreated.from_event(document["upload"]), "releases-bucket", execution)
    assert upload.key.startswith("plans/orders/orders-1.0.0-")
    stored = office.s3.get_object(Bucket=upload.bucket, Key=upload.key, VersionId=upload.version_id)["Body"].read()
    assert stored == archive.read_bytes()
    assert document["stages"] == ["production"]
    assert "Plan of orders/1.0.0" in page.read_text()


def test_the_parts_of_its_page_are_those_that_belay_kept(
    office: Office, belay: Belay, archive: Path, ends: Ends, tmp_path: Path
) -> None:
    found = {"release": "orders/1.0.0", "execution": f"{MACHINE}:{RELEASE.attempt}", "stages": [STAGE]}
    office.artifacts.put_html(RELEASE.stage_key("production", PREVIEW_PAGE), "<h1>production</h1>")
    assert "<h1>production</h1>" in plan.page(office.artifacts, found)


def test_the_exit_status_is_one_unless_all_of_it_was_planned(
    office: Office, belay: Belay, archive: Path, ends: Ends
) -> None:
    busy = {**STAGE, "outcome": "BUSY", "reason": {"Error": "WaitedTooLong", "Cause": "1.1.0 has the lock"}}
    ends("SUCCEEDED", {"outcome": "PLANNED", "release": RELEASE.to_dict(), "stages": [busy]})
    status, out, _ = belay("plan", str(archive), "--output", "json")
    assert (status, json.loads(out)["outcome"]) == (1, "BUSY")


def test_a_fault_of_the_plan_is_told_as_such(office: Office, belay: Belay, archive: Path, ends: Ends) -> None:
    ends("FAILED", cause="S3.GetObject answered SlowDown")
    status, _, err = belay("plan", str(archive))
    assert status == 1
    assert "ended FAILED: S3.GetObject answered SlowDown" in err


def test_an_interruption_ends_the_waiting_alone(
    office: Office, belay: Belay, archive: Path, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    ends("SUCCEEDED")
    monkeypatch.setattr(plan.time, "sleep", interrupted)
    status, _, err = belay("plan", str(archive))
    assert status == 130
    assert "The plan continues, and deletes what it makes when it ends." in err
    execution, _ = started(office)
    assert office.states.describe_execution(executionArn=execution)["status"] == "RUNNING"


def test_what_cannot_be_built_is_not_uploaded(office: Office, belay: Belay, tmp_path: Path) -> None:
    (tmp_path / "release.yaml").write_text("application: orders\ncolour: red\n")
    status, _, err = belay("plan", str(tmp_path))
    assert status == 1
    assert "is not a valid release" in err
    assert belay("plan", str(tmp_path / "none"))[0] == 1
    assert "Contents" not in office.s3.list_objects_v2(Bucket="releases-bucket")


def test_how_an_execution_ended_is_known_once_it_has(office: Office) -> None:
    executions = Executions(office.states)
    execution = executions.start_execution(MACHINE, "a", {})
    assert executions.ended(execution) is None
    office.states.stop_execution(executionArn=execution, error="e", cause="by hand")
    ended = executions.ended(execution)
    assert ended is not None
    assert (ended.status, ended.output) == ("ABORTED", {})
