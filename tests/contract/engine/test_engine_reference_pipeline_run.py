"""A release goes through the whole reference pipeline, its actions simulated on the engine."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pipeline_player import Player, deploy, deploy_exports

from belay.aws.gateways import own_aws
from belay.errors import ValidationFailed
from cli.build import build_release
from local.engine import EmbeddedEngine

Aws = Callable[[str], Any]

EXAMPLE = Path("examples/pipeline").resolve()
FIRST, SECOND, THIRD = (f"12345678-1234-5678-abcd-12345678abc{number}" for number in range(3))
PRODUCTION = "210987654321"

pytestmark = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("bash", "jq", "openssl")), reason="the build image's tools are not here"
)


@pytest.fixture
def application(
    engine: EmbeddedEngine, aws: Aws, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The name of an application that is registered, and whose functions' clients talk to the engine."""
    for name, value in engine.environment.items():
        monkeypatch.setenv(name, value)
    own_aws.cache_clear()
    # At most 14 characters: load balancers have short names.
    name = f"hello-{unique('')[-6:]}"
    for path in sorted((EXAMPLE / "registration").glob("*.yaml")):
        parameter = f"/belay/applications/{name}" + ("" if path.stem == "application" else f"/{path.stem}")
        text = path.read_text().replace("hello-p", f"{name}-p")
        aws("ssm").put_parameter(Name=parameter, Value=text, Type="String")
    yield name
    own_aws.cache_clear()


@pytest.fixture
def there(engine: EmbeddedEngine) -> Aws:
    """Clients of production's account: the engine takes an access key of twelve digits as the account's id."""
    return lambda service: engine.client(service, aws_access_key_id=PRODUCTION)


@pytest.fixture
def pipeline(aws: Aws, application: str) -> Callable[..., dict[str, str]]:
    """``pipeline(DeploymentStrategy="EcsLinear")`` deploys the pipeline and returns its parameters."""
    vpc = aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        aws("ec2").create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["SubnetId"] for number in (0, 1)
    ]
    deploy_exports(aws, f"{application}-belay")

    def deployed(**parameters: str) -> dict[str, str]:
        given = {
            "Application": application,
            "BelayStackName": f"{application}-belay",
            "VpcId": vpc,
            "SubnetIds": ",".join(subnets),
            **parameters,
        }
        deploy(aws, f"{application}-pipeline", (EXAMPLE / "template.yaml").read_text(), given)
        return given

    return deployed


@pytest.fixture
def release(engine: EmbeddedEngine, aws: Aws, application: str, tmp_path: Path) -> Callable[..., Player]:
    """``release(parameters, version, execution)`` uploads a source and returns the player of its execution."""

    def uploaded(
        parameters: dict[str, str], version: str, execution: str, instead: tuple[str, str] = ("", "")
    ) -> Player:
        source = tmp_path / version
        shutil.copytree(EXAMPLE, source)
        (source / "parameters.json").write_text(json.dumps({"Parameters": parameters}))
        for path, old, new in (
            ("release.yaml", "version: 1.0.0", f"version: {version}"),
            ("templates/ecs.yaml", *instead),
        ):
            text = (source / path).read_text()
            assert old in text
            (source / path).write_text(text.replace(old, new) if old else text)
        build_release(source, tmp_path / f"{version}.zip")
        (stack,) = aws("cloudformation").describe_stacks(StackName=f"{application}-pipeline")["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        built = (tmp_path / f"{version}.zip").read_bytes()
        aws("s3").put_object(Bucket=outputs["SourceBucketName"], Key="source.zip", Body=built)
        return Player(
            engine,
            aws,
            pipeline=f"{application}-pipeline",
            application=application,
            execution=execution,
            folder=tmp_path / f"played-{version}",
        )

    return uploaded


def stacks(aws: Aws, application: str) -> dict[str, str]:
    found = aws("cloudformation").describe_stacks()["Stacks"]
    return {
        each["StackName"]: each["StackStatus"]
        for each in found
        if each["StackName"] in (f"{application}-test", f"{application}-production")
    }


def test_releases_go_through_every_stage_and_one_is_gone_back_to(
    aws: Aws, application: str, pipeline: Callable[..., dict[str, str]], release: Callable[..., Player]
) -> None:
    parameters = pipeline(SigningKey="true")
    first = release(parameters, "1.0.0", FIRST)
    first.play()

    assert first.done["ValidateTestStack"].startswith("PASS")
    assert first.done["SnapshotDatabases"].endswith("no databases registered: nothing to do")
    assert " to add, 0 to change, 0 to replace" in first.done["ApproveChangeSet"]
    assert first.done["ExecuteChangeSet"] == "CREATE_COMPLETE"
    assert first.done["ConfirmStack"] == "nothing to do"
    assert first.done["ValidateStack"].startswith("PASS")
    assert stacks(aws, application) == {f"{application}-production": "CREATE_COMPLETE"}
    (service,) = aws("ecs").describe_services(cluster=f"{application}-production", services=["web"])["services"]
    task = aws("ecs").describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    assert "@sha256:" in task["containerDefinitions"][0]["image"]

    second = release(parameters, "1.1.0", SECOND)
    second.play()
    assert "is there already" in second.done["CreateSigningKey"]
    assert "TaskDefinition" in second.done["ApproveChangeSet"]
    assert second.done["ExecuteChangeSet"] == "UPDATE_COMPLETE"
    assert second.done["NotifyEngineers"].endswith("is in production.")
    assert version(aws, application) == "1.1.0"

    # CodePipeline repeats the stage with the artifacts and variables of the execution that it returns to.
    first.play_stage("Deployment")
    assert first.done["ConfirmStack"] == "UPDATE_COMPLETE"
    assert version(aws, application) == "1.0.0"


def test_a_release_goes_through_where_belay_goes_back(
    aws: Aws, application: str, pipeline: Callable[..., dict[str, str]], release: Callable[..., Player]
) -> None:
    only = release(pipeline(AutomaticRollback="Belay", DeploymentStrategy="CodeDeployRollingHalf"), "1.0.0", FIRST)
    only.play()
    assert only.done["ExecuteChangeSet"] == "CREATE_COMPLETE"
    assert only.done["ValidateStack"].startswith("PASS")
    assert "ConfirmStack" not in only.done
    assert "CopyImages" not in only.done


def version(aws: Aws, application: str) -> str:
    (stack,) = aws("cloudformation").describe_stacks(StackName=f"{application}-production")["Stacks"]
    found = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    return str(found["ReleaseVersion"])


def test_a_release_that_opens_ssh_changes_nothing(
    aws: Aws, application: str, pipeline: Callable[..., dict[str, str]], release: Callable[..., Player]
) -> None:
    callers = "FromPort: 80, ToPort: 80, CidrIp: !Ref ServiceNetwork, Description: The network's callers"
    bad = release(pipeline(), "1.0.0", THIRD, (callers, "FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0"))
    with pytest.raises(ValidationFailed, match="ssh-open"):
        bad.play()
    assert list(bad.done) == ["Source"]
    assert stacks(aws, application) == {}


@pytest.mark.parametrize("strategy", ["EcsCanary", "CodeDeployAllAtOnce"])
def test_releases_reach_another_account_and_one_is_gone_back_to(
    aws: Aws, there: Aws, pipeline: Callable[..., dict[str, str]], release: Callable[..., Player], strategy: str
) -> None:
    # In the order of the README.
    application = pipeline(DeploymentStrategy=strategy)["Application"]
    (made,) = aws("cloudformation").describe_stacks(StackName=f"{application}-pipeline")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in made["Outputs"]}
    vpc = there("ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        there("ec2").create_subnet(VpcId=vpc, CidrBlock=f"10.1.{number}.0/24")["Subnet"]["SubnetId"]
        for number in (0, 1)
    ]
    told = ("PipelineRoleArn", "ReviewRoleArn", "ArtifactBucketName", "ArtifactKeyArn")
    given = {name: outputs[name] for name in told} | {"Application": application, "DeploymentStrategy": strategy}
    template = (EXAMPLE / "production_account.yaml").read_text()
    deploy(there, f"{application}-delivery", template, {**given, "VpcId": vpc})
    parameters = pipeline(
        DeploymentStrategy=strategy,
        ProductionAccountId=PRODUCTION,
        ProductionVpcId=vpc,
        ProductionSubnetIds=",".join(subnets),
        ProductionServiceNetwork="10.1.0.0/16",
    )

    first = release(parameters, "1.0.0", FIRST)
    first.play()
    assert first.done["ValidateTestStack"].startswith("PASS")
    assert " to add, 0 to change, 0 to replace" in first.done["ApproveChangeSet"]
    assert first.done["ExecuteChangeSet"] == "CREATE_COMPLETE"
    assert first.done["ConfirmStack"] == "nothing to do"
    assert not {"ValidateStack", "SnapshotDatabases"} & set(first.done)
    assert stacks(aws, application) == {}
    assert stacks(there, application) == {f"{application}-production": "CREATE_COMPLETE"}
    (stack,) = there("cloudformation").describe_stacks(StackName=f"{application}-production")["Stacks"]
    assert stack["RoleARN"] == f"arn:aws:iam::{PRODUCTION}:role/{application}-delivery-stack"
    assert {"ParameterKey": "VpcId", "ParameterValue": vpc} in stack["Parameters"]

    release(parameters, "1.1.0", SECOND).play()
    assert version(there, application) == "1.1.0"
    first.play_stage("Deployment")
    assert version(there, application) == "1.0.0"
