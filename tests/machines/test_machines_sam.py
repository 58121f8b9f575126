"""A SAM application, built by the SAM CLI, is a release: deployed with its code, its layer and what it nests."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from deployed_belay import Application, Belay

from cli.build import command as build
from local.deployment import BIN, python_runtime, sam_environment

PROJECT = {
    "template.yaml": """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: {runtime}, Handler: app.handler}
Resources:
  Amounts:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layer, CompatibleRuntimes: [{runtime}]}
  Price:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: price
      Layers: [!Ref Amounts]
  Stock:
    Type: AWS::Serverless::Application
    Properties: {Location: stock/template.yaml}
Outputs:
  Price: {Value: !Ref Price}
  Count: {Value: !GetAtt Stock.Outputs.Count}
""",
    "price/app.py": """\
from amounts import cents
def handler(event, context):
    return {"cents": cents(event["price"]) * event["pieces"]}
""",
    "layer/python/amounts.py": "def cents(text):\n    return round(float(text) * 100)\n",
    "stock/template.yaml": """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Count:
    Type: AWS::Serverless::Function
    Properties: {Runtime: {runtime}, Handler: app.handler, CodeUri: count}
Outputs:
  Count: {Value: !Ref Count}
""",
    "stock/count/app.py": "def handler(event, context):\n    return 7\n",
}

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]


@pytest.fixture
def built(belay: Belay, tmp_path: Path) -> Path:
    """What ``sam build`` writes of the project."""
    for name, text in PROJECT.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{runtime}", python_runtime()))
    subprocess.run([BIN / "sam", "build"], cwd=tmp_path / "project", env=sam_environment(belay.engine), check=True)
    return tmp_path / "project" / ".aws-sam" / "build"


def invoked(belay: Belay, function: str, event: Any) -> Any:
    answer = belay.there("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    payload = json.load(answer["Payload"])
    assert "FunctionError" not in answer, payload
    return payload


def test_a_sam_application_is_released_with_its_code_its_layer_and_what_it_nests(
    belay: Belay, application: Callable[..., Application], built: Path, tmp_path: Path
) -> None:
    app = application()
    name = app.stack("service")
    app.register({"production": {"stacks": {"service": {"name": name, "capabilities": CAPABILITIES}}}})
    (tmp_path / "release").mkdir()
    (tmp_path / "release" / "release.yaml").write_text(f"application: {app.name}\nversion: 1.0.0\n")
    release = tmp_path / "release.zip"
    given = [str(tmp_path / "release"), "--sam", f"service={built}", "--output", str(release)]
    made = CliRunner().invoke(build, given, standalone_mode=False)
    assert made.return_value == 0, made.output

    ended = belay.ended(belay.upload(release.read_bytes(), app.name))

    assert (ended["outcome"], ended["reason"]) == ("DEPLOYED", "")
    (stack,) = belay.there("cloudformation").describe_stacks(StackName=name)["Stacks"]
    functions = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    assert invoked(belay, functions["Price"], {"price": "2.50", "pieces": 3}) == {"cents": 750}
    assert invoked(belay, functions["Count"], {}) == 7
