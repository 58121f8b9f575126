"""Belay's functions handle the reference pipeline's requests, with the source that it would pass."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from modules import ROOT, function, loaded

from belay.aws.gateways import own_aws
from belay.aws.rds import Databases
from belay.aws.s3 import ArtifactBucket
from belay.aws.ssm import ParameterStore
from belay.control.registrations import Registrations
from belay.control.snapshots import StageSnapshots
from belay.errors import ValidationFailed
from belay.pipeline.job import Job, parse_job
from cli.build import build_release

EXAMPLE = ROOT / "examples" / "pipeline"
SAMPLE: dict[str, Any] = json.loads((ROOT / "events" / "aws.codepipeline" / "job.json").read_text())
EXECUTION = "12345678-1234-5678-abcd-12345678abcd"
Aws = Callable[[str], Any]


PIPELINE = loaded(ROOT / "tests" / "unit" / "examples" / "reference_pipeline.py")


@pytest.fixture
def registrations(simulated: Aws) -> Registrations:
    for path in sorted((EXAMPLE / "registration").glob("*.yaml")):
        name = "/belay/applications/hello" + ("" if path.stem == "application" else f"/{path.stem}")
        simulated("ssm").put_parameter(Name=name, Value=path.read_text(), Type="String")
    return Registrations(ParameterStore(simulated("ssm")), ArtifactBucket(simulated("s3"), "artifacts"))


def job(action: str, source: dict[str, Any] | None = None, **parameters: str) -> Job:
    """The job that CodePipeline makes of an action of the pipeline."""
    event = copy.deepcopy(SAMPLE)
    data = event["CodePipeline.job"]["data"]
    text = PIPELINE.actions(**parameters)[action]["Configuration"]["UserParameters"]
    text = text.replace("#{codepipeline.PipelineExecutionId}", EXECUTION)
    data["actionConfiguration"]["configuration"]["UserParameters"] = text
    data["inputArtifacts"] = [{"name": "Source", "location": {"type": "S3", "s3Location": source}}] if source else []
    return parse_job(event)


def uploaded(simulated: Aws, directory: Path, to: Path) -> dict[str, str]:
    """The location of a directory's source, once it was built and uploaded."""
    build_release(directory, to)
    simulated("s3").create_bucket(Bucket="sources", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    simulated("s3").put_object(Bucket="sources", Key="source.zip", Body=to.read_bytes())
    return {"bucketName": "sources", "objectKey": "source.zip"}


@pytest.mark.parametrize("strategy", ["EcsCanary", "CodeDeployAllAtOnce"])
def test_the_example_s_own_source_is_valid(
    simulated: Aws, registrations: Registrations, tmp_path: Path, strategy: str
) -> None:
    validate = function("validate_template_action").validate
    source = uploaded(simulated, EXAMPLE, tmp_path / "source.zip")
    for action in ("ValidateApplication", "ValidatePipeline"):
        success = validate(registrations, own_aws().input_artifact, job(action, source, DeploymentStrategy=strategy))
        assert success.summary.startswith("PASS")
        assert success.continuation_token is None


def test_a_source_that_opens_ssh_is_stopped(simulated: Aws, registrations: Registrations, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(EXAMPLE, changed)
    template = changed / "templates" / "ecs.yaml"
    callers = (
        "- {IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: !Ref ServiceNetwork, Description: The network's callers}"
    )
    text = template.read_text()
    assert callers in text
    template.write_text(text.replace(callers, "- {IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}"))
    source = uploaded(simulated, changed, tmp_path / "source.zip")

    validate = function("validate_template_action").validate
    with pytest.raises(ValidationFailed, match="ssh-open"):
        validate(registrations, own_aws().input_artifact, job("ValidateApplication", source))


def test_the_first_release_has_no_database_to_take_a_snapshot_of(simulated: Aws, registrations: Registrations) -> None:
    simulated("ssm").put_parameter(
        Name="/belay/applications/hello/production",
        Value=(EXAMPLE / "registration/production.yaml").read_text() + "databases: [{instance: hello-db}]\n",
        Overwrite=True,
    )
    take = function("snapshot_databases_action").take
    success = take(StageSnapshots(Databases(simulated("rds"))), registrations, job("SnapshotDatabases"))
    assert success.summary == "hello-db: no database yet"
    assert success.continuation_token is None


def test_an_update_waits_for_its_snapshot(simulated: Aws, registrations: Registrations) -> None:
    simulated("ssm").put_parameter(
        Name="/belay/applications/hello/production",
        Value=(EXAMPLE / "registration/production.yaml").read_text() + "databases: [{instance: hello-db}]\n",
        Overwrite=True,
    )
    simulated("rds").create_db_instance(
        DBInstanceIdentifier="hello-db",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="hello",
        MasterUserPassword="a-password",
    )
    take = function("snapshot_databases_action").take
    looks = [
        take(StageSnapshots(Databases(simulated("rds"))), registrations, job("SnapshotDatabases")) for _ in range(2)
    ]
    assert [each.continuation_token for each in looks] == ["1", None]
    manual = simulated("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert [each["DBInstanceIdentifier"] for each in manual] == ["hello-db"]
