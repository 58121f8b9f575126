"""The function that checks templates, and the handling of its results and failures."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber
from modules import ROOT, loaded
from test_aws_unfinished import RELEASE as ACCEPTED
from test_aws_unfinished import House

from belay.aws.template_validator import TemplateValidator
from belay.control.static_gate import StaticGate
from belay.control.template_checks import TemplateChecks
from belay.errors import AwsFault
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report, Verdict
from belay.release.accepted import AcceptedRelease
from belay.release.place import PlaceRoles, StagePlace
from belay.release.records import ReleaseReference

FUNCTION = ROOT / "packs" / "check_templates"
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:check"
RELEASE = ReleaseReference("orders", "1.0.0", "0" * 64, "attempt")
TEMPLATE = b"""Parameters:
  Size: {Type: Number}
  Password: {Type: String, NoEcho: true}
Resources:
  Queue: {Type: AWS::SQS::Queu}
"""
RULES = (ROOT / "tests" / "fixtures" / "guard" / "rules.guard").read_bytes()
KEY = RELEASE.member_key("template.yaml")
EVENT = {
    "bucket": "artifacts",
    "templates": [
        {"path": "template.yaml", "key": KEY, "sha256": sha256(TEMPLATE).hexdigest(), "parameters": {"Size": "3"}}
    ],
    "rules": {"rules/a.guard": sha256(RULES).hexdigest()},
}
Stubbed = Callable[[str], tuple[Any, Stubber]]


@pytest.fixture
def app(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    s3 = simulated("s3")
    s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    s3.put_object(Bucket="artifacts", Key="rules/a.guard", Body=RULES)
    s3.put_object(Bucket="artifacts", Key=KEY, Body=TEMPLATE)
    monkeypatch.syspath_prepend(str(FUNCTION))
    return loaded(FUNCTION / "app.py")


def answered(document: Any, **more: Any) -> dict[str, Any]:
    data = json.dumps(document).encode()
    return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(data), len(data)), **more}


def check(client: Any) -> Report:
    settings = PolicySettings(guard_rules=EVENT["rules"])  # type: ignore[arg-type]
    given = [("template.yaml", {"Size": "3", "Password": "hunter2"})]
    checks = TemplateChecks(TemplateValidator(client, ARN), "artifacts")
    return checks.check(RELEASE, {"template.yaml": TEMPLATE}, given, settings, date(2026, 1, 1))


def test_what_the_function_finds_is_in_the_report_of_the_gate(app: Any, stubbed: Stubbed) -> None:
    client, stubber = stubbed("lambda")
    expected = {"FunctionName": ARN, "Payload": json.dumps(EVENT).encode()}
    stubber.add_response("invoke", answered(app.handler(EVENT, None)), expected)

    report = check(client)

    assert report.verdict is Verdict.FAIL
    assert [(each.policy, each.line) for each in report.findings if each.blocking] == [("template:F3006", 5)]
    assert report.summary()["template.yaml"]["policies"]["guard:S3_BUCKET_VERSIONED"] == "PASS"


def test_rules_and_templates_other_than_those_registered_and_accepted_are_not_used(app: Any) -> None:
    with pytest.raises(ValueError, match=r"rules/a\.guard: expected the SHA-256 0000"):
        app.handler({**EVENT, "rules": {"rules/a.guard": "0" * 64}}, None)
    with pytest.raises(ValueError, match=r"template\.yaml: expected the SHA-256 0000"):
        app.handler({**EVENT, "templates": [{**EVENT["templates"][0], "sha256": "0" * 64}]}, None)


def test_a_function_that_fails_is_a_fault_and_no_verdict(stubbed: Stubbed) -> None:
    client, stubber = stubbed("lambda")
    failed = {"errorType": "Runtime.ImportModuleError", "errorMessage": "no module"}
    stubber.add_response("invoke", answered(failed, FunctionError="Unhandled"))

    with pytest.raises(AwsFault, match=r"Runtime\.ImportModuleError: no module"):
        check(client)


class Noting(TemplateChecks):
    """Finds nothing, and records what it is to check."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []

    def check(self, release: Any, files: Any, templates: Any, settings: Any, today: date) -> Report:
        self.asked += templates
        return Report()


def test_the_gate_says_where_the_stacks_of_a_stage_are(simulated: Callable[[str], Any]) -> None:
    house, templates = House(simulated), Noting()
    house.accept()
    house.artifacts.put_bytes(ACCEPTED.member_key("network.yaml"), b"Resources: {}")
    StaticGate(house.ledger, house.artifacts, templates, "eu-south-2").check(ACCEPTED, date(2026, 1, 1))
    here = {"AWS::AccountId": "123456789012", "AWS::Partition": "aws", "AWS::Region": "eu-south-2"}
    assert [values for _, values in templates.asked] == [here, here], "in both stages"


def test_the_gate_says_where_a_stage_in_another_region_is(simulated: Callable[[str], Any]) -> None:
    house, templates = House(simulated), Noting()
    house.accept()
    accepted = AcceptedRelease.from_dict(house.artifacts.require_json(ACCEPTED.document_key))
    place = StagePlace("aws", "123456789012", "ap-south-1", PlaceRoles.named_alike("aws", "123456789012"))
    stages = {name: replace(stage, place=place) for name, stage in accepted.stages.items()}
    placed = replace(accepted, stages=stages, buckets=dict.fromkeys(stages, "belay-files-ap-south-1"))
    house.artifacts.put_json(ACCEPTED.document_key, placed.to_dict())
    house.artifacts.put_bytes(ACCEPTED.member_key("network.yaml"), b"Resources: {}")
    StaticGate(house.ledger, house.artifacts, templates, "eu-south-2").check(ACCEPTED, date(2026, 1, 1))
    assert {values["AWS::Region"] for _, values in templates.asked} == {"ap-south-1"}
