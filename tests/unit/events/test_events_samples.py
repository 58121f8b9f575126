"""Every sample in ``events/`` is read by the dataclass of its detail-type, field by field."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from belay.errors import InvalidEvent
from belay.events.cloudformation import StackStatusChange
from belay.events.cloudtrail import ObjectWritten
from belay.events.codebuild import BuildStateChange
from belay.events.codedeploy import DeploymentStateChange
from belay.events.codepipeline import PipelineStateChange
from belay.events.s3 import ObjectCreated
from belay.events.states import ExecutionStatusChange
from belay.stack.status import StackStatus

SAMPLES = Path(__file__).parents[3] / "events"

READERS = {
    ("aws.s3", "Object Created"): ObjectCreated,
    ("aws.s3", "AWS API Call via CloudTrail"): ObjectWritten,
    ("aws.cloudformation", "CloudFormation Stack Status Change"): StackStatusChange,
    ("aws.states", "Step Functions Execution Status Change"): ExecutionStatusChange,
    ("aws.codepipeline", "CodePipeline Pipeline Execution State Change"): PipelineStateChange,
    ("aws.codepipeline", "CodePipeline Stage Execution State Change"): PipelineStateChange,
    ("aws.codepipeline", "CodePipeline Action Execution State Change"): PipelineStateChange,
    ("aws.codebuild", "CodeBuild Build State Change"): BuildStateChange,
    ("aws.codedeploy", "CodeDeploy Deployment State-change Notification"): DeploymentStateChange,
}


EVENTBRIDGE = [path for path in sorted(SAMPLES.rglob("*.json")) if "detail-type" in json.loads(path.read_text())]
"""Every sample but those that a service hands to a function itself."""


def sample(path: str) -> Any:
    return json.loads((SAMPLES / f"{path}.json").read_text())


@pytest.mark.parametrize("path", EVENTBRIDGE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_sample_lies_under_its_source_and_is_read(path: Path) -> None:
    event = json.loads(path.read_text())
    assert path.parent.name == event["source"]
    read = READERS[event["source"], event["detail-type"]].from_event(event)
    assert read.id == event["id"]
    assert (read.account, read.region) == ("111122223333", "eu-west-1")
    assert read.time == datetime.strptime(event["time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def test_every_detail_type_has_a_sample() -> None:
    events = [json.loads(path.read_text()) for path in EVENTBRIDGE]
    assert {(event["source"], event["detail-type"]) for event in events} == set(READERS)


def test_an_object_key_is_taken_as_it_is_and_the_version_is_pinned() -> None:
    read = ObjectCreated.from_event(sample("aws.s3/object_created"))
    assert read.key == "releases/orders/orders 1.4.0+build.7.zip"
    assert read.version_id == "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"
    assert (read.size, read.etag, read.sequencer) == (
        48213,
        "b1946ac92492d2347c6235b4d2611184",
        "0065E2EE5F3A9D2B10",
    )
    assert read.requester == "111122223333"


def test_who_wrote_an_object_is_told_with_its_version() -> None:
    read = ObjectWritten.from_event(sample("aws.s3/api_call_via_cloudtrail"))
    assert (read.bucket, read.key) == ("DOC-EXAMPLE-BUCKET1", "releases/orders/orders 1.4.0+build.7.zip")
    assert read.version_id == "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"
    assert read.arn.endswith("/jo.novak@example.com")
    assert (read.principal_id, read.error) == ("AROAIOSFODNN7EXAMPLE:jo.novak@example.com", None)


def test_a_service_that_wrote_an_object_is_nobody() -> None:
    event = sample("aws.s3/api_call_via_cloudtrail")
    event["detail"] |= {"userIdentity": {"type": "AWSService"}, "responseElements": None, "errorCode": "AccessDenied"}
    read = ObjectWritten.from_event(event)
    assert (read.arn, read.principal_id, read.version_id, read.error) == ("", "", None, "AccessDenied")


def test_a_bucket_without_versioning_sends_no_version_id() -> None:
    event = sample("aws.s3/object_created")
    del event["detail"]["object"]["version-id"]
    assert ObjectCreated.from_event(event).version_id is None


def test_an_empty_status_reason_and_an_absent_token_are_none() -> None:
    event = sample("aws.cloudformation/stack_status_change.update_rollback_complete")
    del event["detail"]["client-request-token"]
    read = StackStatusChange.from_event(event)
    assert (read.status, read.reason, read.client_request_token) == (StackStatus.UPDATE_ROLLBACK_COMPLETE, None, None)
    del event["detail"]["status-details"]["status-reason"]
    assert StackStatusChange.from_event(event).reason is None


def test_a_failed_execution_carries_its_input_error_and_cause() -> None:
    read = ExecutionStatusChange.from_event(sample("aws.states/execution_status_change.failed"))
    assert json.loads(read.input or "")["stage"] == "production"
    assert read.error == "States.DataLimitExceeded"
    running = ExecutionStatusChange.from_event(sample("aws.states/execution_status_change.running"))
    assert (running.error, running.cause) == (None, None)


def test_an_input_too_large_for_the_event_is_none() -> None:
    event = sample("aws.states/execution_status_change.failed")
    event["detail"] |= {"input": None, "inputDetails": {"included": False}}
    assert ExecutionStatusChange.from_event(event).input is None


def test_a_build_names_the_pipeline_that_started_it() -> None:
    event = sample("aws.codebuild/build_state_change.failed")
    assert BuildStateChange.from_event(event).initiator == "codepipeline/orders-pipeline"
    del event["detail"]["additional-information"]["initiator"]
    assert BuildStateChange.from_event(event).initiator is None


@pytest.mark.parametrize("what", ["pipeline", "stage", "action"])
def test_a_pipeline_its_stages_and_its_actions_name_the_execution(what: str) -> None:
    event = sample(f"aws.codepipeline/{what}_execution_state_change.failed")
    read = PipelineStateChange.from_event(event)
    assert (read.pipeline, read.execution_id) == ("orders-pipeline", event["detail"]["execution-id"])


def _without(event: Any, path: tuple[str, ...]) -> Any:
    broken = copy.deepcopy(event)
    inner = broken
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return broken


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        ("aws.s3/object_created", ("detail", "object", "key")),
        ("aws.s3/object_created", ("detail",)),
        ("aws.cloudformation/stack_status_change.update_failed", ("detail", "status-details", "status")),
        ("aws.states/execution_status_change.aborted", ("detail", "executionArn")),
        ("aws.codedeploy/deployment_state_change.failure", ("time",)),
    ],
)
def test_a_missing_value_is_named_by_its_path(path: str, missing: tuple[str, ...]) -> None:
    event = sample(path)
    reader = READERS[event["source"], event["detail-type"]]
    with pytest.raises(InvalidEvent, match=r"^" + r"\.".join(missing)):
        reader.from_event(_without(event, missing))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "my.app"}, r"source: expected aws\.s3, found 'my\.app'"),
        ({"detail-type": "Object Deleted"}, "detail-type: expected Object Created, found 'Object Deleted'"),
        ({"time": "yesterday"}, "time: expected an ISO 8601 time, found 'yesterday'"),
        ({"detail": ["no"]}, r"detail: expected an object, found \['no'\]"),
        ({"account": 111122223333}, "account: expected text, found 111122223333"),
    ],
)
def test_an_event_of_another_shape_says_what_was_expected_and_found(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidEvent, match=message):
        ObjectCreated.from_event(sample("aws.s3/object_created") | changes)


def test_a_size_that_is_a_boolean_is_no_number() -> None:
    event = sample("aws.s3/object_created")
    event["detail"]["object"]["size"] = True
    with pytest.raises(InvalidEvent, match=r"detail\.object\.size: expected a whole number, found True"):
        ObjectCreated.from_event(event)


@pytest.mark.parametrize("stack_id", ["orders", "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders"])
def test_a_stack_id_that_is_none_is_refused(stack_id: str) -> None:
    event = sample("aws.cloudformation/stack_status_change.update_failed")
    event["detail"]["stack-id"] = stack_id
    with pytest.raises(InvalidEvent, match=r"detail\.stack-id"):
        StackStatusChange.from_event(event)


def test_a_status_that_aws_does_not_know_is_refused() -> None:
    event = sample("aws.cloudformation/stack_status_change.update_failed")
    event["detail"]["status-details"]["status"] = "UPDATE_EXPLODED"
    with pytest.raises(InvalidEvent, match=r"detail\.status-details\.status: .*'UPDATE_EXPLODED'"):
        StackStatusChange.from_event(event)
