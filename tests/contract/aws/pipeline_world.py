"""A model of CodePipeline's API: one execution of a pipeline going through its states, and the events it sends."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

EVENTS = Path(__file__).parents[3] / "events"
PIPELINE, EXECUTION = "orders-pipeline", "12345678-1234-5678-abcd-12345678abcd"
STAGES = ("Source", "Build", "PreDeployment", "Deploy")
PROVIDERS = {"Source": "S3", "Build": "CodeBuild", "PreDeployment": "Lambda", "Deploy": "CloudFormation"}
CATEGORIES = {"Source": "Source", "Build": "Build", "PreDeployment": "Invoke", "Deploy": "Deploy"}
BEGAN = datetime(2026, 3, 2, 8, 0, 0, tzinfo=UTC)
_MODEL = botocore.session.get_session().get_service_model("codepipeline")


@dataclass
class World:
    """CodePipeline's current responses: ``moments`` are the states in order, ``now`` is the current one."""

    moments: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    events: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    now: int = 0
    after_it: timedelta = timedelta()
    job: dict[str, str] = field(default_factory=lambda: {"pipelineName": PIPELINE, "pipelineExecutionId": EXECUTION})

    @property
    def stack_changed_at(self) -> datetime:
        """When the stack was changed: when the deployment's action begins, or this long ``after_it``."""
        deploys = (each for each in reversed(self.moments[self.now][1]) if each["stageName"] == "Deploy")
        began: datetime = next((each["startTime"] for each in deploys), BEGAN)
        return began + self.after_it

    def get_pipeline_execution(self, **asked: str) -> dict[str, Any]:
        answer = {
            "pipelineExecution": {
                "pipelineName": PIPELINE,
                "pipelineExecutionId": EXECUTION,
                "pipelineVersion": 7,
                "status": self.moments[self.now][0],
                "artifactRevisions": [{"name": "Source", "revisionId": "3sL4kqtJlcpXroDTDmJ"}],
                "executionType": "STANDARD",
            }
        }
        assert asked == {"pipelineName": PIPELINE, "pipelineExecutionId": EXECUTION}
        return checked("GetPipelineExecution", answer)

    def get_job_details(self, **asked: str) -> dict[str, Any]:
        return checked("GetJobDetails", {"jobDetails": {"id": asked["jobId"], "data": {"pipelineContext": self.job}}})

    def get_paginator(self, name: str) -> "World":
        assert name == "list_action_executions"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        assert asked == {"pipelineName": PIPELINE, "filter": {"pipelineExecutionId": EXECUTION}}
        details = list(reversed(self.moments[self.now][1]))
        yield checked("ListActionExecutions", {"actionExecutionDetails": details[:2]})
        yield checked("ListActionExecutions", {"actionExecutionDetails": details[2:]})

    def list_pipeline_executions(self, **_: Any) -> dict[str, Any]:
        status, details = self.moments[self.now]
        summary = {
            "pipelineExecutionId": EXECUTION,
            "status": status,
            "startTime": BEGAN,
            "lastUpdateTime": datetime.now(UTC),
        }
        return checked("ListPipelineExecutions", {"pipelineExecutionSummaries": [summary] if details else []})

    def get_pipeline(self, **_: str) -> dict[str, Any]:
        stages = [
            {
                "name": stage,
                "actions": [
                    {
                        "name": stage,
                        "actionTypeId": {
                            "category": CATEGORIES[stage],
                            "owner": "AWS",
                            "provider": PROVIDERS[stage],
                            "version": "1",
                        },
                    }
                ],
            }
            for stage in STAGES
        ]
        return checked(
            "GetPipeline", {"pipeline": {"name": PIPELINE, "roleArn": "arn:aws:iam::1:role/x", "stages": stages}}
        )


def checked(operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    """A response checked against botocore's model."""
    report = ParamValidator().validate(answer, _MODEL.operation_model(operation).output_shape)
    assert not report.has_errors(), report.generate_report()
    return answer


def sample(kind: str, state: str) -> dict[str, Any]:
    """AWS's documented sample of an event, about this execution."""
    event: dict[str, Any] = json.loads(
        (EVENTS / "aws.codepipeline" / f"{kind}_execution_state_change.{state}.json").read_text()
    )
    return event


class Story:
    """Builds a world step by step."""

    def __init__(self) -> None:
        self.world = World()
        self.minute = 0
        self.actions: list[dict[str, Any]] = []
        self.tell("InProgress", "pipeline", "started")

    def tell(self, status: str, kind: str, state: str, stage: str | None = None) -> None:
        """The execution now has a status, and an event was sent."""
        event = sample(kind, state)
        event["detail"] |= {"pipeline": PIPELINE, "execution-id": EXECUTION}
        if stage is not None:
            event["detail"]["stage"] = stage
        self.world.moments.append((status, copy.deepcopy(self.actions)))
        self.world.events.append((len(self.world.moments) - 1, event))

    def act(self, stage: str, end: str, *, status: str = "InProgress") -> None:
        """An action begins and ends; ``status`` is the execution's once it has ended."""
        self.minute += 1
        detail = {
            "pipelineExecutionId": EXECUTION,
            "actionExecutionId": f"{stage}-{self.minute}",
            "stageName": stage,
            "actionName": stage,
            "startTime": BEGAN + timedelta(minutes=self.minute),
            "lastUpdateTime": BEGAN + timedelta(minutes=self.minute),
            "status": "InProgress",
            "input": {
                "actionTypeId": {
                    "category": CATEGORIES[stage],
                    "owner": "AWS",
                    "provider": PROVIDERS[stage],
                    "version": "1",
                },
                "configuration": {"StackName": "orders-web"} if stage == "Deploy" else {},
            },
        }
        self.actions.append(detail)
        self.tell("InProgress", "stage", "started", stage)
        self.tell("InProgress", "action", "started", stage)
        self.minute += 1
        ended = {"Succeeded": "succeeded", "Failed": "failed", "Abandoned": "abandoned"}[end]
        self.actions[-1] = detail | {
            "status": end,
            "lastUpdateTime": BEGAN + timedelta(minutes=self.minute),
            "output": {"executionResult": {"externalExecutionSummary": f"{stage} {ended}"}},
        }
        self.tell("InProgress", "action", ended, stage)
        self.tell(status, "stage", {"abandoned": "stopped"}.get(ended, ended), stage)


def succeeding() -> World:
    story = Story()
    for stage in STAGES:
        story.act(stage, "Succeeded")
    story.tell("Succeeded", "pipeline", "succeeded")
    return story.world


def failing(stage: str) -> World:
    story = Story()
    for each in STAGES[: STAGES.index(stage)]:
        story.act(each, "Succeeded")
    story.act(stage, "Failed")
    story.tell("Failed", "pipeline", "failed")
    return story.world


def resumed() -> World:
    story = Story()
    story.act("Source", "Succeeded")
    story.act("Build", "Failed", status="Failed")
    story.tell("Failed", "pipeline", "failed")
    story.tell("InProgress", "pipeline", "resumed")
    for stage in STAGES[1:]:
        story.act(stage, "Succeeded")
    story.tell("Succeeded", "pipeline", "succeeded")
    return story.world


def ended(status: str, *states: str) -> World:
    story = Story()
    story.act("Source", "Succeeded")
    story.act("Build", "Abandoned" if status == "Stopped" else "Succeeded")
    for state in states[:-1]:
        story.tell("Stopping", "pipeline", state)
    story.tell(status, "pipeline", states[-1])
    return story.world


WORLDS = {
    "succeeded": succeeding,
    "failed in the build": lambda: failing("Build"),
    "failed in the deployment": lambda: failing("Deploy"),
    "resumed": resumed,
    "stopped": lambda: ended("Stopped", "stopping", "stopped"),
    "canceled": lambda: ended("Cancelled", "canceled"),
    "superseded": lambda: ended("Superseded", "superseded"),
}
