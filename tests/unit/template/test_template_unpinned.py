"""Nested stacks whose templates may be changed between the approval and the deployment."""

import json
from typing import Any

import pytest

from belay.template.unpinned import unpinned

RELEASE = ("artifacts", "releases/orders/1.0.0/ab12")
FILES = {"network.yaml", "inner.yaml"}
VALUES = {"AWS::Region": "eu-west-1", "ReleaseBucket": RELEASE[0], "ReleasePrefix": RELEASE[1]}
ELSEWHERE = "https://templates.s3.amazonaws.com/inner.yaml"
OURS = f"https://s3.eu-west-1.amazonaws.com/{RELEASE[0]}/{RELEASE[1]}/inner.yaml"


def found(template: bytes | str, **values: str) -> list[str]:
    data = template.encode() if isinstance(template, str) else template
    return unpinned(data, {**VALUES, **values}, RELEASE, FILES, where="network")


def nested(url: Any, **more: Any) -> str:
    child = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    return json.dumps({"Resources": {"Inner": child}, **more})


@pytest.mark.parametrize(
    "template",
    [
        nested(ELSEWHERE),
        f'{{"Resources": {{"Inner": {{"Type": "AWS::CloudFormation::\\u0053tack", '
        f'"Properties": {{"TemplateURL": "{ELSEWHERE}"}}}}}}}}',
        f'Resources: {{Inner: {{Type: "AWS::CloudFormation::\\x53tack", Properties: {{TemplateURL: "{ELSEWHERE}"}}}}}}',
        f"Resources: {{Inner: {{Type: AWS::Serverless::Application, Properties: {{Location: '{ELSEWHERE}'}}}}}}",
        "Resources: {Inner: {Type: AWS::Serverless::Application, Properties: {Location: {ApplicationId: a}}}}",
        nested({"Fn::Sub": "https://${Bucket}.s3.amazonaws.com/inner.yaml"}, Parameters={"Bucket": {"Type": "String"}}),
        nested({"Ref": "Url"}, Parameters={"Url": {"Type": "AWS::SSM::Parameter::Value<String>"}}),
        nested(OURS.replace("inner", "missing")),
        nested(f"{OURS}?versionId=1"),
        nested(OURS.replace(RELEASE[1], "releases/orders/0.9.0/cd34")),
        "Resources: {Inner: {Type: AWS::CloudFormation::Stack}}",
    ],
)
def test_a_nested_template_that_is_no_file_of_the_release_is_found(template: str) -> None:
    (line,) = found(template, Bucket="templates")
    assert line.startswith("network/Inner: "), line


def test_a_file_of_the_release_cannot_change() -> None:
    url = {"Fn::Sub": "https://s3.${AWS::Region}.${AWS::URLSuffix}/${ReleaseBucket}/${ReleasePrefix}/inner.yaml"}
    parameters = {name: {"Type": "String"} for name in ("ReleaseBucket", "ReleasePrefix")}
    assert found(nested(url, Parameters=parameters)) == []
    assert found(nested(OURS)) == []
    assert found("Resources: {Topic: {Type: AWS::SNS::Topic}}") == []


def test_a_parent_cannot_call_another_bucket_the_release_s() -> None:
    url = {"Fn::Sub": "https://s3.amazonaws.com/${ReleaseBucket}/${ReleasePrefix}/inner.yaml"}
    parameters = {name: {"Type": "String"} for name in ("ReleaseBucket", "ReleasePrefix")}
    assert len(found(nested(url, Parameters=parameters), ReleaseBucket="mine")) == 1


def test_what_a_condition_leaves_out_is_not_deployed() -> None:
    conditions = {"Never": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}}
    child = {"Type": "AWS::CloudFormation::Stack", "Condition": "Never", "Properties": {"TemplateURL": ELSEWHERE}}
    template = json.dumps({"Conditions": conditions, "Resources": {"Inner": child}})
    assert found(template) == []
    assert len(found(template.replace("us-east-1", "eu-west-1"))) == 1


def test_what_cannot_be_read_may_be_a_nested_stack() -> None:
    (line,) = found('{"Resources": {"Inner": {"Fn::Transform": {"Name": "AWS::Include"}}}}')
    assert "Fn::Transform" in line
