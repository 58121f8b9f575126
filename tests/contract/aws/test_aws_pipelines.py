"""Calls of CodePipeline, CodeBuild, CodeDeploy and CloudWatch Logs, against botocore's models."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from belay.aws.cloudformation import Stacks
from belay.aws.codebuild import Builds
from belay.aws.codedeploy import Deployments
from belay.aws.logs import LogStreams
from belay.aws.pipelines import Pipelines
from belay.control.diagnoses import Diagnoses
from belay.errors import AccessDenied, InvalidEvent, InvalidRegistration
from belay.pipeline.execution import ActionStatus, PipelineStatus, read_execution
from belay.pipeline.job import PipelineContext
from belay.pipeline.source import SourceRevision, pinned
from belay.release.registration import Pipeline

PIPELINE, EXECUTION = "orders-pipeline", "12345678-1234-5678-abcd-12345678abcd"
TARGET = EXECUTION.replace("1", "2")
JOB = "11111111-abcd-1111-abcd-111111abcdef"
AT = datetime(2026, 3, 2, 8, 0, 0, tzinfo=UTC)
Stubbed = Callable[[str], tuple[Any, Stubber]]


@pytest.fixture
def asked(stubbed: Stubbed) -> tuple[Pipelines, Stubber]:
    client, stubber = stubbed("codepipeline")
    return Pipelines(client), stubber


def detail(action: str, provider: str, status: str = "Succeeded", **result: Any) -> dict[str, Any]:
    return {
        "pipelineExecutionId": EXECUTION,
        "actionExecutionId": f"{action}-1",
        "stageName": "Deploy",
        "actionName": action,
        "startTime": AT,
        "lastUpdateTime": AT,
        "status": status,
        "input": {
            "actionTypeId": {"category": "Deploy", "owner": "AWS", "provider": provider, "version": "1"},
            "configuration": {"StackName": "#{variables.stack}", "ActionMode": "CREATE_UPDATE"},
            "resolvedConfiguration": {"StackName": "orders-web"},
        },
        "output": {"executionResult": result},
    }


def test_whose_a_job_is(asked: tuple[Pipelines, Stubber]) -> None:
    pipelines, stubber = asked
    context = {"pipelineName": PIPELINE, "pipelineExecutionId": EXECUTION, "stage": {"name": "Rollback"}}
    details = {"id": JOB, "data": {"pipelineContext": context}, "accountId": "111111111111"}
    stubber.add_response("get_job_details", {"jobDetails": details}, {"jobId": JOB})
    assert pipelines.get_job_details(JOB) == PipelineContext(PIPELINE, EXECUTION)


def test_a_job_that_codepipeline_does_not_know_is_made_up(asked: tuple[Pipelines, Stubber]) -> None:
    pipelines, stubber = asked
    stubber.add_client_error("get_job_details", "JobNotFoundException")
    with pytest.raises(InvalidEvent, match=f"CodePipeline knows no job {JOB}"):
        pipelines.get_job_details(JOB)
    stubber.add_client_error("get_job_details", "AccessDeniedException")
    with pytest.raises(AccessDenied):
        pipelines.get_job_details(JOB)


EXECUTED = {"pipelineName": PIPELINE, "pipelineExecutionId": EXECUTION, "status": "Failed", "executionType": "ROLLBACK"}


def test_an_execution_is_read_with_its_actions(asked: tuple[Pipelines, Stubber]) -> None:
    pipelines, stubber = asked
    named = {"pipelineName": PIPELINE, "pipelineExecutionId": EXECUTION}
    stubber.add_response("get_pipeline_execution", {"pipelineExecution": EXECUTED}, named)
    failed = detail("Web", "CloudFormation", "Failed", errorDetails={"code": "JobFailed", "message": "no"})
    filtered = {"pipelineName": PIPELINE, "filter": {"pipelineExecutionId": EXECUTION}}
    stubber.add_response("list_action_executions", {"actionExecutionDetails": [failed], "nextToken": "more"}, filtered)
    stubber.add_response(
        "list_action_executions", {"actionExecutionDetails": [detail("Db", "S3")]}, filtered | {"nextToken": "more"}
    )

    seen = pipelines.get_execution(PIPELINE, EXECUTION)

    assert seen is not None
    assert (seen.status, seen.rollback, len(seen.actions)) == (PipelineStatus.FAILED, True, 2)
    first = seen.first_failure
    assert first is not None
    assert (first.status, first.error_code, first.error_message) == (ActionStatus.FAILED, "JobFailed", "no")
    assert first.configuration == {"StackName": "orders-web", "ActionMode": "CREATE_UPDATE"}


@pytest.mark.parametrize("code", ["PipelineExecutionNotFoundException", "PipelineNotFoundException"])
def test_there_may_be_no_such_execution(asked: tuple[Pipelines, Stubber], code: str) -> None:
    pipelines, stubber = asked
    stubber.add_client_error("get_pipeline_execution", code)
    assert pipelines.get_execution(PIPELINE, EXECUTION) is None


def test_a_refusal_is_no_answer(asked: tuple[Pipelines, Stubber]) -> None:
    pipelines, stubber = asked
    stubber.add_client_error("get_pipeline_execution", "AccessDeniedException")
    with pytest.raises(AccessDenied):
        pipelines.get_execution(PIPELINE, EXECUTION)


def test_executions_that_changed_are_listed(asked: tuple[Pipelines, Stubber]) -> None:
    pipelines, stubber = asked
    earlier = {"pipelineExecutionId": TARGET, "status": "Succeeded", "lastUpdateTime": AT.replace(hour=7)}
    later = {"pipelineExecutionId": EXECUTION, "status": "Failed", "lastUpdateTime": AT}
    stubber.add_response("list_pipeline_executions", {"pipelineExecutionSummaries": [later, earlier]})
    stubber.add_client_error("list_pipeline_executions", "PipelineNotFoundException")
    assert pipelines.changed_since(PIPELINE, AT) == [(EXECUTION, "Failed")]
    assert pipelines.changed_since(PIPELINE, AT) == []


def test_a_release_starts_its_pipeline_with_the_zip_pinned(asked: tuple[Pipelines, Stubber]) -> None:
    pipelines, stubber = asked
    revision = {"actionName": "Source", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": "3sL4"}
    stubber.add_response(
        "start_pipeline_execution",
        {"pipelineExecutionId": EXECUTION},
        {"name": PIPELINE, "clientRequestToken": "orders-1", "sourceRevisions": [revision]},
    )
    pinned_to = (SourceRevision("Source", "S3_OBJECT_VERSION_ID", "3sL4"),)
    assert pipelines.start_execution(PIPELINE, pinned_to, "orders-1") == EXECUTION


def test_a_stage_is_rolled_back_by_codepipeline(asked: tuple[Pipelines, Stubber]) -> None:
    pipelines, stubber = asked
    stubber.add_response(
        "rollback_stage",
        {"pipelineExecutionId": EXECUTION},
        {"pipelineName": PIPELINE, "stageName": "Deploy", "targetPipelineExecutionId": TARGET},
    )
    assert pipelines.rollback_stage(PIPELINE, "Deploy", TARGET) == EXECUTION


@pytest.mark.parametrize(
    "code", ["ConflictException", "PipelineExecutionOutdatedException", "UnableToRollbackStageException"]
)
def test_a_rollback_that_codepipeline_refuses_is_none(asked: tuple[Pipelines, Stubber], code: str) -> None:
    pipelines, stubber = asked
    stubber.add_client_error("rollback_stage", code)
    assert pipelines.rollback_stage(PIPELINE, "Deploy", TARGET) is None


def test_codepipeline_s_own_rollback_is_found_by_what_triggered_it(asked: tuple[Pipelines, Stubber]) -> None:
    pipelines, stubber = asked
    other = {"pipelineExecutionId": "other", "trigger": {"triggerType": "ManualRollback", "triggerDetail": EXECUTION}}
    detail = f'{{"FailedPipelineExecutionId":"{EXECUTION}"}}'
    trigger = {"triggerType": "AutomatedRollback", "triggerDetail": detail}
    own = {"pipelineExecutionId": TARGET, "trigger": trigger}
    for _ in range(2):
        stubber.add_response("list_pipeline_executions", {"pipelineExecutionSummaries": [other, own]})
    assert pipelines.automated_rollback_of(PIPELINE, EXECUTION) == TARGET
    assert pipelines.automated_rollback_of(PIPELINE, "another") is None


# -- pinning -----------------------------------------------------------------------------------------------------------


def structure(*sources: dict[str, Any]) -> dict[str, Any]:
    kind = {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"}
    actions = [{"name": each.pop("name", "Source"), "actionTypeId": kind, "configuration": each} for each in sources]
    return {"stages": [{"name": "Source", "actions": actions}]}


def pin(*sources: dict[str, Any], source_action: str | None = None) -> list[tuple[str, str]]:
    registered = Pipeline(PIPELINE, "Deploy", start=True, source_action=source_action)
    found = pinned(structure(*sources), registered, "releases", "releases/orders/1.0.0.zip", "3sL4")
    return [(each.type, each.value) for each in found]


def test_the_watched_key_is_pinned_by_its_version() -> None:
    source = {"S3Bucket": "releases", "S3ObjectKey": "releases/orders/1.0.0.zip"}
    assert pin(source) == [("S3_OBJECT_VERSION_ID", "3sL4")]


def test_another_key_is_pinned_where_the_action_allows_it() -> None:
    source = {
        "S3Bucket": "releases",
        "S3ObjectKey": "releases/orders/latest.zip",
        "AllowOverrideForS3ObjectKey": "true",
    }
    assert pin(source) == [("S3_OBJECT_KEY", "releases/orders/1.0.0.zip"), ("S3_OBJECT_VERSION_ID", "3sL4")]


def test_one_of_several_sources_is_named() -> None:
    sources = [{"name": name, "S3Bucket": "releases", "S3ObjectKey": "releases/orders/1.0.0.zip"} for name in "AB"]
    assert pin(*sources, source_action="B") == [("S3_OBJECT_VERSION_ID", "3sL4")]


@pytest.mark.parametrize(
    ("sources", "problem"),
    [
        ([], "expected the S3 source action exactly one, .* found none"),
        ([{"name": "A"}, {"name": "B"}], "exactly one, or source_action in the registration; found A, B"),
        ([{"S3Bucket": "elsewhere"}], "Source must watch the bucket releases, found elsewhere"),
        ([{"S3Bucket": "releases", "S3ObjectKey": "o.zip"}], "watches o.zip; set its AllowOverrideForS3ObjectKey"),
    ],
)
def test_a_pipeline_that_cannot_be_given_the_zip_is_a_matter_of_registration(
    sources: list[dict[str, Any]], problem: str
) -> None:
    with pytest.raises(InvalidRegistration, match=problem):
        pin(*sources)


# -- evidence ----------------------------------------------------------------------------------------------------------


class Gathering:
    """A Diagnoses whose services return stubbed responses."""

    def __init__(self, stubbed: Stubbed) -> None:
        made = {name: stubbed(name) for name in ("codebuild", "logs", "codedeploy", "cloudformation")}
        clients = {name: client for name, (client, _) in made.items()}
        self.stubbers = {name: stubber for name, (_, stubber) in made.items()}
        self.diagnoses = Diagnoses(
            Builds(clients["codebuild"]),
            LogStreams(clients["logs"]),
            Deployments(clients["codedeploy"]),
            Stacks(clients["cloudformation"]),
        )

    def of(self, provider: str, **result: Any) -> Any:
        return self.diagnoses.of(read_execution(EXECUTED, [detail("Web", provider, "Failed", **result)]))


@pytest.fixture
def gathering(stubbed: Stubbed) -> Gathering:
    return Gathering(stubbed)


BUILD = {
    "id": "orders:1",
    "projectName": "orders",
    "buildStatus": "FAILED",
    "phases": [{"phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": [{"statusCode": "X", "message": "y"}]}],
    "logs": {"groupName": "/aws/codebuild/orders", "streamName": "1"},
}


def test_a_build_and_the_end_of_its_log_are_read(gathering: Gathering) -> None:
    gathering.stubbers["codebuild"].add_response("batch_get_builds", {"builds": [BUILD]}, {"ids": ["orders:1"]})
    gathering.stubbers["logs"].add_response(
        "get_log_events",
        {"events": [{"message": "error: token=abc\n"}]},
        {"logGroupName": "/aws/codebuild/orders", "logStreamName": "1", "limit": 300, "startFromHead": False},
    )
    found = gathering.of("CodeBuild", externalExecutionId="orders:1")
    assert "the phase BUILD is FAILED: X: y" in found.cause
    assert found.evidence == ("error: token=****",)


def test_a_log_that_is_refused_is_said_and_the_phase_told(gathering: Gathering) -> None:
    gathering.stubbers["codebuild"].add_response("batch_get_builds", {"builds": [BUILD]})
    gathering.stubbers["logs"].add_client_error("get_log_events", "AccessDeniedException", "no logs:GetLogEvents")
    found = gathering.of("CodeBuild", externalExecutionId="orders:1")
    assert "the phase BUILD is FAILED" in found.cause
    assert found.evidence == (
        "more could not be read: Logs.GetLogEvents answered AccessDeniedException: no logs:GetLogEvents",
    )


def test_a_deployment_and_its_failed_targets_are_read(gathering: Gathering) -> None:
    deployment = {"deploymentId": "d-1", "applicationName": "orders", "deploymentGroupName": "production"}
    event = {
        "lifecycleEventName": "AfterInstall",
        "status": "Failed",
        "endTime": AT,
        "diagnostics": {"errorCode": "ScriptFailed", "scriptName": "a.sh", "message": "exit code 1", "logTail": "boom"},
    }
    target = {
        "deploymentTargetType": "InstanceTarget",
        "instanceTarget": {"targetId": "i-1", "status": "Failed", "lifecycleEvents": [event]},
    }
    stubber = gathering.stubbers["codedeploy"]
    stubber.add_response("get_deployment", {"deploymentInfo": deployment}, {"deploymentId": "d-1"})
    stubber.add_response(
        "list_deployment_targets",
        {"targetIds": ["i-1"]},
        {"deploymentId": "d-1", "targetFilters": {"TargetStatus": ["Failed"]}},
    )
    stubber.add_response(
        "batch_get_deployment_targets",
        {"deploymentTargets": [target]},
        {"deploymentId": "d-1", "targetIds": ["i-1"]},
    )
    found = gathering.of("CodeDeploy", externalExecutionId="d-1")
    assert "AfterInstall failed on i-1 in the script a.sh: ScriptFailed: exit code 1" in found.cause
    assert found.known == "script-failed"


STACK_ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-web/6a7e"


def stack_event(at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "StackId": STACK_ID,
        "EventId": "1",
        "StackName": "orders-web",
        "LogicalResourceId": "Web",
        "ResourceType": "AWS::SNS::Topic",
        "ResourceStatus": "UPDATE_FAILED",
        "ResourceStatusReason": "no capacity",
        "Timestamp": at,
        **more,
    }


@pytest.mark.parametrize(("at", "told"), [(AT, "no capacity"), (AT.replace(hour=7), "JobFailed")])
def test_only_what_happened_to_the_stack_since_the_action_began_is_its_cause(
    gathering: Gathering, at: datetime, told: str
) -> None:
    stubber = gathering.stubbers["cloudformation"]
    described = {
        "StackName": "orders-web",
        "StackId": STACK_ID,
        "StackStatus": "UPDATE_ROLLBACK_COMPLETE",
        "CreationTime": AT,
    }
    stubber.add_response("describe_stacks", {"Stacks": [described]}, {"StackName": "orders-web"})
    looks = 2 if told == "no capacity" else 1
    for _ in range(looks):
        stubber.add_response("describe_stack_events", {"StackEvents": [stack_event(at)]})
    assert told in gathering.of("CloudFormation", errorDetails={"code": "JobFailed", "message": "see the stack"}).cause
