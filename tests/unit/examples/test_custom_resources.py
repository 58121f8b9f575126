"""Every request to a custom resource gets exactly one response; what it created can be created and deleted again."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from custom_resource_requests import REGION, STACK, Answers, request


@pytest.fixture
def parameter(function: Callable[[str], ModuleType]) -> str:
    boto3.client("ssm", region_name=REGION).put_parameter(Name="/shared/network", Value="10.0.0.0/16", Type="String")
    return "/shared/network"


# -- the protocol ------------------------------------------------------------------------------------------------------


def test_an_answer_says_which_request_it_is_for(
    answers: Answers, function: Callable[[str], ModuleType], parameter: str
) -> None:
    function("lookup_parameter").handler(request(answers, "Create", Name=parameter, Region=REGION), None)
    assert answers == [
        {
            "Status": "SUCCESS",
            "PhysicalResourceId": f"{REGION}/{parameter}",
            "StackId": STACK,
            "RequestId": "request-1",
            "LogicalResourceId": "Replica",
            "Data": {"Value": "10.0.0.0/16", "Version": "1"},
        }
    ]
    assert answers.content_types == [""]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"Name": "/shared/nothing", "Region": REGION}, "there is no parameter /shared/nothing in eu-central-1"),
        ({"Region": REGION}, "Name: expected a text, found None"),
        ({"Name": ["/shared/network"], "Region": REGION}, "Name: expected a text, found ['/shared/network']"),
    ],
)
def test_a_failure_is_an_answer_too(
    answers: Answers, function: Callable[[str], ModuleType], properties: dict[str, Any], reason: str
) -> None:
    function("lookup_parameter").handler(request(answers, "Create", **properties), None)
    (answer,) = answers
    assert answer["Status"] == "FAILED"
    assert reason in answer["Reason"]
    assert answer["PhysicalResourceId"] == "not-created-request-1"


def test_what_was_never_made_is_deleted_without_a_call(answers: Answers, function: Callable[[str], ModuleType]) -> None:
    function("replica_bucket").handler(request(answers, "Delete", "not-created-request-0", Retain="false"), None)
    assert [each["Status"] for each in answers] == ["SUCCESS"]
    assert answers[0]["PhysicalResourceId"] == "not-created-request-0"


def test_a_failed_update_keeps_the_id(answers: Answers, function: Callable[[str], ModuleType]) -> None:
    function("lookup_parameter").handler(request(answers, "Update", f"{REGION}//shared/network"), None)
    assert [(each["Status"], each["PhysicalResourceId"]) for each in answers] == [
        ("FAILED", f"{REGION}//shared/network")
    ]


def test_an_answer_that_is_too_large_fails(answers: Answers, function: Callable[[str], ModuleType]) -> None:
    boto3.client("ssm", region_name=REGION).put_parameter(
        Name="/shared/long", Value="x" * 4000, Type="String", Tier="Advanced"
    )
    function("lookup_parameter").handler(request(answers, "Create", Name="/shared/long", Region=REGION), None)
    (answer,) = answers
    assert answer["Status"] == "FAILED"
    assert "at most 4096 bytes" in answer["Reason"]
    assert len(json.dumps(answer)) <= 4096


def test_a_failure_is_answered_however_long_its_reason_is(
    answers: Answers, function: Callable[[str], ModuleType]
) -> None:
    """More than 4 KB would be rejected, and the stack would wait for a response until its timeout."""
    name = f"/shared/{chr(0x1F600) * 990}"
    function("lookup_parameter").handler(request(answers, "Create", "i" * 900, Name=name, Region=REGION), None)
    (answer,) = answers
    assert answer["Status"] == "FAILED"
    assert len(json.dumps(answer)) <= 4096


def test_an_answer_is_sent_again_where_it_did_not_arrive(
    answers: Answers, function: Callable[[str], ModuleType], parameter: str
) -> None:
    answers.refusals = 2
    function("lookup_parameter").handler(request(answers, "Create", Name=parameter, Region=REGION), None)
    assert [each["Status"] for each in answers] == ["SUCCESS"]


def test_an_answer_that_never_arrives_is_raised(
    answers: Answers, function: Callable[[str], ModuleType], parameter: str
) -> None:
    answers.refusals = 3
    with pytest.raises(OSError, match="503"):
        function("lookup_parameter").handler(request(answers, "Create", Name=parameter, Region=REGION), None)
    assert answers == []


# -- a parameter that is looked up -------------------------------------------------------------------------------------


def test_an_update_looks_the_parameter_up_anew(
    answers: Answers, function: Callable[[str], ModuleType], parameter: str
) -> None:
    handler = function("lookup_parameter").handler
    handler(request(answers, "Create", Name=parameter, Region=REGION, Release="1"), None)
    boto3.client("ssm", region_name=REGION).put_parameter(Name=parameter, Value="10.1.0.0/16", Overwrite=True)
    handler(
        request(answers, "Update", answers[0]["PhysicalResourceId"], Name=parameter, Region=REGION, Release="2"), None
    )
    assert [each["Data"]["Value"] for each in answers] == ["10.0.0.0/16", "10.1.0.0/16"]
    assert len({each["PhysicalResourceId"] for each in answers}) == 1


def test_a_secure_parameter_is_refused_and_not_shown(answers: Answers, function: Callable[[str], ModuleType]) -> None:
    boto3.client("ssm", region_name=REGION).put_parameter(Name="/shared/key", Value="hush", Type="SecureString")
    function("lookup_parameter").handler(request(answers, "Create", Name="/shared/key", Region=REGION), None)
    assert [each["Status"] for each in answers] == ["FAILED"]
    assert "hush" not in json.dumps(answers)


def test_a_lookup_is_deleted_as_often_as_it_is_asked(answers: Answers, function: Callable[[str], ModuleType]) -> None:
    for _ in range(2):
        function("lookup_parameter").handler(request(answers, "Delete", f"{REGION}//shared/network"), None)
    assert [each["Status"] for each in answers] == ["SUCCESS", "SUCCESS"]


# -- a bucket in another region ----------------------------------------------------------------------------------------


def buckets() -> list[str]:
    return [each["Name"] for each in boto3.client("s3", region_name=REGION).list_buckets()["Buckets"]]


@pytest.mark.parametrize("region", [REGION, "us-east-1"])
def test_a_replica_is_made_once_and_protected(
    answers: Answers, function: Callable[[str], ModuleType], region: str
) -> None:
    for _ in range(2):
        function("replica_bucket").handler(request(answers, "Create", Region=region, Prefix="orders"), None)
    first, again = answers
    assert first["Status"] == "SUCCESS"
    assert first == again
    (name,) = buckets()
    assert first["Data"] == {"Arn": f"arn:aws:s3:::{name}", "Name": name}
    s3 = boto3.client("s3", region_name=region)
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == (None if region == "us-east-1" else region)
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert set(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()) == {True}
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_another_stack_s_replica_has_another_name(answers: Answers, function: Callable[[str], ModuleType]) -> None:
    for stack in (STACK, STACK.replace("1111", "9999")):
        asked = {**request(answers, "Create", Region=REGION, Prefix="orders"), "StackId": stack}
        function("replica_bucket").handler(asked, None)
    assert len(buckets()) == 2


def test_a_replica_is_kept_unless_the_template_says_otherwise(
    answers: Answers, function: Callable[[str], ModuleType]
) -> None:
    handler = function("replica_bucket").handler
    handler(request(answers, "Create", Region=REGION, Prefix="orders"), None)
    made = answers[0]["PhysicalResourceId"]
    handler(request(answers, "Delete", made, Region=REGION, Prefix="orders"), None)
    assert len(buckets()) == 1
    for _ in range(2):
        handler(request(answers, "Delete", made, Region=REGION, Prefix="orders", Retain="false"), None)
    assert buckets() == []
    assert {each["Status"] for each in answers} == {"SUCCESS"}


def test_a_replica_that_holds_something_is_not_deleted(answers: Answers, function: Callable[[str], ModuleType]) -> None:
    handler = function("replica_bucket").handler
    handler(request(answers, "Create", Region=REGION, Prefix="orders"), None)
    s3 = boto3.client("s3", region_name=REGION)
    # The simulation ignores a policy's condition.
    s3.delete_bucket_policy(Bucket=buckets()[0])
    s3.put_object(Bucket=buckets()[0], Key="data", Body=b"1")
    handler(request(answers, "Delete", answers[0]["PhysicalResourceId"], Retain="false"), None)
    assert answers[1]["Status"] == "FAILED"
    assert "BucketNotEmpty" in answers[1]["Reason"]


def test_a_replica_that_cannot_be_protected_is_not_left_behind(
    answers: Answers, function: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = function("replica_bucket")

    def refused(s3: Any, name: str, arn: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutBucketPolicy")

    monkeypatch.setattr(module, "_protect", refused)
    module.handler(request(answers, "Create", Region=REGION, Prefix="orders"), None)
    assert answers[0]["Status"] == "FAILED"
    assert buckets() == []


@pytest.mark.parametrize(
    "properties",
    [
        {"Region": REGION, "Prefix": "Orders"},
        {"Region": REGION, "Prefix": "orders", "Retain": "maybe"},
        {"Prefix": "orders"},
    ],
)
def test_a_replica_that_cannot_be_is_refused_before_anything_is_made(
    answers: Answers, function: Callable[[str], ModuleType], properties: dict[str, str]
) -> None:
    function("replica_bucket").handler(request(answers, "Create", **properties), None)
    assert [each["Status"] for each in answers] == ["FAILED"]
    assert buckets() == []
