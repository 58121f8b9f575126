"""Jobs of CodePipeline's Invoke actions: what is read, what is refused, and how a failure is reported."""

import copy
import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.errors import (
    AccessDenied,
    AwsFault,
    InvalidActionConfiguration,
    InvalidEvent,
    InvalidRegistration,
    ServiceUnavailable,
    Throttled,
    UnreadableTemplate,
    ValidationFailed,
)
from belay.pipeline.actions import Registered, StackAction, TemplateAction, stack_action, template_action
from belay.pipeline.job import LONGEST_MESSAGE, LONGEST_SUMMARY, Artifact, bounded, failure_of, job_id, parse_job

SAMPLE: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "events" / "aws.codepipeline" / "job.json").read_text()
)
MODEL = botocore.session.get_session().get_service_model("codepipeline")


def changed(*path: str, to: Any) -> dict[str, Any]:
    event = copy.deepcopy(SAMPLE)
    here = event["CodePipeline.job"]
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = to
    return event


def with_parameters(text: Any) -> dict[str, Any]:
    return changed("data", "actionConfiguration", "configuration", "UserParameters", to=text)


def test_the_sample_is_read() -> None:
    job = parse_job(SAMPLE)
    assert job.id == "11111111-abcd-1111-abcd-111111abcdef"
    assert job.artifacts == (Artifact("SourceArtifact", "amzn-s3-demo-bucket", "orders/SourceArti/1abcdEF.zip"),)
    assert job.continuation_token is None
    assert template_action(job.parameters) == TemplateAction(
        ("templates/network.yaml",), {}, Registered("orders", "production")
    )


def test_credentials_are_never_shown() -> None:
    shown = repr(parse_job(SAMPLE))
    for secret in SAMPLE["CodePipeline.job"]["data"]["artifactCredentials"].values():
        assert str(secret) not in shown


def test_a_job_that_continues_brings_its_token() -> None:
    assert parse_job(changed("data", "continuationToken", to="3")).continuation_token == "3"


def test_user_parameters_may_be_left_out() -> None:
    assert parse_job(with_parameters(None)).parameters == {}


@pytest.mark.parametrize("text", ["network.yaml", "[1]", '"x"', "{", "7"])
def test_user_parameters_are_a_json_object(text: str) -> None:
    with pytest.raises(InvalidActionConfiguration, match="expected a JSON object"):
        parse_job(with_parameters(text))


@pytest.mark.parametrize("found", [None, 7, "", "not-an-id", "11111111-abcd-1111-abcd-111111abcdef\n"])
def test_without_its_id_no_job_can_be_answered(found: Any) -> None:
    with pytest.raises(InvalidEvent, match=r"CodePipeline\.job\.id"):
        job_id(changed("id", to=found))


@pytest.mark.parametrize("event", [{}, {"CodePipeline.job": None}, {"CodePipeline.job": "x"}])
def test_what_is_no_job_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent):
        job_id(event)


@pytest.mark.parametrize(
    "found", ["x", ["x"], [{"name": "A"}], [{"name": "A", "location": {"s3Location": {"bucketName": "b"}}}]]
)
def test_artifacts_that_are_none_are_refused(found: Any) -> None:
    with pytest.raises(InvalidEvent):
        parse_job(changed("data", "inputArtifacts", to=found))


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({}, "templates: expected a list"),
        ({"templates": []}, "templates: expected a list"),
        ({"templates": "a.yaml"}, "templates: expected a list"),
        ({"templates": [7]}, "templates: expected a list"),
        ({"templates": ["a"], "parameters": {"A": 1}}, "parameters: expected an object of texts"),
        ({"templates": ["a"], "parameters": []}, "parameters: expected an object of texts"),
        ({"templates": ["a"], "application": "orders"}, "application and stage"),
        ({"templates": ["a"], "application": "orders", "stage": 7}, "application and stage"),
        ({"templates": ["a"], "trusted_networks": ["0.0.0.0/0"]}, "unknown trusted_networks"),
    ],
)
def test_a_template_action_says_what_is_wrong(parameters: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidActionConfiguration, match=problem):
        template_action(parameters)


def test_a_stack_action_names_stacks() -> None:
    assert stack_action({"stacks": ["a", "b"]}) == StackAction(("a", "b"), None)
    with pytest.raises(InvalidActionConfiguration, match="unknown templates"):
        stack_action({"stacks": ["a"], "templates": ["b"]})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InvalidActionConfiguration("x"), "ConfigurationError"),
        (InvalidEvent("x"), "ConfigurationError"),
        (InvalidRegistration(["x"]), "ConfigurationError"),
        (AccessDenied("S3.GetObject", "AccessDenied", "no"), "PermissionError"),
        (Throttled("SSM.GetParameter", "Throttling", "slow"), "SystemUnavailable"),
        (ServiceUnavailable("SSM.GetParameter", "500", "down"), "SystemUnavailable"),
        (AwsFault("S3.GetObject", "NoSuchKey", "gone"), "JobFailed"),
        (ValidationFailed("FAIL"), "JobFailed"),
        (UnreadableTemplate("a.yaml:1:1: x"), "JobFailed"),
        (KeyError(), "JobFailed"),
    ],
)
def test_each_fault_has_the_type_that_codepipeline_has_for_it(error: Exception, expected: str) -> None:
    failure = failure_of(error)
    assert failure.type == expected
    assert failure.type in MODEL.shape_for("FailureType").metadata["enum"]
    assert failure.message


def test_the_limits_are_those_of_the_model() -> None:
    assert MODEL.shape_for("Message").metadata["max"] == LONGEST_MESSAGE
    assert MODEL.shape_for("ExecutionSummary").metadata["max"] == LONGEST_SUMMARY


@given(st.text(max_size=200), st.integers(min_value=30, max_value=100))
def test_a_long_text_is_cut_and_says_so(text: str, most: int) -> None:
    cut = bounded(text, most)
    assert len(cut) <= most
    assert cut == text if len(text) <= most else cut.endswith("... and more")
