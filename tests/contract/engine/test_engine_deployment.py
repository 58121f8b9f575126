import json
import sys
from types import SimpleNamespace

import pytest

from local import deployment
from local.deployment import DeploymentError, deploy, python_runtime, sam_environment
from local.packaged import Package, exists

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  PythonRuntime: {Type: String, Default: python3.13}
  Greeting: {Type: String, Default: none}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: !Ref PythonRuntime
      Handler: app.handler
      CodeUri: hello/
      Layers: [!Ref Words]
      Environment: {Variables: {GREETING: !Ref Greeting}}
  Words:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: words/, CompatibleRuntimes: [!Ref PythonRuntime]}
Outputs:
  Function: {Value: !Ref Hello}
"""


@pytest.fixture
def application(tmp_path):
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello" / "app.py").write_text(
        "import os, words\ndef handler(event, context):\n    return words.say(os.environ['GREETING'])\n"
    )
    (tmp_path / "words" / "python").mkdir(parents=True)
    (tmp_path / "words" / "python" / "words.py").write_text("def say(greeting):\n    return greeting + '!'\n")
    template = tmp_path / "template.yaml"
    template.write_text(TEMPLATE)
    return template


@pytest.fixture
def out_of_the_way(monkeypatch, tmp_path):
    """Builds of these tests use a separate directory."""
    monkeypatch.setattr(deployment, "BUILD", tmp_path / ".aws-sam")


def test_a_template_is_built_deployed_kept_and_deployed_again(
    *, engine, aws, application, out_of_the_way, unique, until, monkeypatch
):
    name, greeting = unique("hello"), 'with "quotes" and spaces, commas=signs'

    def said(outputs):
        return json.load(aws("lambda").invoke(FunctionName=outputs["Function"])["Payload"])

    assert (
        said(deploy(engine, template=application, stack_name=name, parameters={"Greeting": greeting})) == f"{greeting}!"
    )
    aws("cloudformation").delete_stack(StackName=name)
    until(lambda: exists(engine, name), lambda seen: not seen)

    with monkeypatch.context() as without_sam:
        without_sam.setattr(deployment, "_sam", None)
        outputs = deploy(engine, template=application, stack_name=name, parameters={"Greeting": greeting})
    assert said(outputs) == f"{greeting}!"

    module = application.parent / "words" / "python" / "words.py"
    module.write_text(module.read_text().replace("!", "?"))
    assert not Package.of(deployment.BUILD, application).kept
    assert deploy(engine, template=application, stack_name=name, parameters={"Greeting": "again"}) == outputs
    assert said(outputs) == "again?"


def test_a_failed_build_and_a_failed_deployment_show_what_sam_said(engine, application, out_of_the_way, unique):
    with pytest.raises(DeploymentError, match=r"(?s)sam build failed \(status \d+\).*missing\.yaml"):
        deploy(engine, template=application.with_name("missing.yaml"), stack_name=unique("hello"))
    application.write_text("Resources:\n  Rule:\n    Type: AWS::Nothing::AtAll\n")
    with pytest.raises(DeploymentError, match=r"(?s)sam deploy failed.*AWS::Nothing::AtAll"):
        deploy(engine, template=application, stack_name=unique("hello"), build=False)


def test_the_runtime_is_the_interpreters(monkeypatch):
    assert python_runtime() == f"python{sys.version_info.major}.{sys.version_info.minor}"
    monkeypatch.setattr(deployment, "sys", SimpleNamespace(version_info=SimpleNamespace(major=3, minor=99)))

    with pytest.raises(DeploymentError, match=r"cannot build functions for python3\.99.*python3\.13.*make clean"):
        python_runtime()


def test_nothing_of_the_users_aws_reaches_sam(engine, monkeypatch):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "SAM_CLI_CONFIG"):
        monkeypatch.setenv(name, "the user's own")

    environment = sam_environment(engine)

    assert "the user's own" not in environment.values()
    assert environment["AWS_ENDPOINT_URL"] == engine.endpoint
    assert environment["PATH"].split(":")[0].endswith("bin")
