"""Every parameter that is read from Parameter Store is found, in nested stacks too, with the name that is read."""

from collections.abc import Mapping

import pytest

from belay.template.root import root_scope
from belay.template.ssm_parameters import read_parameters

RESOURCE = "Resources: {A: {Type: 'AWS::SNS::Topic'}}"
URL = "!Sub 'https://${ReleaseBucket}.s3.amazonaws.com/${ReleasePrefix}/child.yaml'"
CHILD = f"""\
Parameters:
  Image: {{Type: AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>, Default: /child/default}}
{RESOURCE}
"""


def parent(passed: str) -> str:
    return f"""\
Parameters:
  ReleaseBucket: {{Type: String}}
  ReleasePrefix: {{Type: String}}
  Word: {{Type: String, Default: vpc}}
  Hidden: {{Type: String, NoEcho: true}}
  Small: {{Type: String, AllowedValues: ["yes!", "no!"]}}
Conditions:
  IsSmall: !Equals [!Ref Small, "yes!"]
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: {URL}
      Parameters: {passed}
"""


def read(files: Mapping[str, str], **given: str) -> dict[str, list[str | None]]:
    found: dict[str, list[str | None]] = {}
    texts = {path: text.encode() for path, text in files.items()}
    for each in read_parameters(root_scope(texts, "root.yaml", given, defaults_apply=True)):
        found.setdefault(each.where, []).append(each.name)
    return found


@pytest.mark.parametrize(
    "kind",
    [
        "String",
        "List<String>",
        "CommaDelimitedList",
        "AWS::EC2::Image::Id",
        "List<AWS::EC2::Subnet::Id>",
        "AWS::SSM::Parameter::Value<String>",
    ],
)
def test_every_type_that_is_read_is_found(kind: str) -> None:
    root = f'Parameters: {{A: {{Type: "AWS::SSM::Parameter::Value<{kind}>", Default: /a}}}}\n{RESOURCE}'
    assert read({"root.yaml": root}) == {"root.yaml: A": ["/a"]}
    assert read({"root.yaml": root}, A="/b") == {"root.yaml: A": ["/b"]}


@pytest.mark.parametrize("kind", ["String", "AWS::SSM::Parameter::Name", "AWS::EC2::VPC::Id"])
def test_other_types_read_nothing(kind: str) -> None:
    assert read({"root.yaml": f'Parameters: {{A: {{Type: "{kind}", Default: /a}}}}\n{RESOURCE}'}) == {}


@pytest.mark.parametrize(
    ("passed", "names"),
    [
        ("{}", ["/child/default"]),
        ("{Image: /orders/image}", ["/orders/image"]),
        ("{Image: !Sub '/orders/${Word}'}", ["/orders/vpc"]),
        ("{Image: !If [IsSmall, /orders/small, !Ref AWS::NoValue]}", ["/orders/small", "/child/default"]),
        ("{Image: !GetAtt Elsewhere.Name}", [None]),
        ("{Image: !Ref Hidden}", [None]),
        ("{Image: '{{resolve:ssm:/orders/name}}'}", [None]),
    ],
)
def test_what_a_nested_stack_is_given_is_followed(passed: str, names: list[str | None]) -> None:
    found = read({"root.yaml": parent(passed), "child.yaml": CHILD}, ReleaseBucket="b", ReleasePrefix="p", Hidden="/x")
    assert found == {"child.yaml: Child/Image": names}
