"""Every sample in ``events/`` matches exactly the EventBridge rules it is meant for."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern
from project import ROOT, resources

EVENTS = ROOT / "events"
SAMPLES = sorted(EVENTS.rglob("*.json"))
OURS = {
    "ReleaseBucket": "DOC-EXAMPLE-BUCKET1",
    "DeployReleaseStateMachine": "arn:aws:states:us-east-1:123456789012:stateMachine:belay-deploy-release",
    "DeployStageStateMachine": "arn:aws:states:us-east-1:123456789012:stateMachine:belay-deploy-stage",
    "RollbackStageStateMachine": "arn:aws:states:us-east-1:123456789012:stateMachine:belay-rollback-stage",
}
"""The values used for references in the rules' patterns."""

MEANT_FOR = {
    "aws.cloudformation/stack_status_change.rollback_complete.json": {"FailedStack"},
    "aws.cloudformation/stack_status_change.update_failed.json": {"FailedStack"},
    "aws.cloudformation/stack_status_change.update_rollback_complete.json": {"FailedStack"},
    "aws.cloudformation/stack_status_change.update_rollback_failed.json": {"FailedStack"},
    "aws.codebuild/build_state_change.failed.json": {"BuildChanged"},
    "aws.codebuild/build_state_change.stopped.json": {"BuildChanged"},
    "aws.codebuild/build_state_change.succeeded.json": {"BuildChanged"},
    "aws.codedeploy/deployment_state_change.failure.json": {"DeploymentChanged"},
    "aws.codedeploy/deployment_state_change.stop.json": {"DeploymentChanged"},
    "aws.codedeploy/deployment_state_change.success.json": {"DeploymentChanged"},
    "aws.codepipeline/action_execution_state_change.abandoned.json": {"PipelineChanged"},
    "aws.codepipeline/action_execution_state_change.canceled.json": {"PipelineChanged"},
    "aws.codepipeline/action_execution_state_change.failed.json": {"PipelineChanged"},
    "aws.codepipeline/action_execution_state_change.started.json": {"PipelineChanged"},
    "aws.codepipeline/action_execution_state_change.succeeded.json": {"PipelineChanged"},
    "aws.codepipeline/pipeline_execution_state_change.canceled.json": {"PipelineChanged"},
    "aws.codepipeline/pipeline_execution_state_change.failed.json": {"PipelineChanged"},
    "aws.codepipeline/pipeline_execution_state_change.resumed.json": {"PipelineChanged"},
    "aws.codepipeline/pipeline_execution_state_change.started.json": {"PipelineChanged"},
    "aws.codepipeline/pipeline_execution_state_change.stopped.json": {"PipelineChanged"},
    "aws.codepipeline/pipeline_execution_state_change.stopping.json": {"PipelineChanged"},
    "aws.codepipeline/pipeline_execution_state_change.succeeded.json": {"PipelineChanged"},
    "aws.codepipeline/pipeline_execution_state_change.superseded.json": {"PipelineChanged"},
    "aws.codepipeline/stage_execution_state_change.canceled.json": {"PipelineChanged"},
    "aws.codepipeline/stage_execution_state_change.failed.json": {"PipelineChanged"},
    "aws.codepipeline/stage_execution_state_change.resumed.json": {"PipelineChanged"},
    "aws.codepipeline/stage_execution_state_change.started.json": {"PipelineChanged"},
    "aws.codepipeline/stage_execution_state_change.stopped.json": {"PipelineChanged"},
    "aws.codepipeline/stage_execution_state_change.stopping.json": {"PipelineChanged"},
    "aws.codepipeline/stage_execution_state_change.succeeded.json": {"PipelineChanged"},
    "aws.s3/api_call_via_cloudtrail.json": {"UploadRecorded"},
    "aws.s3/object_created.json": {"ReleaseUploaded"},
    "aws.states/execution_status_change.aborted.json": {"FailedExecution"},
    "aws.states/execution_status_change.failed.json": {"FailedExecution"},
    "aws.states/execution_status_change.timed_out.json": {"FailedExecution"},
}
"""The rules of each sample; the others are not used yet, or need no reaction."""


def resolved(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"Ref"}:
            return OURS[value["Ref"]]
        return {key: resolved(inner) for key, inner in value.items()}
    return [resolved(inner) for inner in value] if isinstance(value, list) else value


def patterns() -> dict[str, Any]:
    return {
        name: resolved(event["Properties"]["Pattern"])
        for kind in ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")
        for properties in resources(kind).values()
        for name, event in properties.get("Events", {}).items()
        if event["Type"] == "EventBridgeRule"
    }


def matching(event: Any) -> set[str]:
    return {
        name for name, pattern in patterns().items() if EventPattern(json.dumps(pattern), pattern).matches_event(event)
    }


def sample(name: str) -> dict[str, Any]:
    return dict(json.loads((EVENTS / name).read_text()))


def ours(event: dict[str, Any]) -> dict[str, Any]:
    """The event, with Belay's own bucket and state machines in place of the sample's."""
    event = copy.deepcopy(event)
    if event.get("detail-type") == "Object Created":
        event["detail"]["bucket"]["name"] = OURS["ReleaseBucket"]
        event["detail"]["object"]["key"] = "releases/orders/orders-1.0.0.zip"
    if event.get("source") == "aws.states":
        event["detail"]["stateMachineArn"] = OURS["DeployStageStateMachine"]
    return event


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.relative_to(EVENTS)))
def test_a_sample_matches_the_rules_it_is_meant_for(path: Path) -> None:
    assert matching(ours(json.loads(path.read_text()))) == MEANT_FOR.get(str(path.relative_to(EVENTS)), set())


def test_every_rule_has_a_sample() -> None:
    assert set().union(*MEANT_FOR.values()) == set(patterns())
    assert {str(path.relative_to(EVENTS)) for path in SAMPLES} >= set(MEANT_FOR)


@pytest.mark.parametrize(
    ("key", "uploaded"),
    [
        ("releases/orders/1.0.0.zip", True),
        ("releases/orders/nightly/1.0.0 (copy).zip", True),
        ("releases/orders/1.0.0.tar", False),
        ("releases/1.0.0.zip", False),
        ("elsewhere/releases/orders/1.0.0.zip", False),
        ("releases/orders/1.0.0.zip.part", False),
    ],
)
def test_uploads_are_releases_by_their_key(key: str, uploaded: bool) -> None:
    event = ours(sample("aws.s3/object_created.json"))
    event["detail"]["object"]["key"] = key
    assert matching(event) == ({"ReleaseUploaded"} if uploaded else set())


def test_uploads_to_other_buckets_are_nobody_s() -> None:
    event = ours(sample("aws.s3/object_created.json"))
    event["detail"]["bucket"]["name"] = "somebody-else-s"
    assert matching(event) == set()


def test_executions_of_other_machines_are_nobody_s() -> None:
    event = ours(sample("aws.states/execution_status_change.failed.json"))
    event["detail"]["stateMachineArn"] += "-of-somebody-else"
    assert matching(event) == set()


@pytest.mark.parametrize(
    "machine", ["DeployReleaseStateMachine", "DeployStageStateMachine", "RollbackStageStateMachine"]
)
@pytest.mark.parametrize(
    ("status", "failed"),
    [
        ("FAILED", True),
        ("TIMED_OUT", True),
        ("ABORTED", True),
        ("RUNNING", False),
        ("SUCCEEDED", False),
        ("PENDING_REDRIVE", False),
    ],
)
def test_our_executions_that_end_badly_are_taken_up(machine: str, status: str, failed: bool) -> None:
    event = ours(sample("aws.states/execution_status_change.failed.json"))
    event["detail"] |= {"stateMachineArn": OURS[machine], "status": status}
    assert matching(event) == ({"FailedExecution"} if failed else set())
