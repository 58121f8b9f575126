"""boto3 receives the scripted response; one that AWS could not return is refused."""

import pytest

from local.engine import EngineError

PIPELINE, EXECUTION = "orders-pipeline", "12345678-1234-5678-abcd-12345678abcd"
ASKED = {"pipelineName": PIPELINE, "pipelineExecutionId": EXECUTION}


def executed(status):
    return {"pipelineExecution": {**ASKED, "status": status}}


def test_the_last_answer_for_the_same_parameters_counts(engine, aws):
    codepipeline = aws("codepipeline")
    for status in ("InProgress", "Failed"):
        engine.script("codepipeline", "GetPipelineExecution", executed(status), only_if=ASKED)
        answer = codepipeline.get_pipeline_execution(**ASKED)
        assert answer["pipelineExecution"]["status"] == status


def test_other_parameters_are_answered_as_before(engine, aws):
    engine.script("codepipeline", "GetPipelineExecution", executed("Failed"), only_if=ASKED)
    codepipeline = aws("codepipeline")
    with pytest.raises(codepipeline.exceptions.ClientError):
        codepipeline.get_pipeline_execution(**ASKED | {"pipelineName": "another"})


def test_another_account_or_region_is_answered_as_before(engine):
    engine.script("codepipeline", "GetPipelineExecution", executed("Failed"), only_if=ASKED, account="111111111111")
    there = engine.client("codepipeline", account="111111111111")
    assert there.get_pipeline_execution(**ASKED)["pipelineExecution"]["status"] == "Failed"
    engine.script("codepipeline", "GetPipelineExecution", executed("Stopped"), only_if=ASKED)
    assert there.get_pipeline_execution(**ASKED)["pipelineExecution"]["status"] == "Failed"
    other = engine.client("codepipeline", account="111111111111", region="eu-central-1")
    with pytest.raises(other.exceptions.ClientError):
        other.get_pipeline_execution(**ASKED)


def test_times_and_lists_come_as_boto3_gives_them(engine, aws):
    detail = {"actionExecutionId": "1", "stageName": "Deploy", "status": "Failed", "startTime": 1772440000.0}
    engine.script(
        "codepipeline",
        "ListActionExecutions",
        {"actionExecutionDetails": [detail]},
        only_if={"pipelineName": PIPELINE, "filter": {"pipelineExecutionId": EXECUTION}},
    )
    pages = aws("codepipeline").get_paginator("list_action_executions")
    found = [
        each
        for page in pages.paginate(pipelineName=PIPELINE, filter={"pipelineExecutionId": EXECUTION})
        for each in page["actionExecutionDetails"]
    ]
    assert found[0]["startTime"].timestamp() == 1772440000.0


def test_builds_and_deployments_are_scripted_too(engine, aws):
    build = {"id": "orders:1", "buildStatus": "FAILED", "phases": [{"phaseType": "BUILD", "phaseStatus": "FAILED"}]}
    engine.script("codebuild", "BatchGetBuilds", {"builds": [build]}, only_if={"ids": ["orders:1"]})
    engine.script(
        "codedeploy", "GetDeployment", {"deploymentInfo": {"status": "Failed"}}, only_if={"deploymentId": "d-1"}
    )
    assert aws("codebuild").batch_get_builds(ids=["orders:1"])["builds"] == [build]
    assert aws("codedeploy").get_deployment(deploymentId="d-1")["deploymentInfo"] == {"status": "Failed"}


@pytest.mark.parametrize(
    ("service", "operation", "answer", "problem"),
    [
        ("codepipeline", "GetPipelineExecution", executed("Broken"), "pipelineExecution.status 'Broken'"),
        ("codepipeline", "GetPipelineExecution", {"execution": {}}, "GetPipelineExecution.execution"),
        ("codepipeline", "GetExecution", {}, "has no operation GetExecution"),
        ("codepipeline", "PutJobSuccessResult", {}, "PutJobSuccessResult answers nothing"),
        ("codebuild", "BatchGetBuilds", {"builds": [{"phase": 1}]}, "BatchGetBuilds.builds.phase"),
        ("s3", "GetObject", {}, "not for s3"),
    ],
)
def test_what_aws_could_not_answer_is_refused(engine, service, operation, answer, problem):
    with pytest.raises(EngineError, match=problem):
        engine.script(service, operation, answer, only_if={})
