"""Which values CloudFormation looks up itself, in a version that the template does not set."""

import pytest

from belay.template.dynamic_references import texts, unversioned
from belay.template.loader import load


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{{resolve:ssm:/orders/size}}", ["{{resolve:ssm:/orders/size}}"]),
        ("{{resolve:ssm-secure:password}}", ["{{resolve:ssm-secure:password}}"]),
        ("{{resolve:ssm:/orders/size:3}}", []),
        ("{{resolve:ssm-secure:password:10}}", []),
        ("{{resolve:ssm:/orders/size:${Version}}}", []),
        ("{{resolve:ssm:${Name}}}", ["{{resolve:ssm:${Name}}}"]),
        ("{{resolve:ssm:/${AWS::StackName}/size}}", ["{{resolve:ssm:/${AWS::StackName}/size}}"]),
        ("{{resolve:ssm:/orders/", ["{{resolve:ssm:/orders/"]),
        ("{{resolve:ssm:/orders/size:3", ["{{resolve:ssm:/orders/size:3"]),
        ("a {{resolve:ssm:x}}-{{resolve:ssm:y:1}}-{{resolve:ssm:z}}", ["{{resolve:ssm:x}}", "{{resolve:ssm:z}}"]),
        ("{{resolve:ssm:x}} and {{resolve:ssm:x}}", ["{{resolve:ssm:x}}"]),
        ("{{resolve:secretsmanager:db:SecretString:password}}", []),
        ("resolve:ssm:x", []),
    ],
)
def test_a_reference_without_a_version_is_found(text: str, found: list[str]) -> None:
    assert list(unversioned([text])) == found


def test_every_text_of_a_template_is_looked_at_and_no_comment() -> None:
    template = rb"""
        # {{resolve:ssm:comment}}
        Resources:
          Web:
            Type: AWS::ECS::Service
            Properties:
              Size: '{{resolve:ssm:/size}}'
              Env: [{Value: !Sub '{{resolve:ssm:/${AWS::Region}/url}}'}, {Value: "\u007b{resolve:ssm:escaped}}"}]
    """
    found = unversioned(texts(load(template, "t.yaml")))
    assert found == ("{{resolve:ssm:/size}}", "{{resolve:ssm:/${AWS::Region}/url}}", "{{resolve:ssm:escaped}}")
