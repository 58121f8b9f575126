"""Baselines: what is stored of a stack, what cannot be, and their use in a change set."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from belay.stack.baseline import Baseline, TemplatePointer, baseline_of
from belay.stack.status import StackStatus

BODY = b'{"Resources":{"Size":1.10}}'
TEMPLATE = TemplatePointer("belay-artifacts", "baselines/orders-service.yaml", "v1", hashlib.sha256(BODY).hexdigest())


def description(**changes: Any) -> dict[str, Any]:
    return {
        "StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service/6a7e8fe0",
        "StackName": "orders-service",
        "StackStatus": "UPDATE_COMPLETE",
        "Parameters": [
            {"ParameterKey": "Password", "ParameterValue": "****"},
            {"ParameterKey": "Count", "ParameterValue": "2"},
            {"ParameterKey": "Image", "ParameterValue": "/orders/image", "ResolvedValue": "orders:1.0.0"},
        ],
        "Tags": [{"Key": "team", "Value": "orders"}],
        "Capabilities": ["CAPABILITY_IAM"],
        "RoleARN": "arn:aws:iam::111122223333:role/orders-deploy",
        "NotificationARNs": ["arn:aws:sns:eu-west-1:111122223333:stacks"],
    } | changes


def test_a_stack_is_kept_with_everything_an_update_needs() -> None:
    baseline = baseline_of(description(), TEMPLATE)
    assert baseline == Baseline(
        stack_name="orders-service",
        existed=True,
        stack_id="arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service/6a7e8fe0",
        status=StackStatus.UPDATE_COMPLETE,
        template=TEMPLATE,
        parameters={"Count": "2", "Image": "/orders/image"},
        hidden=("Password",),
        resolved={"Image": "orders:1.0.0"},
        tags={"team": "orders"},
        capabilities=("CAPABILITY_IAM",),
        role_arn="arn:aws:iam::111122223333:role/orders-deploy",
        notification_arns=("arn:aws:sns:eu-west-1:111122223333:stacks",),
        outputs={},
    )


def test_a_hidden_value_is_never_kept_as_a_value() -> None:
    assert "****" not in str(baseline_of(description(), TEMPLATE).to_dict())


@pytest.mark.parametrize(
    "found", [None, description(StackStatus="REVIEW_IN_PROGRESS"), description(StackStatus="DELETE_COMPLETE")]
)
def test_no_stack_a_deleted_one_and_an_empty_shell_did_not_exist(found: dict[str, Any] | None) -> None:
    assert baseline_of(found, TEMPLATE, "orders-service") == Baseline(stack_name="orders-service", existed=False)


@pytest.mark.parametrize(
    "baseline", [baseline_of(description(), TEMPLATE), baseline_of(description(), None), baseline_of(None, None, "x")]
)
def test_a_baseline_survives_being_a_document(baseline: Baseline) -> None:
    assert Baseline.from_dict(baseline.to_dict()) == baseline


def test_a_stack_without_parameters_tags_and_role_is_kept_too() -> None:
    bare = {key: description()[key] for key in ("StackId", "StackName", "StackStatus")}
    baseline = baseline_of(bare, TEMPLATE)
    assert (baseline.parameters, baseline.tags, baseline.role_arn) == ({}, {}, None)
    assert baseline.update_parameters() == []


def test_known_values_are_given_and_hidden_ones_are_used_as_they_are() -> None:
    parameters = baseline_of(description(), TEMPLATE).update_parameters()
    assert parameters == [
        {"ParameterKey": "Count", "ParameterValue": "2"},
        {"ParameterKey": "Image", "ParameterValue": "/orders/image"},
        {"ParameterKey": "Password", "UsePreviousValue": True},
    ]


def test_a_hidden_parameter_that_the_stack_lost_is_left_out_and_named() -> None:
    baseline = baseline_of(description(), TEMPLATE)
    assert baseline.lost(("Count", "Image")) == ("Password",)
    assert baseline.lost(("Count", "Password")) == ()
    assert {each["ParameterKey"] for each in baseline.update_parameters(("Count", "Image"))} == {"Count", "Image"}


def test_the_parameters_fit_the_api() -> None:
    model = botocore.session.get_session().get_service_model("cloudformation")
    shape = model.operation_model("CreateChangeSet").input_shape
    arguments = {
        "StackName": "orders-service",
        "ChangeSetName": "back",
        "TemplateURL": TEMPLATE.url("eu-west-1"),
        "Parameters": baseline_of(description(), TEMPLATE).update_parameters(),
    }
    assert not ParamValidator().validate(arguments, shape).has_errors()


def test_the_template_s_address_is_path_style_and_pins_the_version() -> None:
    assert TEMPLATE.url("eu-west-1") == (
        "https://s3.eu-west-1.amazonaws.com/belay-artifacts/baselines/orders-service.yaml?versionId=v1"
    )
    assert TemplatePointer("b", "a+b c.yaml", None, "d").url("cn-north-1", "amazonaws.com.cn") == (
        "https://s3.cn-north-1.amazonaws.com.cn/b/a%2Bb%20c.yaml"
    )


def test_a_stack_as_it_was_matches_whatever_its_status() -> None:
    baseline = baseline_of(description(), TEMPLATE)
    assert baseline.matches(description(StackStatus="UPDATE_ROLLBACK_COMPLETE"), BODY)


@pytest.mark.parametrize(
    ("now", "body"),
    [
        (description(), BODY + b"\n"),
        (description(Parameters=[]), BODY),
        (description(Tags=[]), BODY),
        (description(StackId="arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service/new"), BODY),
    ],
)
def test_another_template_parameter_tag_or_stack_does_not_match(now: dict[str, Any], body: bytes) -> None:
    assert not baseline_of(description(), TEMPLATE).matches(now, body)


def test_a_template_that_belay_0_1_had_parsed_and_written_again_is_known() -> None:
    written_again = hashlib.sha256(json.dumps(json.loads(BODY)).encode()).hexdigest()
    old = replace(TEMPLATE, digest=written_again)
    assert baseline_of(description(), old).matches(description(), BODY)
    assert not old.is_of(b"Resources: {}")
    assert not old.is_of(b"[" * 100_000)


def test_what_did_not_exist_or_has_no_template_matches_nothing() -> None:
    assert not baseline_of(None, None, "orders-service").matches(description(), BODY)
    assert not baseline_of(description(), None).matches(description(), BODY)
