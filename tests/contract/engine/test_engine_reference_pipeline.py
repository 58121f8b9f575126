"""The reference pipeline's stack, and what its actions run, on the engine, as far as it supports them."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pipeline_player import FUNCTIONS, deploy, deploy_exports

from local.engine import EmbeddedEngine

Aws = Callable[[str], Any]

FOLDER = Path("examples/pipeline").resolve()
DIGEST = "sha256:" + "a" * 64
PRODUCTION = "210987654321"
PLACE = {
    "VpcId": "vpc-0123456789abcdef0",
    "SubnetIds": "subnet-0123456789abcdef0,subnet-0fedcba9876543210",
}

pytestmark = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("bash", "jq", "openssl")), reason="the build image's tools are not here"
)


@pytest.fixture
def belay(aws: Aws, unique: Callable[[str], str]) -> str:
    """The name of a stack that exports what Belay's exports."""
    name = unique("belay")
    deploy_exports(aws, name)
    return name


def resources(aws: Aws, name: str) -> dict[str, str]:
    found = aws("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
    return {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for each in found
        if each["ResourceStatus"] != "DELETE_COMPLETE"
    }


def test_the_pipeline_is_deployed_and_takes_another_strategy(
    aws: Aws, belay: str, unique: Callable[[str], str]
) -> None:
    name = unique("hello-pipeline")
    template = (FOLDER / "template.yaml").read_text()
    given = {**PLACE, "Application": "hello", "BelayStackName": belay}

    assert deploy(aws, name, template, {**given, "SigningKey": "true"})["StackStatus"] == "CREATE_COMPLETE"
    assert {"ImageProject", "SigningKeyProject"} <= set(resources(aws, name))
    pipeline = aws("codepipeline").get_pipeline(name=name)["pipeline"]
    assert [stage["name"] for stage in pipeline["stages"]][:2] == ["Source", "Validation"]
    invoked = {
        action["configuration"]["FunctionName"]
        for stage in pipeline["stages"]
        for action in stage["actions"]
        if action["actionTypeId"]["category"] == "Invoke"
    }
    assert invoked == {f"{belay}-{each}" for each in FUNCTIONS}

    in_place = {**given, "DeploymentStrategy": "CodeDeployRollingOne"}
    assert deploy(aws, name, template, in_place)["StackStatus"].startswith("UPDATE_COMPLETE")
    assert {"CodeDeployApplication", "DeploymentGroup"} <= set(resources(aws, name))
    assert not {"ImageProject", "SigningKeyProject"} & set(resources(aws, name))


def test_the_parameters_that_the_pipeline_updates_itself_with_are_the_template_s(
    aws: Aws, belay: str, unique: Callable[[str], str]
) -> None:
    given = json.loads((FOLDER / "parameters.json").read_text())["Parameters"]
    name = unique("hello-pipeline")
    deploy(aws, name, (FOLDER / "template.yaml").read_text(), {**given, "BelayStackName": belay})
    assert aws("codepipeline").get_pipeline(name=name)["pipeline"]["executionMode"] == "QUEUED"


@pytest.fixture
def there(engine: EmbeddedEngine) -> Aws:
    """Clients of production's account: the engine takes an access key of twelve digits as the account's id."""
    return lambda service: engine.client(service, aws_access_key_id=PRODUCTION)


def test_the_roles_in_the_account_of_production_are_made_and_another_strategy_s_too(
    there: Aws, unique: Callable[[str], str]
) -> None:
    name = unique("hello-delivery")
    application = f"hello-{unique('')[-6:]}"
    template = (FOLDER / "production_account.yaml").read_text()
    given = {
        "Application": application,
        "PipelineRoleArn": "arn:aws:iam::000000000000:role/hello-pipeline-PipelineRole-EXAMPLE",
        "ReviewRoleArn": "arn:aws:iam::000000000000:role/hello-pipeline-ReviewRole-EXAMPLE",
        "ArtifactBucketName": "hello-artifacts",
        "ArtifactKeyArn": SHARED["ARTIFACT_KEY_ARN"],
        "VpcId": SHARED["PRODUCTION_VPC_ID"],
    }
    assert deploy(there, name, template, given)["StackStatus"] == "CREATE_COMPLETE"
    arns = {each["RoleName"]: each["Arn"] for each in there("iam").list_roles()["Roles"]}
    for role in ("actions", "review", "stack"):
        assert arns[f"{application}-delivery-{role}"] == f"arn:aws:iam::{PRODUCTION}:role/{application}-delivery-{role}"

    in_place = {**given, "DeploymentStrategy": "CodeDeployRollingHalf"}
    assert deploy(there, name, template, in_place)["StackStatus"].startswith("UPDATE_COMPLETE")
    group = there("codedeploy").get_deployment_group(
        applicationName=f"{application}-delivery", deploymentGroupName="production"
    )["deploymentGroupInfo"]
    assert group["deploymentConfigName"] == "CodeDeployDefault.HalfAtATime"


# -- what the actions run ----------------------------------------------------------------------------------------------


@pytest.fixture
def run(engine: EmbeddedEngine, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``run("build.sh", PLATFORM="ecs")`` runs a script in a copy of the release, as a build project would."""
    shutil.copytree(FOLDER, tmp_path / "release")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "aws").symlink_to(Path(sys.prefix) / "bin" / "aws")

    def script(name: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **engine.environment,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            **variables,
        }
        return subprocess.run(
            ["bash", f"scripts/{name}", *arguments],
            cwd=tmp_path / "release",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return script


SHARED = {
    "VPC_ID": PLACE["VpcId"],
    "SUBNET_IDS": PLACE["SubnetIds"],
    "SERVICE_NETWORK": "10.0.0.0/16",
    "S3_PREFIX_LIST_ID": "",
    "PERMISSIONS_BOUNDARY_ARN": "",
    "PRODUCTION_VPC_ID": "vpc-0fedcba9876543210",
    "PRODUCTION_SUBNET_IDS": "subnet-1123456789abcdef0,subnet-1fedcba9876543210",
    "PRODUCTION_SERVICE_NETWORK": "10.1.0.0/16",
    "PRODUCTION_PERMISSIONS_BOUNDARY_ARN": "",
    "ASSET_BUCKET": "assets",
    "ASSET_PREFIX": "assets/v1",
    "ARTIFACT_BUCKET": "artifacts",
    "ARTIFACT_KEY_ARN": "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555",
    "REPOSITORY_URI": "000000000000.dkr.ecr.us-east-1.amazonaws.com/hello",
    "STRATEGY": "CANARY",
}


@pytest.mark.parametrize("platform", ["ecs", "ec2"])
def test_what_the_build_makes_is_deployed(
    aws: Aws, run: Callable[..., Any], tmp_path: Path, unique: Callable[[str], str], platform: str
) -> None:
    assert run("build.sh", PLATFORM=platform, **SHARED).stderr == ""
    built = tmp_path / "release" / "build"
    assert {"appspec.yml", "application", "assets", "buildspecs", "images.json", "scripts", "templates"} <= {
        each.name for each in built.iterdir()
    }
    template = (built / f"templates/{platform}.yaml").read_text()
    for stage, prefix in (("test", ""), ("production", "PRODUCTION_")):
        parameters = json.loads((built / f"configuration/{stage}.json").read_text())["Parameters"]
        assert parameters["ReleaseVersion"] == "1.0.0"
        assert [parameters[name] for name in ("VpcId", "SubnetIds", "ServiceNetwork")] == [
            SHARED[f"{prefix}{name}"] for name in ("VPC_ID", "SUBNET_IDS", "SERVICE_NETWORK")
        ]
        assert deploy(aws, unique("hello"), template, parameters)["StackStatus"] == "CREATE_COMPLETE"


def test_the_build_refuses_what_it_does_not_know(run: Callable[..., Any]) -> None:
    refused = run("build.sh", PLATFORM="mainframe", **SHARED)
    assert refused.returncode != 0
    assert "expected ecs or ec2, found 'mainframe'" in refused.stderr


def test_assets_are_published_under_their_release(
    aws: Aws, run: Callable[..., Any], unique: Callable[[str], str]
) -> None:
    bucket = unique("assets")
    aws("s3").create_bucket(Bucket=bucket)
    assert run("publish_assets.sh", ASSET_BUCKET=bucket, ASSET_PREFIX="assets/v1").stderr == ""
    keys = {each["Key"] for each in aws("s3").list_objects_v2(Bucket=bucket)["Contents"]}
    assert keys == {"assets/v1/assets/greeting.txt", "assets/v1/templates/ecs.yaml", "assets/v1/templates/ec2.yaml"}


def test_a_signing_key_is_made_once_and_never_shown(
    aws: Aws, run: Callable[..., Any], tmp_path: Path, unique: Callable[[str], str]
) -> None:
    key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    name = f"{unique('hello')}/saml-signing-key"
    variables = {"SECRET_NAME": name, "ENCRYPTION_KEY_ARN": key, "COMMON_NAME": "hello"}

    first = run("create_signing_key.sh", **variables)
    assert first.returncode == 0, first.stderr
    secrets = aws("secretsmanager")
    pair = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
    assert "PRIVATE KEY" not in first.stdout + first.stderr
    assert not any(line in first.stdout + first.stderr for line in pair["privateKey"].splitlines()[1:-1])
    assert pair["certificate"] in first.stdout
    assert public_key(pair["privateKey"], "pkey", "-pubout") == public_key(
        pair["certificate"], "x509", "-noout", "-pubkey"
    )
    assert secrets.describe_secret(SecretId=name)["KmsKeyId"] == key

    second = run("create_signing_key.sh", **variables)
    assert second.returncode == 0
    assert "is there already" in second.stdout
    assert json.loads(secrets.get_secret_value(SecretId=name)["SecretString"]) == pair


def public_key(pem: str, *command: str) -> str:
    return subprocess.run(["openssl", *command], input=pem, capture_output=True, text=True, check=True).stdout


def test_a_signing_key_that_is_being_deleted_is_not_taken_for_one(
    aws: Aws, run: Callable[..., Any], unique: Callable[[str], str]
) -> None:
    name = f"{unique('hello')}/saml-signing-key"
    aws("secretsmanager").create_secret(Name=name, SecretString="{}")
    aws("secretsmanager").delete_secret(SecretId=name)

    refused = run("create_signing_key.sh", SECRET_NAME=name, ENCRYPTION_KEY_ARN="key", COMMON_NAME="hello")
    assert refused.returncode != 0
    assert "is being deleted" in refused.stderr


def test_a_refused_look_is_no_missing_signing_key(
    engine: EmbeddedEngine, aws: Aws, run: Callable[..., Any], unique: Callable[[str], str]
) -> None:
    name = f"{unique('hello')}/saml-signing-key"
    engine.inject("secretsmanager", "DescribeSecret", "AccessDeniedException", "no", times=10)
    refused = run("create_signing_key.sh", SECRET_NAME=name, ENCRYPTION_KEY_ARN="key", COMMON_NAME="hello")
    engine.clear_faults()
    assert refused.returncode != 0
    assert "AccessDeniedException" in refused.stderr
    assert name not in {each["Name"] for each in aws("secretsmanager").list_secrets()["SecretList"]}


def test_a_change_set_is_told_in_a_line(aws: Aws, run: Callable[..., Any], unique: Callable[[str], str]) -> None:
    name = unique("hello-production")
    topic = "{Type: AWS::SNS::Topic, Properties: {DisplayName: %s}}"
    deploy(aws, name, f"Resources: {{Stays: {topic % 'one'}, Goes: {topic % 'two'}}}", {})
    stacks = aws("cloudformation")
    stacks.create_change_set(
        StackName=name,
        ChangeSetName="release-1",
        TemplateBody=f"Resources: {{Stays: {topic % 'three'}, Comes: {topic % 'four'}}}",
    )
    stacks.get_waiter("change_set_create_complete").wait(StackName=name, ChangeSetName="release-1")

    told = run("describe_change_set.sh", STACK_NAME=name, CHANGE_SET_NAME="release-1", REVIEW_ROLE_ARN="")
    assert told.returncode == 0, told.stderr
    shell = subprocess.run(
        ["bash", "-c", f'{told.stdout}\nprintf \'%s\\n\' "$CHANGES" "$STACK_ID" "$CHANGE_SET_ID"'],
        capture_output=True,
        text=True,
        check=True,
    )
    changes, stack, change_set = shell.stdout.splitlines()
    assert changes == "1 to add, 1 to change, 0 to replace or perhaps to replace, 1 to remove Goes"
    assert re.fullmatch(r"arn%3Aaws%3Acloudformation%3A[\w%-]+", stack)
    assert re.fullmatch(r"arn%3Aaws%3Acloudformation%3A[\w%-]+changeSet%2Frelease-1%2F[\w-]+", change_set)


CRANE = """#!/usr/bin/env bash
# A registry in a directory: a file an image, its content the digest.
case $1 in
  auth) cat > "$REGISTRY/password" ;;
  digest) cat "$REGISTRY/${2//\\//_}" ;;
  copy) echo "${LIE:-${2#*@}}" > "$REGISTRY/${3//\\//_}"; echo "$2" >> "$REGISTRY/copied" ;;
esac
"""


@pytest.fixture
def registry(tmp_path: Path, run: Callable[..., Any]) -> Path:
    crane = tmp_path / "tools" / "crane"
    crane.write_text(CRANE)
    crane.chmod(0o755)
    (tmp_path / "registry").mkdir()
    images = {"images": [{"name": "web", "source": "public.example/web", "digest": DIGEST}]}
    (tmp_path / "release" / "images.json").write_text(json.dumps(images))
    return tmp_path / "registry"


def test_images_are_copied_by_digest_and_once(run: Callable[..., Any], registry: Path) -> None:
    variables = {"REPOSITORY_URI": SHARED["REPOSITORY_URI"], "REGISTRY": str(registry)}
    for _ in range(2):
        copied = run("copy_images.sh", **variables)
        assert copied.returncode == 0, copied.stderr
    assert (registry / "copied").read_text() == f"public.example/web@{DIGEST}\n"
    assert (registry / "password").read_text().strip() != ""


def test_a_copy_that_is_another_image_fails_the_stage(run: Callable[..., Any], registry: Path) -> None:
    variables = {"REPOSITORY_URI": SHARED["REPOSITORY_URI"], "REGISTRY": str(registry), "LIE": "sha256:" + "b" * 64}
    refused = run("copy_images.sh", **variables)
    assert refused.returncode != 0
    assert f"expected {DIGEST}, found sha256:{'b' * 64}" in refused.stderr


def test_a_tag_is_no_digest(run: Callable[..., Any], registry: Path, tmp_path: Path) -> None:
    images = {"images": [{"name": "web", "source": "public.example/web", "digest": "latest"}]}
    (tmp_path / "release" / "images.json").write_text(json.dumps(images))
    refused = run("copy_images.sh", REPOSITORY_URI=SHARED["REPOSITORY_URI"], REGISTRY=str(registry))
    assert refused.returncode != 0
    assert "expected a digest, found 'latest'" in refused.stderr
    assert not (registry / "copied").exists()


def test_crane_is_installed_only_where_it_is_the_pinned_file(run: Callable[..., Any], tmp_path: Path) -> None:
    curl = tmp_path / "tools" / "curl"
    curl.write_text('#!/usr/bin/env bash\nwhile [[ $1 != --output ]]; do shift; done\necho another > "$2"\n')
    curl.chmod(0o755)
    refused = run("install_crane.sh", str(tmp_path / "tools"))
    assert refused.returncode != 0
    assert not (tmp_path / "tools" / "crane").exists()
