"""The instances' template: what an instance is, the permissions, and the page's commands."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from click.testing import CliRunner
from iam_decisions import decided
from reference_pipeline import made

from cli.build import build_release, read_back
from cli.validate import command as validate

FOLDER = Path("examples/instances")
ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
GIVEN = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackName": "hello-production",
    "ReleaseBucket": "artifacts",
    "ReleasePrefix": "releases/hello/1",
    "VpcId": "vpc-0123456789abcdef0",
    "SubnetIds": "subnet-0123456789abcdef0,subnet-0fedcba9876543210",
    "ConfigurationKeyArn": KEY,
}
PARAMETERS = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter"


@pytest.fixture(scope="module")
def resources() -> dict[str, dict[str, Any]]:
    return made(FOLDER / "template.yaml", GIVEN)


def documents(resources: dict[str, dict[str, Any]], role: str) -> list[dict[str, Any]]:
    """The policies of a role: its own, and those that name it or that it names."""
    properties: dict[str, Any] = resources[role]["Properties"]
    found: list[dict[str, Any]] = [each["PolicyDocument"] for each in properties.get("Policies", [])]
    for name, each in resources.items():
        attached = f"${{{name}}}" in properties.get("ManagedPolicyArns", [])
        if attached or f"${{{role}}}" in each["Properties"].get("Roles", []):
            found += [each["Properties"][key] for key in ("PolicyDocument",) if key in each["Properties"]]
    return found


def allowed(policies: list[dict[str, Any]], action: str, resource: str, **context: Any) -> bool:
    """What the engine's evaluator of IAM policies decides."""
    return decided(policies, action, resource, region="eu-west-1", context=context, account=ACCOUNT) == "Allow"


# -- the template ------------------------------------------------------------------------------------------------------


def test_nothing_stops_a_release_and_only_the_network_s_width_is_advice() -> None:
    run = CliRunner().invoke(validate, ["--format", "json", str(FOLDER / "template.yaml")])
    assert run.exit_code == 0
    assert {each["policy"] for each in json.loads(run.stdout)["findings"]} == {
        "egress-world",
        "http80-open",
        "ingress-non32",
        "ingress-world",
    }


def test_nothing_listens_for_people_and_nobody_else_reaches_the_instances(resources: dict[str, dict[str, Any]]) -> None:
    (into,) = resources["InstanceGroup"]["Properties"]["SecurityGroupIngress"]
    assert (into["FromPort"], into["ToPort"]) == ("8080", "8080")
    assert into["SourceSecurityGroupId"] == "${LoadBalancerGroup}"


def test_an_instance_has_the_newer_metadata_service_an_encrypted_volume_and_no_key_pair(
    resources: dict[str, dict[str, Any]],
) -> None:
    data = resources["LaunchTemplate"]["Properties"]["LaunchTemplateData"]
    assert data["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": "1"}
    assert [each["Ebs"]["Encrypted"] for each in data["BlockDeviceMappings"]] == ["true"]
    assert "KeyName" not in data


def test_the_user_data_says_where_the_hooks_look_and_starts_the_agent_last() -> None:
    text = (FOLDER / "template.yaml").read_text()
    script = text.partition("#!/bin/bash\n")[2].partition("\n  # --")[0]
    (named,) = re.findall(r"printf '(.*)' '\$\{ConfigurationPath\}' '\$\{AWS::Region\}' > (\S+)", script)
    assert named == (r"CONFIGURATION_PATH=%s\nREGION=%s\n", "/etc/hello/place")
    hook = (FOLDER / "revision/hooks/read_configuration.sh").read_text()
    assert ". /etc/hello/place" in hook
    assert set(re.findall(r"\$([A-Z_]+)", hook)) == {"CONFIGURATION_PATH", "REGION"}
    assert script.strip().splitlines()[-1].strip() == "ruby install auto"


def test_the_fleet_is_told_what_its_function_reads(resources: dict[str, dict[str, Any]]) -> None:
    given = set(resources["Fleet"]["Properties"]) - {"ServiceToken", "ServiceTimeout"}
    source = (FOLDER / "functions/fleet.py").read_text()
    assert given == set(re.findall(r'(?:text|_number|properties\.get)\((?:properties, )?"(\w+)"', source))


def test_codedeploy_asks_botocore_for_what_its_api_takes(resources: dict[str, dict[str, Any]]) -> None:
    application = resources["Application"]["Properties"]
    assert application == {"ApplicationName": "hello-production", "ComputePlatform": "Server"}
    model = botocore.session.get_session().get_service_model("codedeploy")
    request = {name[0].lower() + name[1:]: value for name, value in application.items()}
    report = ParamValidator().validate(request, model.operation_model("CreateApplication").input_shape)
    assert report.generate_report() == ""


def test_the_machine_waits_longer_than_cloudformation_and_calls_until_it_is_answered(
    resources: dict[str, dict[str, Any]],
) -> None:
    definition = resources["FleetMachine"]["Properties"]["Definition"]
    assert int(definition["TimeoutSeconds"]) > int(resources["Fleet"]["Properties"]["ServiceTimeout"])
    states = definition["States"]
    assert int(states["TakeNextStep"]["TimeoutSeconds"]) > int(resources["FleetFunction"]["Properties"]["Timeout"])
    assert states["Answered?"]["Default"] == "WaitForFleet"
    assert states["WaitForFleet"]["Next"] == "TakeNextStep"


# -- permissions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/hello/production", True), ("/hello/production/database", True), ("/hello/test", False), ("/", False)],
)
def test_an_instance_reads_its_own_path_alone(resources: dict[str, dict[str, Any]], path: str, expected: bool) -> None:
    policies = documents(resources, "InstanceRole")
    assert allowed(policies, "ssm:GetParametersByPath", f"{PARAMETERS}{path}") is expected
    assert not allowed(policies, "ssm:PutParameter", f"{PARAMETERS}{path}")


@pytest.mark.parametrize(
    ("parameter", "through", "key", "expected"),
    [
        ("/hello/production/database/password", "ssm.eu-west-1.amazonaws.com", KEY, True),
        ("/hello/test/database/password", "ssm.eu-west-1.amazonaws.com", KEY, False),
        ("/hello/production/database/password", "s3.eu-west-1.amazonaws.com", KEY, False),
        ("/hello/production/database/password", "ssm.eu-west-1.amazonaws.com", KEY.replace("1111", "9999"), False),
    ],
)
def test_an_instance_decrypts_what_parameter_store_has_below_its_path(
    resources: dict[str, dict[str, Any]], parameter: str, through: str, key: str, expected: bool
) -> None:
    context = {"kms:ViaService": through, "kms:EncryptionContext:PARAMETER_ARN": f"{PARAMETERS}{parameter}"}
    assert allowed(documents(resources, "InstanceRole"), "kms:Decrypt", key, **context) is expected


@pytest.mark.parametrize("role", ["FleetRole", "CodeDeployRole"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hello-production", True),
        ("CodeDeploy_hello-production_d-ABCDEF123", True),
        ("CodeDeploy_hello-production-2_d-ABCDEF123", False),
        ("orders", False),
    ],
)
def test_only_this_fleet_s_groups_are_made_and_deleted(
    resources: dict[str, dict[str, Any]], role: str, name: str, expected: bool
) -> None:
    group = f"arn:aws:autoscaling:eu-west-1:{ACCOUNT}:autoScalingGroup:1:autoScalingGroupName/{name}"
    for action in ("CreateAutoScalingGroup", "UpdateAutoScalingGroup", "DeleteAutoScalingGroup"):
        assert allowed(documents(resources, role), f"autoscaling:{action}", group) is expected


@pytest.mark.parametrize("role", ["FleetRole", "CodeDeployRole"])
def test_instances_are_launched_by_this_launch_template_and_with_this_role(
    resources: dict[str, dict[str, Any]], role: str
) -> None:
    policies = documents(resources, role)
    instance = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/*"
    template = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:launch-template"
    mine, other = f"{template}/${{LaunchTemplate}}", f"{template}/lt-other"
    assert allowed(policies, "ec2:RunInstances", instance, **{"ec2:LaunchTemplate": mine})
    assert not allowed(policies, "ec2:RunInstances", instance, **{"ec2:LaunchTemplate": other})
    assert not allowed(policies, "ec2:RunInstances", instance)
    passed = {"iam:PassedToService": "ec2.amazonaws.com"}
    assert allowed(policies, "iam:PassRole", "${InstanceRole.Arn}", **passed)
    assert not allowed(policies, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin", **passed)


def test_only_this_stack_s_instances_are_terminated(resources: dict[str, dict[str, Any]]) -> None:
    policies, instance = documents(resources, "CodeDeployRole"), f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1"
    tags = resources["LaunchTemplate"]["Properties"]["LaunchTemplateData"]["TagSpecifications"]
    (tag,) = next(each["Tags"] for each in tags if each["ResourceType"] == "instance")
    mine = {f"aws:ResourceTag/{tag['Key']}": tag["Value"]}
    assert allowed(policies, "ec2:TerminateInstances", instance, **mine)
    assert not allowed(policies, "ec2:TerminateInstances", instance)


def test_the_function_may_make_every_call_that_it_makes(resources: dict[str, dict[str, Any]]) -> None:
    source = (FOLDER / "functions/fleet.py").read_text()
    prefixes = {"codedeploy": "codedeploy", "autoscaling": "autoscaling", "balancing": "elasticloadbalancing"}
    calls = re.findall(r'self\._(\w+)\.(?:get_paginator\("(\w+)"\)|([a-z]+_\w+)\()', source)
    made_calls = {
        f"{prefixes[client]}:{''.join(word.title() for word in (page or call).split('_'))}"
        for client, page, call in calls
        if client in prefixes and (page or call) != "get_paginator"
    }
    granted = {
        action
        for document in documents(resources, "FleetRole")
        for statement in document["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    # CreateDeployment registers the revision and reads the configuration that it names; a group is made with a tag.
    also = {
        "autoscaling:CreateOrUpdateTags",
        "codedeploy:GetApplicationRevision",
        "codedeploy:GetDeploymentConfig",
        "codedeploy:RegisterApplicationRevision",
    }
    theirs = {each for each in granted if each.split(":")[0] in prefixes.values()}
    assert made_calls == theirs - also


# -- the release -------------------------------------------------------------------------------------------------------


def released(directory: Path, version: str = "1.0.0") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(FOLDER / "release.py"), version, str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_a_release_whose_zips_are_the_same_for_the_same_files(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        assert released(tmp_path / name).returncode == 0
        manifest = read_back(build_release(tmp_path / name, tmp_path / f"{name}.zip").path)
        assert (manifest.application, str(manifest.version)) == ("hello", "1.0.0")
        found.append(manifest.digests)
    assert found[0] == found[1]
    assert set(found[0]) == {"template.yaml", "revision.zip", "functions.zip"}


def test_the_zips_are_what_codedeploy_and_lambda_look_for(tmp_path: Path) -> None:
    released(tmp_path)
    with zipfile.ZipFile(tmp_path / "revision.zip") as revision:
        assert "appspec.yml" in revision.namelist()
        hooks = {each.filename: each.external_attr >> 16 for each in revision.infolist() if "hooks/" in each.filename}
    assert hooks
    assert set(hooks.values()) == {0o755}
    with zipfile.ZipFile(tmp_path / "functions.zip") as functions:
        assert functions.namelist() == ["custom_resource.py", "fleet.py", "start.py"]


def test_a_version_that_is_none_is_refused(tmp_path: Path) -> None:
    refused = released(tmp_path / "release", "latest")
    assert refused.returncode == 1
    assert refused.stderr.strip() == "expected a version such as 1.2.0, found 'latest'"
