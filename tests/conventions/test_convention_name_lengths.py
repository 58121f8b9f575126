"""Names that templates make from the stack's name stay within AWS's limits, for every allowed stack name.

CloudFormation detects this only at deployment; names that it generates itself are truncated.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from project import ROOT, template

MOST: Final = {
    ("AWS::CloudTrail::Trail", "TrailName"): 128,
    ("AWS::CloudWatch::Alarm", "AlarmName"): 255,
    ("AWS::CloudWatch::Dashboard", "DashboardName"): 255,
    ("AWS::CodeBuild::Project", "Name"): 255,
    ("AWS::CodeDeploy::Application", "ApplicationName"): 100,
    ("AWS::CodeDeploy::DeploymentGroup", "DeploymentGroupName"): 100,
    ("AWS::CodePipeline::Pipeline", "Name"): 100,
    ("AWS::AutoScaling::AutoScalingGroup", "AutoScalingGroupName"): 255,
    ("AWS::ECS::Cluster", "ClusterName"): 255,
    ("AWS::ECS::TaskDefinition", "Family"): 255,
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "Name"): 32,
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "Name"): 32,
    ("AWS::Events::EventBus", "Name"): 256,
    ("AWS::Events::Rule", "Name"): 64,
    ("AWS::IAM::Role", "RoleName"): 64,
    ("AWS::Lambda::Function", "FunctionName"): 64,
    ("AWS::Logs::LogGroup", "LogGroupName"): 512,
    ("AWS::RDS::DBInstance", "DBInstanceIdentifier"): 63,
    ("AWS::S3::Bucket", "BucketName"): 63,
    ("AWS::SNS::Topic", "TopicName"): 256,
    ("AWS::SQS::Queue", "QueueName"): 80,
    ("AWS::Serverless::Function", "FunctionName"): 64,
    ("AWS::Serverless::StateMachine", "Name"): 80,
}
"""Characters, from each resource type's page in
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference."""
NAMES: Final = re.compile(r"(.*Name|Family|.*InstanceIdentifier)")

EPHEMERAL: Final = 50
"""The maximum stack name in an ephemeral stage, and for one chosen by a person."""
BELAY: Final = 29
"""The maximum name of Belay's own stack with files in other regions, set by ``accounts/hub_region.yaml``."""
LONGEST_REGION: Final = len("ap-southeast-2")


def paths() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "*.yaml"], cwd=ROOT, capture_output=True, text=True, check=True)
    texts = {path: (ROOT / path).read_text() for path in listed.stdout.split() if not path.startswith("tests/")}
    return [path for path, text in texts.items() if re.search(r"^Resources:", text, re.MULTILINE)]


def values(path: str) -> dict[str, str]:
    """The longest values that names are made from."""
    pipeline = int(re.findall(r"\{1,(\d+)\}", parameter("examples/pipeline/template.yaml", "Application"))[0]) + 1
    belay = dict.fromkeys(("BelayName", "BelayStackName", "HubStackName"), "b" * BELAY)
    stack = "s" * EPHEMERAL
    if path.startswith("examples/pipeline/templates/"):
        stack = f"{'a' * pipeline}-production"
    elif path == "template.yaml":
        stack = belay["BelayName"]
    return {
        "AWS::StackName": stack,
        "AWS::AccountId": "1" * 12,
        "AWS::Region": "r" * LONGEST_REGION,
        "Application": "a" * (pipeline if path.startswith("examples/pipeline/") else 40),
        **belay,
    }


def parameter(path: str, name: str) -> str:
    return str(template(path)["Parameters"][name]["AllowedPattern"])


def made(value: Any, known: Mapping[str, str]) -> str | None:
    """A name with values filled in; None if it is not made from these values alone."""
    if not isinstance(value, Mapping):
        return value if isinstance(value, str) else None
    text = value.get("Fn::Sub") if "Fn::Sub" in value else f"${{{value['Ref']}}}" if "Ref" in value else None
    if not isinstance(text, str) or not {*re.findall(r"\$\{([^!}]+)\}", text)} <= known.keys():
        return None
    return re.sub(r"\$\{([^!}]+)\}", lambda match: known[match[1]], text)


def names(path: str) -> Iterator[tuple[str, str, str, str]]:
    """Every name that is made from another: logical id, type, property, and its maximum length."""
    known = values(path)
    for logical, resource in template(path)["Resources"].items():
        for key, value in (resource.get("Properties") or {}).items():
            name = made(value, known)
            if (key == "Name" or NAMES.fullmatch(key)) and isinstance(value, Mapping) and name is not None:
                yield logical, resource["Type"], key, name


@pytest.mark.parametrize("path", paths())
def test_a_name_that_is_made_from_the_stack_s_name_is_not_too_long(path: str) -> None:
    for logical, kind, key, name in names(path):
        if (kind, key) in MOST:
            assert len(name) <= MOST[kind, key], f"{path}: {logical}.{key} may become {name}"


def test_the_names_of_every_type_that_is_named_so_have_a_limit_here() -> None:
    assert {(kind, key) for path in paths() for _, kind, key, _ in names(path)} <= MOST.keys() | NOT_OWN


NOT_OWN: Final = frozenset(
    {("AWS::EC2::VPCEndpoint", "ServiceName"), ("Custom::Fleet", "ApplicationName"), ("Custom::Fleet", "Name")}
)
"""Properties that name something else, or that another resource of the template limits."""


def test_belay_s_stack_has_no_longer_name_where_its_buckets_are_named_after_it() -> None:
    assert template("accounts/hub_region.yaml")["Parameters"]["HubStackName"]["MaxLength"] == BELAY
