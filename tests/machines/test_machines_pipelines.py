"""A stage that its own pipeline deploys: started with the release, followed to its end, rolled back.

CodePipeline's responses are scripted: nothing runs pipelines here.
"""

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from deployed_belay import Application, until

Applications = Callable[..., Application]


class ScriptedPipeline:
    """The pipeline of an application's production stage, and CodePipeline's responses about its executions."""

    def __init__(self, app: Application, *, bucket: str = "") -> None:
        self.name = f"{app.name}-pipeline"
        self.app = app
        self.execution = str(uuid.uuid4())
        app.register(pipeline={"name": self.name, "deployment_stage": "Deploy", "start": True})
        spoke = app.belay.spoke
        source = {
            "S3Bucket": bucket or (app.belay.outputs["ReleaseBucketName"] if spoke is None else spoke.files),
            "S3ObjectKey": f"releases/{app.name}/1.0.0.zip",
            "AllowOverrideForS3ObjectKey": "false" if spoke is None else "true",
        }
        self.structure = {
            "name": self.name,
            "roleArn": "arn:aws:iam::000000000000:role/pipeline",
            "version": 3,
            "stages": [
                {"name": "Source", "actions": [action("Source", "Source", "S3", configuration=source)]},
                {"name": "Deploy", "actions": [action("Stack", "Deploy", "CloudFormation")]},
            ],
        }
        self.answer("GetPipeline", {"pipeline": self.structure}, {"name": self.name})
        self.answer("StartPipelineExecution", {"pipelineExecutionId": self.execution}, {"name": self.name})
        self.answer("ListPipelineExecutions", {"pipelineExecutionSummaries": []}, {"pipelineName": self.name})
        self.is_at("InProgress")

    def answer(self, operation: str, answer: dict[str, Any], only_if: dict[str, Any]) -> None:
        where = {"account": self.app.belay.account, "region": self.app.belay.region}
        self.app.belay.engine.script("codepipeline", operation, answer, only_if=only_if, **where)

    def is_at(self, status: str, *actions: dict[str, Any], execution: str = "") -> None:
        """Set an execution, by default this release's, to a status with these actions."""
        named = {"pipelineName": self.name, "pipelineExecutionId": execution or self.execution}
        self.answer(
            "GetPipelineExecution", {"pipelineExecution": {**named, "status": status, "pipelineVersion": 3}}, named
        )
        self.answer(
            "ListActionExecutions",
            {"actionExecutionDetails": list(actions)},
            {"pipelineName": self.name, "filter": {"pipelineExecutionId": named["pipelineExecutionId"]}},
        )

    def happens(self, state: str) -> None:
        """Deliver the event of a change of this execution."""
        detail = {"pipeline": self.name, "execution-id": self.execution, "state": state, "version": 3.0}
        detail["start-time"] = "2026-03-02T08:01:37.412Z"
        self.app.belay.deliver("aws.codepipeline", "CodePipeline Pipeline Execution State Change", detail, there=True)

    def run(self) -> dict[str, Any]:
        return self.app.run(self.app.release())


def action(name: str, category: str, provider: str, **more: Any) -> dict[str, Any]:
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, **more}


def ran(stage: str, category: str, provider: str, status: str, **result: Any) -> dict[str, Any]:
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {
        "actionExecutionId": str(uuid.uuid4()),
        "stageName": stage,
        "actionName": "Orders",
        "status": status,
        "startTime": time.time(),
        "lastUpdateTime": time.time(),
        "input": {"actionTypeId": kind, "configuration": {}},
        "output": {"executionResult": result},
    }


@pytest.mark.parametrize("lost", [False, True])
def test_a_pipeline_deploys_a_release_and_its_approval_is_told_of_once(application: Applications, lost: bool) -> None:
    """An event reports its end, or the schedule if that is lost; there is no polling in between."""
    app = application()
    pipeline = ScriptedPipeline(app)
    pipeline.is_at("InProgress", ran("Review", "Approval", "Manual", "InProgress"))
    upload = app.belay.upload(app.release())
    until(lambda: [m for m in app.received() if m.attributes["kind"] == "person-needed"])
    pipeline.is_at("Succeeded", ran("Deploy", "Deploy", "CloudFormation", "Succeeded"))
    if lost:
        app.belay.invoke("ReactToPipelineFunction", {"missed": True})
    else:
        pipeline.happens("SUCCEEDED")

    assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
    assert app.belay.states(app.name, "deploy_stage").count("CheckPipeline") == 2
    assert app.belay.last_known_good(app.name) == "1.0.0"
    assert not app.belay.lock(app.name), "no lock is held while a pipeline asks people"
    told = app.told("deployment-started", "person-needed", "DEPLOYED")
    assert "approve or reject Orders of the execution" in told[1].text
    record = app.belay.item(f"APPLICATION#{app.name}", f"PIPELINE#production#{pipeline.execution}")
    assert record["release"]["version"] == "1.0.0"


def test_a_superseded_execution_aborts_the_release(application: Applications) -> None:
    app = application()
    ScriptedPipeline(app).is_at("Superseded")
    record = app.run(app.release())
    assert (record["outcome"], "is Superseded" in record["reason"]) == ("ABORTED", True)


def test_a_pipeline_that_cannot_be_given_the_zip_refuses_the_release(application: Applications) -> None:
    app = application()
    record = ScriptedPipeline(app, bucket="elsewhere").run()
    assert record["outcome"] == "REJECTED"
    assert "must watch the bucket" in record["reason"]


def test_a_failed_deployment_is_rolled_back_by_codepipeline_where_that_is_legal(application: Applications) -> None:
    app = application()
    pipeline, earlier, back = ScriptedPipeline(app), str(uuid.uuid4()), str(uuid.uuid4())
    failed = ran("Deploy", "Deploy", "ECS", "Failed", errorDetails={"code": "JobFailed", "message": "no steady state"})
    pipeline.is_at("Failed", failed)
    pipeline.is_at("Succeeded", execution=earlier)
    succeeded = {"pipelineExecutionId": earlier, "status": "Succeeded"}
    pipeline.answer(
        "ListPipelineExecutions",
        {"pipelineExecutionSummaries": [succeeded]},
        {"pipelineName": pipeline.name, "filter": {"succeededInStage": {"stageName": "Deploy"}}},
    )
    asked = {"pipelineName": pipeline.name, "stageName": "Deploy", "targetPipelineExecutionId": earlier}
    pipeline.answer("RollbackStage", {"pipelineExecutionId": back}, asked)
    pipeline.is_at("Succeeded", execution=back)

    record = pipeline.run()

    assert record["outcome"] == "ROLLED_BACK"
    assert "Deploy/Orders (ECS) failed: JobFailed: no steady state" in record["reason"]
    assert app.belay.incidents(app.name) == []


def test_a_failed_deployment_is_an_incident_where_codepipeline_cannot_roll_back(application: Applications) -> None:
    app = application()
    pipeline = ScriptedPipeline(app)
    pipeline.is_at(
        "Failed", ran("Deploy", "Deploy", "ECS", "Failed", errorDetails={"code": "JobFailed", "message": "x"})
    )

    record = pipeline.run()

    assert record["outcome"] == "ROLLED_BACK"
    assert len(app.belay.incidents(app.name)) == 1
    assert "pipeline-failed" not in {each.attributes["kind"] for each in app.received()}


def test_a_pipeline_that_cannot_be_started_or_looked_at_is_an_incident(application: Applications) -> None:
    for refused in ("StartPipelineExecution", "GetPipelineExecution"):
        app = application()
        pipeline = ScriptedPipeline(app)
        app.belay.engine.inject("codepipeline", refused, "AccessDeniedException", "not authorized")
        assert pipeline.run()["outcome"] == "ROLLED_BACK"
