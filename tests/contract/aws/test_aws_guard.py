"""The pack is invoked only where it is switched on, and its failure is a fault."""

import io
import json
from collections.abc import Callable
from datetime import date
from importlib.util import find_spec
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber
from modules import ROOT, loaded

from belay.aws.guard_function import GuardFunction
from belay.aws.s3 import ArtifactBucket
from belay.control.guard import GuardPack
from belay.errors import AwsFault
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report, Verdict
from belay.release.records import ReleaseReference

FIXTURES = ROOT / "tests" / "fixtures" / "guard"
PACK = ROOT / "packs" / "guard" / "check_rules"
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:guard"
RELEASE = ReleaseReference("orders", "1.0.0", "0" * 64, "attempt")
FILES = {"template.yaml": (FIXTURES / "template.yaml").read_bytes()}
KEY = "attempts/orders/attempt/production/guard/template.yaml.json"
Stubbed = Callable[[str], tuple[Any, Stubber]]


def answered(document: Any, **more: Any) -> dict[str, Any]:
    data = json.dumps(document).encode()
    return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(data), len(data)), **more}


def check(pack: GuardPack) -> Report:
    return pack.check(
        RELEASE, "production", FILES, ["template.yaml"], settings=PolicySettings(), today=date(2026, 1, 1)
    )


@pytest.fixture
def bucket(simulated: Callable[[str], Any]) -> ArtifactBucket:
    s3 = simulated("s3")
    s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    return ArtifactBucket(s3, "artifacts")


def test_a_pack_that_is_off_costs_nothing(stubbed: Stubbed, bucket: ArtifactBucket) -> None:
    client, _ = stubbed("lambda")
    assert check(GuardPack(GuardFunction(client, "off"), bucket)) == Report()
    assert bucket.get_json(KEY) is None


def test_a_pack_that_is_on_gets_plain_templates_and_its_findings_are_ours(
    stubbed: Stubbed, bucket: ArtifactBucket
) -> None:
    client, stubber = stubbed("lambda")
    answers = json.loads((FIXTURES / "answers.json").read_text())["answers"]
    readable = [each for each in answers if "problem" not in each]
    event = {"bucket": "artifacts", "templates": {"template.yaml": KEY}}
    stubber.add_response(
        "invoke", answered({"answers": readable}), {"FunctionName": ARN, "Payload": json.dumps(event).encode()}
    )
    assert check(GuardPack(GuardFunction(client, ARN), bucket)).verdict is Verdict.FAIL
    document = bucket.require_json(KEY)
    assert document["Resources"]["Later"]["Properties"]["VersioningConfiguration"] == {"Status": {"Ref": "Versioning"}}


def test_a_pack_that_fails_is_a_fault(stubbed: Stubbed, bucket: ArtifactBucket) -> None:
    client, stubber = stubbed("lambda")
    failed = {"errorType": "Runtime.ImportModuleError", "errorMessage": "no module"}
    stubber.add_response("invoke", answered(failed, FunctionError="Unhandled"))
    with pytest.raises(AwsFault, match=r"Runtime\.ImportModuleError: no module"):
        check(GuardPack(GuardFunction(client, ARN), bucket))


@pytest.mark.skipif(
    find_spec("cfn_guard_rs") is None, reason="cfn-guard-rs is not installed: it has no wheels past Python 3.12"
)
def test_the_pack_s_function_answers_with_every_file_of_rules(
    simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = simulated("s3")
    s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    for name in ("rules.guard", "either.guard"):
        s3.put_object(Bucket="artifacts", Key=f"rules/{name}", Body=(FIXTURES / name).read_bytes())
    s3.put_object(Bucket="artifacts", Key="rules/README.md", Body=b"no rules")
    s3.put_object(Bucket="artifacts", Key="attempts/t.json", Body=b'{"Resources": {"A": {"Type": "AWS::S3::Bucket"}}}')
    monkeypatch.syspath_prepend(str(PACK))
    app = loaded(PACK / "app.py")
    answers = app.handler({"bucket": "artifacts", "templates": {"t.yaml": "attempts/t.json"}}, None)["answers"]
    assert {each["rules"] for each in answers} == {"rules/rules.guard", "rules/either.guard"}
    assert all(json.loads(each["output"])["status"] == "FAIL" for each in answers)
