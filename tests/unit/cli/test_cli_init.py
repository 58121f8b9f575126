"""``belay init`` on templates of somebody's own: what it writes is read, and what it cannot know is told."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from belay.errors import UnreadableTemplate
from belay.template.loader import load
from cli import init
from cli.__main__ import main
from cli.beginnings import Beginning, FirstStage
from cli.nested_urls import with_urls
from cli.own_templates import from_files
from cli.problems import NoSuchStack, Refused
from cli.service_role import service_role

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
    assert "release/templates/template.yaml:5: src/ is a file of your machine" in "\n".join(left)
    manifest = yaml.safe_load(beginning.files()["release/release.yaml"])
    assert manifest["stacks"][0]["capabilities"] == ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", "elasticloadbalancing:*"),
        ("AWS::Serverless::HttpApi", "apigateway:*"),
        ("AWS::DynamoDB::Table", "dynamodb:*"),
        ("Custom::Settings", "lambda:*"),
        ("AWS::CloudFormation::Stack", "cloudformation:*"),
        ("AWS::IAM::Role", "iam:*"),
    ],
)
def test_the_role_may_do_what_the_resources_need(kind: str, action: str) -> None:
    template = service_role("shop", [kind], ["shop-production"], {"ServiceRolePolicyArn": "arn:policy"})
    assert f'"{action}"' in template
    read = load(template.encode(), "operator.yaml")
    assert ("ArtifactBucketName" in read.section("Parameters").entries) == (kind == "AWS::CloudFormation::Stack")
    assert '"Default": "arn:policy"' in template


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


@pytest.mark.parametrize("text", [FLOW, BLOCK])
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
