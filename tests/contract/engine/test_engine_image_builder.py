"""The image builder's templates, deployed as its page says."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.deployment import deploy
from local.engine import ACCOUNT, EmbeddedEngine

EXAMPLE = Path("examples/image_builder").resolve()
VALUES = {
    "RepositoryUrl": "https://github.com/acme/images.git",
    "ConnectionArn": f"arn:aws:codeconnections:us-east-1:{ACCOUNT}:connection/github",
    "SharedAccounts": "111111111111,222222222222",
    "Regions": "eu-west-1,eu-central-1",
    "OnCallTopicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:on-call",
    "Application": "shop",
    "ReleaseBucketName": "releases",
    "LedgerTableName": "ledger",
    "DeadLetterQueueArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:undelivered",
}


def commands() -> list[tuple[str, str, list[str]]]:
    """What the page deploys: the template, the stack's name and the parameters."""
    text = (EXAMPLE / "README.md").read_text().replace("\\\n", " ")
    found = re.findall(r"sam build --template (\S+)\n    sam deploy --stack-name (\S+) (.+)", text)
    assert len(found) == len(re.findall(r"^ {4}sam deploy", text, re.MULTILINE))
    return [(template, stack, re.findall(r"(\w+)=", rest)) for template, stack, rest in found]


def test_the_commands_of_its_page_deploy_it(engine: EmbeddedEngine, aws: Callable[[str], Any]) -> None:
    ec2 = aws("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    values = {**VALUES, "VpcId": subnet["VpcId"], "SubnetId": subnet["SubnetId"]}
    outputs: dict[str, str] = {}
    for template, stack, parameters in commands():
        given = {name: values[name] for name in parameters}
        outputs |= deploy(engine, template=Path(template).resolve(), stack_name=stack, parameters=given)

    assert outputs["ProjectName"] == "image-base"
    schedules = aws("scheduler").list_schedules()["Schedules"]
    targets = [each["Target"]["Arn"] for each in schedules]
    assert [each for each in targets if each.endswith(":aws-sdk:codebuild:startBuild")]
    asked = aws("lambda").invoke(
        FunctionName=outputs["RetireImagesFunctionName"], Payload=json.dumps({"dry_run": True}).encode()
    )
    assert json.load(asked["Payload"]) == {"retired": [], "kept": {}, "waiting": [], "dry_run": True}
