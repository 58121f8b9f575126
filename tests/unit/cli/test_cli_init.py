"""``belay init`` on existing templates: its output can be read, and it reports what it cannot know."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from belay.errors import UnreadableTemplate
from belay.template.loader import load
from belay.template.nodes import MappingNode, SequenceNode
from cli import init
from cli.__main__ import main
from cli.beginnings import Beginning, FirstStage
from cli.nested_urls import with_urls
from cli.own_templates import from_files
from cli.problems import NoSuchStack, Refused
from cli.service_role import Needs, service_role

SHOP = """\
# My shop.
Parameters:
  Retention: {Type: Number}  # days
  DbPassword: {Type: String, NoEcho: true}
  Stage: {Type: String}
  Image: {Type: "AWS::SSM::Parameter::Value<String>", Default: /shop/image}
Resources:
  Queue: {Type: "AWS::SQS::Queue", Properties: {MessageRetentionPeriod: !Ref Retention}}
  Storage:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: nested/storage.json
      Parameters: {Days: !Ref Retention}
"""
STORAGE = """\
{"Resources": {
  "Deep": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "../deep.yaml"}},
  "Bucket": {"Type": "AWS::S3::Bucket"}
}}
"""
DEEP = """\
Resources:
  Topic: {Type: "AWS::SNS::Topic"}
"""
URL = "https://s3.amazonaws.com/${ReleaseBucket}/${ReleasePrefix}/templates/"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a template that nests another, which nests a third; and no Belay."""

    def nowhere(_: Any) -> None:
        raise NoSuchStack("there is no stack 'belay'")

    monkeypatch.setattr(init.Account, "of", nowhere)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "own"
    (folder / "nested").mkdir(parents=True)
    (folder / "template.yaml").write_text(SHOP)
    (folder / "nested" / "storage.json").write_text(STORAGE)
    (folder / "deep.yaml").write_text(DEEP)
    return folder


def document(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_a_folder_becomes_a_release_a_registration_and_a_role(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "shop", str(own), "--ephemeral", "test"]) == 0
    out = capsys.readouterr().out

    assert document(Path("shop/release/release.yaml"))["stacks"] == [
        {"name": "shop", "template": "templates/template.yaml"}
    ]
    assert document(Path("shop/registration/application.yaml")) == {
        "stages": ["test", "production"],
        "defaults": {"service_role": "${DeploymentRoleArn}"},
    }
    test, production = (document(Path(f"shop/registration/{stage}.yaml")) for stage in ("test", "production"))
    assert (test["ephemeral"], test["stacks"]["shop"]["name"]) == (True, "shop-test")
    assert production["ssm_parameters"] == ["/shop/image"]
    assert production["stacks"]["shop"] == {
        "name": "shop-production",
        "parameters": {
            "Retention": "${Retention}",
            "DbPassword": "{{resolve:secretsmanager:shop/production/DbPassword}}",
        },
    }
    assert "belay validate shop/release passes" in out
    assert "Retention has no default" in out
    assert "DbPassword is a secret" in out
    assert "belay register shop shop/registration --outputs-of shop-operator" in out


def test_the_nested_templates_are_found_and_named_by_where_the_release_s_files_are(own: Path) -> None:
    released = from_files(own, "shop").released()

    root, storage = (load(released[f"templates/{name}"], name) for name in ("template.yaml", "nested/storage.json"))
    assert released["templates/template.yaml"].startswith(b"# My shop.\n")
    assert b"# days" in released["templates/template.yaml"]
    assert URL + "nested/storage.json" in released["templates/template.yaml"].decode()
    assert URL + "deep.yaml" in released["templates/nested/storage.json"].decode()
    for each in (root, storage):
        assert {"ReleaseBucket", "ReleasePrefix"} <= each.section("Parameters").entries.keys()
    assert released["templates/template.yaml"].count(b"ReleaseBucket") == 4, "declared, in the URL, and passed on"
    assert released["templates/deep.yaml"].decode() == DEEP


def test_what_belay_gives_is_not_asked_for(own: Path) -> None:
    beginning = Beginning("shop", [FirstStage("production")], from_files(own, "shop"))
    assert beginning.open_parameters("template.yaml") == ["Retention"]


def test_nothing_is_overwritten(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = Path("shop/registration/production.yaml")
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")

    assert main(["init", "shop", str(own)]) == 1
    assert "shop/registration/production.yaml exists already" in capsys.readouterr().err
    assert kept.read_text() == "mine"
    assert not Path("shop/release").exists()


def test_a_release_is_not_begun_again(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own / "release.yaml").write_text("application: shop")
    assert main(["init", "shop", str(own)]) == 1
    assert "it is a release already" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["- 1\n", "Resources: [\n"])
def test_what_is_no_template_is_told(own: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (own / "template.yaml").write_text(text)
    assert main(["init", "shop", str(own / "template.yaml")]) == 1
    assert "name a template, or a folder of templates" in capsys.readouterr().err


def test_templates_side_by_side_are_stacks_and_those_that_import_come_last(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own / "app.yaml").write_text("Resources: {T: {Type: AWS::SNS::Topic, Properties: {TopicName: !ImportValue n}}}\n")
    assert main(["init", "shop", str(own), "--service-role", "arn:aws:iam::123456789012:role/belay/shop"]) == 0
    stacks = document(Path("shop/release/release.yaml"))["stacks"]
    assert [(each["name"], each.get("depends_on")) for each in stacks] == [("template", None), ("app", ["template"])]
    assert document(Path("shop/registration/production.yaml"))["stacks"]["app"]["name"] == "shop-production-app"
    assert not Path("shop/operator.yaml").exists()
    assert "Belay's parameter ServiceRoleArns has to cover it" in capsys.readouterr().out


def test_a_nested_template_from_elsewhere_is_left_to_a_person(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = "https://example.com/a.yaml"
    (own / "template.yaml").write_text(SHOP.replace("nested/storage.json", url))
    main(["init", "shop", str(own / "template.yaml")])
    out = capsys.readouterr().out
    assert f"the template of Storage is not among yours ({url})" in out
    assert "says REVIEW" in out


SERVERLESS = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Function:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: src/, Handler: app.handler, Runtime: python3.13}
  Role:
    Type: AWS::IAM::Role
    Properties: {RoleName: r, AssumeRolePolicyDocument: {}}
"""


def test_what_keeps_a_template_from_being_deployed_as_it_is_is_told(own: Path) -> None:
    (own / "template.yaml").write_text(SERVERLESS)
    templates = from_files(own / "template.yaml", "shop")
    beginning = Beginning("shop", [FirstStage("production")], templates)

    left = beginning.left()

    assert sum("needs PermissionsBoundary" in each for each in left) == 2
    assert "release/templates/template.yaml:5: src/ is a file on your machine" in "\n".join(left)
    manifest = yaml.safe_load(beginning.files()["release/release.yaml"])
    assert manifest["stacks"][0]["capabilities"] == ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", "elasticloadbalancing:*"),
        ("AWS::Serverless::HttpApi", "apigateway:*"),
        ("AWS::DynamoDB::Table", "dynamodb:*"),
        ("AWS::CloudFormation::Stack", "cloudformation:*"),
        ("Custom::Settings", "sts:GetCallerIdentity"),
    ],
)
def test_the_role_may_do_what_the_resources_need(kind: str, action: str) -> None:
    template = service_role("shop", Needs([kind], ["shop-production"]), {"A": {"Type": "String", "Default": "a"}})

    assert f'"{action}"' in template
    assert "lambda" not in template
    assert '"Default": "a"' in template


# -- what the service role needs beside the stacks' own --------------------------------------------------------------

LOOKUP = """\
Parameters:
  Stage: {Type: String}
  LookUpArn: {Type: String}
  TableVersion: {Type: Number}
Resources:
  Settings:
    Type: Custom::TableLookup
    Properties:
      {ServiceToken: !Ref LookUpArn, Owner: !Sub "shop/${Stage}", Application: shop, Version: !Ref TableVersion}
"""


def begun(own: Path, text: str, **more: Any) -> Beginning:
    (own / "template.yaml").write_text(text)
    return Beginning("shop", [FirstStage("production")], from_files(own / "template.yaml", "shop"), **more)


def statements(beginning: Beginning) -> dict[str, list[Any]]:
    """The resources that the operator's role may use, by action; functions as they are written."""
    read = load(beginning.files()["operator.yaml"], "operator.yaml")
    found = json.loads(json.dumps(plain(read.root)))
    policy = found["Resources"]["DeploymentRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return {
        action: each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]]
        for each in policy
        for action in (each["Action"] if isinstance(each["Action"], list) else [each["Action"]])
    }


def plain(node: Any) -> Any:
    if isinstance(node, MappingNode):
        return {name: plain(each) for name, each in node.entries.items()}
    return [plain(each) for each in node.items] if isinstance(node, SequenceNode) else node.text


ARN = "arn:aws:lambda:eu-west-1:123456789012:function:settings"
CUSTOM = "Resources: {Settings: {Type: Custom::Settings, Properties: {ServiceToken: TOKEN}}}\n"
SERVERLESS_CUSTOM = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Function: {Type: AWS::Serverless::Function, Properties: {CodeUri: s3://a/b}}
  Settings: {Type: AWS::CloudFormation::CustomResource, Properties: {ServiceToken: !GetAtt Function.Arn}}
"""
PLACE = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:settings"


@pytest.mark.parametrize(
    ("token", "action", "resource"),
    [
        (ARN, "lambda:InvokeFunction", ARN),
        ("arn:aws:sns:eu-west-1:123456789012:settings", "sns:Publish", "arn:aws:sns:eu-west-1:123456789012:settings"),
        ("!ImportValue shared-Settings", "lambda:InvokeFunction", {"Fn::ImportValue": "shared-Settings"}),
        (f'!Sub "{PLACE}"', "lambda:InvokeFunction", {"Fn::Sub": PLACE}),
    ],
)
def test_the_role_may_invoke_the_function_of_a_custom_resource_and_no_other(
    own: Path, token: str, action: str, resource: Any
) -> None:
    beginning = begun(own, CUSTOM.replace("TOKEN", token))

    assert statements(beginning) == {"sts:GetCallerIdentity": ["*"], action: [resource]}
    assert beginning.left() == []


def test_a_function_of_the_stack_s_own_needs_nothing_more(own: Path) -> None:
    assert "lambda:InvokeFunction" not in statements(begun(own, SERVERLESS_CUSTOM))


def test_a_function_that_only_a_deployment_tells_is_left_to_a_person(own: Path) -> None:
    beginning = begun(own, CUSTOM.replace("TOKEN", '!Sub "${Prefix}-settings"'))

    assert statements(beginning) == {"sts:GetCallerIdentity": ["*"]}
    assert beginning.left() == [
        "release/templates/template.yaml:1: the ServiceToken of Settings: allow the service role lambda:InvokeFunction "
        "on it"
    ]


@pytest.mark.parametrize(
    ("value", "resource"), [("", {"Ref": "LookUpArn"}), (ARN, ARN), ("/shop/function", {"Ref": "LookUpArn"})]
)
def test_a_function_that_a_parameter_names_is_the_operator_s_parameter_too(
    own: Path, value: str, resource: Any
) -> None:
    beginning = begun(own, LOOKUP, values={"LookUpArn": value} if value else {})

    assert statements(beginning)["lambda:InvokeFunction"] == [resource]
    operator = load(beginning.files()["operator.yaml"], "operator.yaml")
    assert ("LookUpArn" in operator.section("Parameters").entries) == (resource != ARN)
    assert ("LookUpArn" in operator.section("Outputs").entries) == (resource != ARN)


def test_the_command_that_deploys_the_role_names_every_parameter_without_a_default(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own / "template.yaml").write_text(LOOKUP)
    assert main(["init", "shop", str(own / "template.yaml")]) == 0
    told = capsys.readouterr().out
    assert "--parameter-overrides ServiceRolePolicyArn=... LookUpArn=..." in told
    assert "LookUpArn has no default: give its value to operator.yaml" in told


NESTED = """\
Parameters: {RoleArn: {Type: String}}
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: inner.yaml, Parameters: {Role: !Ref RoleArn}}
"""
INNER = """\
Parameters: {Role: {Type: String}, Other: {Type: String, Default: "arn:aws:iam::123456789012:role/other"}}
Resources:
  Rule:
    Type: AWS::Events::Rule
    Properties:
      RoleArn: !If [A, !Ref Role, !Ref "AWS::NoValue"]
      Targets: [{Id: a, Arn: "arn:a", RoleArn: !Ref Other}, {Id: b, Arn: "arn:b", RoleArn: !GetAtt Own.Arn}]
"""


def test_roles_are_followed_through_nested_stacks_to_what_a_parent_passes(own: Path) -> None:
    (own / "inner.yaml").write_text(INNER)

    passed = statements(begun(own, NESTED))["iam:PassRole"]

    assert passed == [{"Ref": "RoleArn"}, "arn:aws:iam::123456789012:role/other"]


SECRET = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"


@pytest.mark.parametrize(
    ("text", "action", "resource"),
    [
        ("{{resolve:secretsmanager:db:SecretString:password}}", "secretsmanager:GetSecretValue", f"{SECRET}db-??????"),
        (
            "{{resolve:secretsmanager:arn:aws:secretsmanager:eu-west-1:1:secret:db-abcdef}}",
            "secretsmanager:GetSecretValue",
            "arn:aws:secretsmanager:eu-west-1:1:secret:db-abcdef",
        ),
        (
            "{{resolve:ssm:/shop/size:3}}",
            "ssm:GetParameters",
            "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/shop/size",
        ),
    ],
)
def test_the_role_may_read_what_dynamic_references_name(own: Path, text: str, action: str, resource: str) -> None:
    found = statements(begun(own, f"Resources: {{A: {{Type: 'AWS::SNS::Topic', Properties: {{Name: '{text}'}}}}}}\n"))

    assert [each.get("Fn::Sub") if isinstance(each, dict) else each for each in found[action]] == [resource]


def test_the_role_may_read_the_secrets_that_the_registration_names(own: Path) -> None:
    found = statements(begun(own, SHOP.replace("nested/storage.json", "https://example.com/a.yaml")))

    assert found["secretsmanager:GetSecretValue"] == [{"Fn::Sub": f"{SECRET}shop/production/DbPassword-??????"}]


def test_the_role_reads_the_release_s_files_where_a_template_names_them(own: Path) -> None:
    code = "Code: {S3Bucket: !Ref ReleaseBucket, S3Key: a.zip}, VpcConfig: {SubnetIds: []}"
    function = f"{{Type: 'AWS::Lambda::Function', Properties: {{{code}}}}}"
    text = f"Parameters: {{ReleaseBucket: {{Type: String}}}}\nResources: {{F: {function}}}\n"

    found = statements(begun(own, text))

    assert found["s3:GetObject"] == [{"Fn::Sub": "arn:${AWS::Partition}:s3:::${ArtifactBucketName}/releases/shop/*"}]
    assert found["ec2:DescribeSubnets"] == ["*"]


EVENTS = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Function:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: s3://a/b
      DeploymentPreference: {Type: AllAtOnce}
      Events:
        Daily: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day)}}
        Called: {Type: HttpApi}
        Queued: {Type: SQS}
  Machine: {Type: AWS::Serverless::StateMachine, Properties: {DefinitionUri: s3://a/c}}
"""


def test_the_role_may_make_what_sam_makes_of_events(own: Path) -> None:
    beginning = begun(own, EVENTS)

    found = statements(beginning)
    assert {"apigateway:*", "codedeploy:*", "lambda:*", "scheduler:*", "states:*"} <= found.keys()
    assert found["iam:*"] == [{"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/shop-production-*"}]
    assert sum("needs PermissionsBoundary" in each for each in beginning.left()) == 2


@pytest.mark.parametrize(
    ("properties", "resource"),
    [
        ("{}", "role/shop-production-*"),
        ("{RoleName: reader, Path: /shop/}", "role/shop/reader"),
        ('{RoleName: !Sub "${AWS::StackName}-${Stage}"}', "role/shop-production-*"),
        ("{RoleName: !Ref Stage}", None),
        ('{RoleName: !Sub "${Stage}-reader"}', None),
        ("{Path: !Ref Stage}", None),
    ],
)
def test_the_role_may_change_the_roles_of_its_stacks_and_no_others(
    own: Path, properties: str, resource: str | None
) -> None:
    beginning = begun(own, f"Resources: {{R: {{Type: 'AWS::IAM::Role', Properties: {properties}}}}}\n")

    found = statements(beginning).get("iam:*")
    wanted = [{"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:{resource}"}]
    assert found == (wanted if resource else None)
    assert ("the name of this role is only known after a deployment" in "".join(beginning.left())) == (resource is None)


# -- values in tables --------------------------------------------------------------------------------------------------


def registered_version(beginning: Beginning) -> Any:
    document = yaml.safe_load(beginning.files()["registration/production.yaml"])
    return document["stacks"]["shop"]["parameters"]["TableVersion"]


TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/"


@pytest.mark.parametrize(
    ("tables", "named"),
    [
        ([f"{TABLE}parameters-shared"], "parameters-shared"),
        ([f"{TABLE}parameters-*"], "${ParameterTable}"),
        ([f"{TABLE}a", f"{TABLE}b"], "${ParameterTable}"),
        ([], "${ParameterTable}"),
    ],
)
def test_the_version_of_looked_up_values_is_registered_from_the_table(own: Path, tables: list[str], named: str) -> None:
    # An existing stack's version would never change.
    beginning = begun(own, LOOKUP, tables=tables, values={"TableVersion": "7"})

    key = {"Owner": "shop/production", "Item": "shop"}
    assert registered_version(beginning) == {"table": named, "key": key, "attribute": "Version"}
    assert beginning.open_parameters("template.yaml") == ["LookUpArn"]
    assert ("ParameterTableArns has to cover it" in "".join(beginning.left())) == (named == "${ParameterTable}")


@pytest.mark.parametrize("owner", ["!Ref Team", '!Sub "${Team}/${Stage}"', '["a"]'])
def test_whose_version_it_is_may_be_left_to_a_person(own: Path, owner: str) -> None:
    beginning = begun(own, LOOKUP.replace('!Sub "shop/${Stage}"', owner))

    assert registered_version(beginning)["key"] == {"Owner": "${TableOwner}", "Item": "shop"}
    assert "write that in place of ${TableOwner}" in "".join(beginning.left())


@pytest.mark.parametrize("version", ["7", '!Ref "AWS::StackName"', '!Sub "${TableVersion}"'])
def test_a_version_that_is_no_parameter_is_not_registered(own: Path, version: str) -> None:
    beginning = begun(own, LOOKUP.replace("!Ref TableVersion", version))

    assert registered_version(beginning) == "${TableVersion}"


def test_the_registration_of_a_lookup_can_be_read(own: Path) -> None:
    (own / "template.yaml").write_text(LOOKUP)

    assert main(["init", "shop", str(own / "template.yaml"), "--stage", "eu"]) == 0
    assert document(Path("shop/registration/eu.yaml"))["stacks"]["shop"]["parameters"]["TableVersion"]["key"] == {
        "Owner": "shop/eu",
        "Item": "shop",
    }


FLOW = '{"Resources": {"A": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": {"Fn::Sub": "x"}}}}}'
BLOCK = """\
Parameters: {ReleaseBucket: {Type: String}}
Resources:
  A:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: !Sub
        - ${Where}/a.yaml
        - {Where: there}
      # what it is given
      Tags: []
"""


@pytest.mark.parametrize("text", [FLOW, FLOW.replace("{", '{"Parameters": {}, ', 1), BLOCK])
def test_a_url_of_any_form_is_replaced_and_nothing_else(text: str) -> None:
    changed = with_urls(text, {"A": "templates/a.yaml"}, ["A"])

    read = load(changed.encode(), "a")
    assert URL + "a.yaml" in changed
    assert read.section("Parameters").entries.keys() == {"ReleaseBucket", "ReleasePrefix"}
    assert "Where" not in changed
    assert changed.count('"Ref"') == 2
    assert ("# what it is given" in changed) == ("# what it is given" in text)


def test_what_is_no_mapping_cannot_be_changed() -> None:
    with pytest.raises(UnreadableTemplate):
        with_urls("[]", {}, [])


def test_values_are_asked_for_on_a_terminal(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init.sys.stdin, "isatty", lambda: True)
    asked: list[str] = []

    def answer(text: str, **_: Any) -> str:
        asked.append(text)
        return "$7"

    monkeypatch.setattr(init.click, "prompt", answer)
    assert main(["init", "shop", str(own)]) == 0
    assert asked == ["Retention (empty: fill it in later)"]
    assert document(Path("shop/registration/production.yaml"))["stacks"]["shop"]["parameters"]["Retention"] == "$$7"


@pytest.mark.parametrize(
    "words",
    [["init", "shop", ".", "--from-stack", "s"], ["init", "shop", ".", "--stage", "application"], ["init", "9"]],
)
def test_wrong_words_are_refused(own: Path, words: list[str]) -> None:
    assert main(words) == 2


def test_a_stack_cannot_be_read_without_belay(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "shop", "--from-stack", "s"]) == 3


def test_two_templates_of_one_name_are_refused(own: Path) -> None:
    (own / "nested" / "template.yaml").write_text(DEEP)
    with pytest.raises(Refused, match="two templates have the same name"):
        from_files(own, "shop")
