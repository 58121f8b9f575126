"""What ``sam build`` wrote becomes a stack of a release and its files."""

import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from belay.errors import InvalidRelease
from belay.template.loader import load
from cli.assembly.cloud_assembly import AssembledRelease
from cli.assembly.sam_build import read_builds
from cli.build import build_assembled, command, read_back

TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Parameters:
  Name:
    Type: String
    Default: '010'
Resources:
  Common:
    Type: AWS::Serverless::LayerVersion
    Properties:
      ContentUri: ../../layer
  Order:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: Order
      Handler: app.handler
      Environment:
        Variables:
          CodeUri: Order
          NAME:
            Fn::Sub: ${Name}-on
  Inline:
    Type: AWS::Serverless::Function
    Properties:
      InlineCode: 'def handler(e, c): return 1'
  Remote:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: s3://bucket/code.zip
  Flow:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: ../../flow.asl.json
  Nested:
    Type: AWS::Serverless::Application
    Properties:
      Location: Nested/template.yaml
      Parameters:
        A: b
  Bare:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: Bare/template.yaml
"""
NESTED = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: F
"""


@pytest.fixture
def build(tmp_path: Path) -> Path:
    build = tmp_path / "project" / ".aws-sam" / "build"
    for folder in (build / "Order", build / "Nested" / "F", build / "Bare" / "F", tmp_path / "project" / "layer"):
        folder.mkdir(parents=True)
        (folder / "app.py").write_text("def handler(event, context): return 1\n")
    (tmp_path / "project" / "flow.asl.json").write_text("{}")
    (build / "template.yaml").write_text(TEMPLATE)
    (build / "Nested" / "template.yaml").write_text(NESTED)
    (build / "Bare" / "template.yaml").write_text(NESTED)
    return build


def read(build: Path, **images: str) -> AssembledRelease:
    return read_builds({"service": build}, images)


def lines(release: AssembledRelease, path: str) -> list[str]:
    return release.templates[path].decode().splitlines()


def test_local_files_are_files_of_the_release(build: Path) -> None:
    release = read(build)
    text = lines(release, "service/template.yaml")

    assert (
        text.count('      CodeUri: {Bucket: !Ref ReleaseBucket, Key: !Sub "${ReleasePrefix}/assets/service/Order.zip"}')
        == 1
    )
    assert {path: asset.zipped for path, asset in release.assets.items()} == {
        "assets/service/Common.zip": True,
        "assets/service/Order.zip": True,
        "assets/service/Flow.json": False,
        "assets/service/Nested/F.zip": True,
        "assets/service/Bare/F.zip": True,
    }


def test_the_rest_of_the_text_stays_as_it_is_written(build: Path) -> None:
    changed = set(lines(read(build), "service/template.yaml")) ^ set(TEMPLATE.splitlines())

    assert {line.split(":")[0].strip() for line in changed} == {
        *("CodeUri", "ContentUri", "DefinitionUri", "Location", "TemplateURL", "Type", "Parameters"),
        *("ReleaseBucket", "ReleasePrefix"),
    }
    assert "          CodeUri: Order" in lines(read(build), "service/template.yaml")


def test_a_nested_application_becomes_a_nested_stack_that_knows_its_files(build: Path) -> None:
    template = load(read(build).templates["service/template.yaml"], "template.yaml")
    resources = template.section("Resources").entries

    text = "\n".join(lines(read(build), "service/template.yaml"))
    start = text.index("  Nested:")
    assert text[start:].startswith(
        "  Nested:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n"
        '      TemplateURL: !Sub "https://s3.amazonaws.com/${ReleaseBucket}/${ReleasePrefix}/service/Nested/template.yaml"\n'
        "      Parameters:\n        ReleaseBucket: !Ref ReleaseBucket\n"
        "        ReleasePrefix: !Ref ReleasePrefix\n        A: b\n"
    )
    assert (
        "      Parameters: {ReleaseBucket: !Ref ReleaseBucket, ReleasePrefix: !Ref ReleasePrefix}" in text.splitlines()
    )
    assert set(resources) == {"Common", "Order", "Inline", "Remote", "Flow", "Nested", "Bare"}


def test_a_template_without_parameters_gets_its_own(build: Path) -> None:
    assert lines(read(build), "service/Nested/template.yaml")[0] == (
        "Parameters: {ReleaseBucket: {Type: String}, ReleasePrefix: {Type: String}}"
    )


def test_a_template_that_names_no_file_stays_as_it_is(build: Path) -> None:
    (build / "template.yaml").write_text("Parameters: {A: {Type: String}}\nResources: {}\n")

    assert lines(read(build), "service/template.yaml") == ["Parameters: {A: {Type: String}}", "Resources: {}"]


def test_parameters_in_flow_style_get_more_of_them(build: Path) -> None:
    (build / "template.yaml").write_text(
        NESTED.replace("CodeUri: F", "CodeUri: Order") + "Parameters: {A: {Type: String}}\n"
    )

    assert lines(read(build), "service/template.yaml")[-1] == (
        "Parameters: {ReleaseBucket: {Type: String}, ReleasePrefix: {Type: String}, A: {Type: String}}"
    )


def test_capabilities_are_those_that_are_needed(build: Path) -> None:
    assert read(build).stacks[0]["capabilities"] == ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    (build / "template.yaml").write_text(NESTED.replace("CodeUri: F", "CodeUri: Order"))
    assert read(build).stacks[0]["capabilities"] == ["CAPABILITY_IAM"]


def test_an_image_is_named_by_its_digest(build: Path) -> None:
    image = NESTED.replace("CodeUri: F", "ImageUri: f:latest")
    (build / "template.yaml").write_text(image)
    uri = f"111122223333.dkr.ecr.eu-west-1.amazonaws.com/f@sha256:{'a' * 64}"

    assert f"      ImageUri: {uri}" in lines(read(build, F=uri), "service/template.yaml")
    with pytest.raises(InvalidRelease, match="expected --image F=REPOSITORY@sha256:DIGEST"):
        read(build)


@pytest.mark.parametrize(
    ("value", "problem"), [("../../../outside", "found a path outside of it"), ("Missing", "found nothing there")]
)
def test_a_file_that_is_not_the_project_s_is_refused(build: Path, value: str, problem: str) -> None:
    (build / "template.yaml").write_text(NESTED.replace("CodeUri: F", f"CodeUri: {value}"))

    with pytest.raises(InvalidRelease, match=problem):
        read(build)


def test_what_is_no_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRelease, match="expected a template that `sam build` wrote"):
        read(tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "release").mkdir()
    (tmp_path / "release" / "release.yaml").write_text("application: orders\nversion: 1.0.0\n")
    return tmp_path / "release"


def test_the_release_is_built_and_read_as_any_other(build: Path, source: Path, tmp_path: Path) -> None:
    built = build_assembled(source, read(build), tmp_path / "orders.zip")

    assert read_back(built.path).stacks[0].template == "service/template.yaml"
    with zipfile.ZipFile(built.path) as archive:
        assert "assets/service/Order.zip" in archive.namelist()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--sam", "service"], "expected NAME=VALUE"),
        (["--sam", "a=x", "--cdk-out", "y"], "found --cdk-out and --sam"),
        (["--image", "A=b"], "expected --cdk-out, --app or --sam"),
    ],
)
def test_options_that_make_no_sense_are_refused(source: Path, options: list[str], problem: str) -> None:
    result = CliRunner().invoke(command, [str(source), *options])

    assert result.exit_code == 2
    assert problem in result.output


def test_the_command_builds_it(build: Path, source: Path, tmp_path: Path) -> None:
    output = str(tmp_path / "orders.zip")

    result = CliRunner().invoke(command, [str(source), "--sam", f"service={build}", "--output", output])

    assert "release  orders 1.0.0" in result.output
    assert Path(output).is_file()
