"""What must end before another version of Belay is deployed, and what to do about it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.upgrade import describe, render

SINCE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RELEASE = {"application": "orders", "version": "1.4.1", "digest": "d", "attempt": "a" * 12}
STOP = "belay abort orders/1.4.1 --stage production"
IN_STAGE = {"release": RELEASE, "stage": "production"}
UPLOAD = {"detail": {"object": {"key": "releases/orders/orders-1.4.1.zip"}}}


@pytest.mark.parametrize(
    ("machine", "document", "state", "about", "remedy"),
    [
        (
            "deploy_stage",
            IN_STAGE,
            "RequestApproval",
            "orders/1.4.1",
            "nothing: the new version continues it",
        ),
        (
            "deploy_stage",
            IN_STAGE,
            "WaitForWindow",
            "orders/1.4.1",
            "nothing: the new version continues it",
        ),
        (
            "deploy_stage",
            IN_STAGE,
            "WaitForPipeline",
            "orders/1.4.1",
            "wait for the pipeline, or stop its execution there; or: belay abort orders/1.4.1 --stage production",
        ),
        (
            "deploy_stage",
            IN_STAGE,
            "ExecuteWave",
            "orders/1.4.1",
            "wait, or: belay abort orders/1.4.1 --stage production",
        ),
        (
            "plan_release",
            {"upload": {"detail": {"object": {"key": "plans/orders/orders-1.4.1.zip"}}}, "stages": []},
            "PlanStage",
            "plans/orders/orders-1.4.1.zip",
            "wait: a plan ends in a few minutes",
        ),
        (
            "forecast_changes",
            {**IN_STAGE, "basis": "copy"},
            "DeleteCopy",
            "orders/1.4.1",
            "wait: it deletes its copy of the database, and ends",
        ),
        (
            "rollback_stage",
            {"application": "orders", "stage": "production", "incident": "orders-production-1"},
            "WaitForStep",
            "orders-production-1",
            "wait, answer its question, or: belay abort orders --recovery --stage production",
        ),
        (
            "rollback_stage",
            {**IN_STAGE, "incident": "orders-production-1"},
            "WaitForStep",
            "orders-production-1",
            "wait, answer its question, or: belay abort orders --recovery --stage production",
        ),
        (
            "deploy_release",
            UPLOAD,
            "CopyRelease",
            "releases/orders/orders-1.4.1.zip",
            "wait: it enters its first stage in a few minutes",
        ),
        ("deploy_release", {}, "OpenRelease", "an upload", "wait: it enters its first stage in a few minutes"),
    ],
)
def test_each_says_how_it_comes_to_its_end(
    machine: str, document: dict[str, Any], state: str, about: str, remedy: str
) -> None:
    found = describe("arn", machine, document, state, SINCE)
    assert (found.about, found.state, found.remedy) == (about, state, remedy)


def test_it_is_listed_with_its_stage_and_since_when() -> None:
    found = describe("arn", "deploy_stage", IN_STAGE, "ExecuteWave", SINCE)
    lines = render([found], SINCE + timedelta(minutes=5))
    assert lines[0].startswith("Another version of Belay cannot be deployed yet")
    assert f"  orders/1.4.1  production  ExecuteWave  5 min  wait, or: {STOP}" in lines
    waiting = describe("arn", "deploy_stage", IN_STAGE, "RequestApproval", SINCE)
    assert render([waiting], SINCE)[0] == "Nothing is running: another version of Belay can be deployed."
    assert "  orders/1.4.1  production  RequestApproval  0 s  nothing: the new version continues it" in render(
        [waiting], SINCE
    )
    assert render([], SINCE) == ["Nothing is running: another version of Belay can be deployed."]
