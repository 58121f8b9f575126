"""The instances' example on an engine that enforces permissions: released, rolled back, deleted; its hooks."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from examples.instances import release
from local.engine import EmbeddedEngine

Aws = Callable[[str], Any]

FOLDER = Path("examples/instances")
GIVEN = {
    "VpcId": "vpc-0123456789abcdef0",
    "SubnetIds": "subnet-0123456789abcdef0,subnet-0fedcba9876543210",
    "ConfigurationKeyArn": "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555",
}


@pytest.fixture(scope="module")
def engine() -> Iterator[EmbeddedEngine]:
    """A separate engine that enforces permissions, with short waits in state machines."""
    with EmbeddedEngine.start(wait_scale=0.02, permissions=True) as running:
        yield running


@pytest.fixture(scope="module")
def aws(engine: EmbeddedEngine) -> Aws:
    return cache(engine.client)


class Deployed:
    """A stack of the example, and its resources in the account."""

    def __init__(self, aws: Aws, name: str, place: Path, until: Callable[..., Any]) -> None:
        self.aws, self.name, self.place, self.until = aws, name, place, until
        self.stacks = aws("cloudformation")
        aws("s3").create_bucket(Bucket=name)

    def release(self, version: str) -> dict[str, Any]:
        """Deploy a release as Belay would: its files to its own prefix, then the stack."""
        release.main(version, self.place)
        for path in self.place.iterdir():
            self.aws("s3").put_object(Bucket=self.name, Key=f"{version}/{path.name}", Body=path.read_bytes())
        given = {**GIVEN, "ReleaseBucket": self.name, "ReleasePrefix": version}
        exists = self.name in [each["StackName"] for each in self.stacks.describe_stacks()["Stacks"]]
        call = self.stacks.update_stack if exists else self.stacks.create_stack
        call(
            StackName=self.name,
            TemplateBody=(self.place / "template.yaml").read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        return self.ended()

    def ended(self) -> dict[str, Any]:
        def look() -> dict[str, Any]:
            found: dict[str, Any] = self.stacks.describe_stacks(StackName=self.name)["Stacks"][0]
            return found

        return dict(self.until(look, lambda seen: not seen["StackStatus"].endswith("_IN_PROGRESS")))

    def reasons(self) -> str:
        events = self.stacks.describe_stack_events(StackName=self.name)["StackEvents"]
        return "; ".join(each.get("ResourceStatusReason") or "" for each in events)

    @property
    def fleets(self) -> dict[str, set[str]]:
        """The instances of each Auto Scaling group of the stack's."""
        groups = self.aws("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        return {
            each["AutoScalingGroupName"]: {instance["InstanceId"] for instance in each["Instances"]}
            for each in groups
            if self.name in each["AutoScalingGroupName"]
        }

    @property
    def serving(self) -> set[str]:
        targets = self.stacks.describe_stack_resource(StackName=self.name, LogicalResourceId="Targets")
        place = targets["StackResourceDetail"]["PhysicalResourceId"]
        found = self.aws("elbv2").describe_target_health(TargetGroupArn=place)["TargetHealthDescriptions"]
        return {each["Target"]["Id"] for each in found}

    def drift(self) -> list[str]:
        """Drift detection's result for the fleet."""
        detection = self.stacks.detect_stack_drift(StackName=self.name)["StackDriftDetectionId"]

        def look() -> str:
            status = self.stacks.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
            return str(status["DetectionStatus"])

        assert self.until(look, lambda seen: seen != "DETECTION_IN_PROGRESS") == "DETECTION_COMPLETE"
        found = self.stacks.describe_stack_resource_drifts(StackName=self.name)["StackResourceDrifts"]
        return [each["StackResourceDriftStatus"] for each in found if each["LogicalResourceId"] == "Fleet"]

    def alarm(self, state: str) -> None:
        self.aws("cloudwatch").set_alarm_state(
            AlarmName=f"{self.name}-server-errors", StateValue=state, StateReason="test"
        )


@pytest.fixture
def deployed(aws: Aws, unique: Callable[[str], str], tmp_path: Path, until: Callable[..., Any]) -> Deployed:
    return Deployed(aws, unique("fleet"), tmp_path / "release", until)


def test_releases_are_deployed_taken_back_and_deleted(deployed: Deployed) -> None:
    first = deployed.release("1.0.0")
    assert first["StackStatus"] == "CREATE_COMPLETE", deployed.reasons()
    (name,) = deployed.fleets
    assert name.startswith(f"CodeDeploy_{deployed.name}_d-")
    assert deployed.serving == deployed.fleets[name]

    assert deployed.drift() == []

    second = deployed.release("1.1.0")
    assert second["StackStatus"] == "UPDATE_COMPLETE", deployed.reasons()
    (copy,) = deployed.fleets
    assert copy != name

    deployed.alarm("ALARM")
    third = deployed.release("1.2.0")
    assert third["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", deployed.reasons()
    assert (
        f"ALARM_ACTIVE: One or more alarms have been activated: <{deployed.name}-server-errors>" in deployed.reasons()
    )
    assert list(deployed.fleets) == [copy]
    assert deployed.serving == deployed.fleets[copy]

    deployed.stacks.delete_stack(StackName=deployed.name)
    deployed.stacks.get_waiter("stack_delete_complete").wait(
        StackName=deployed.name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    assert deployed.fleets == {}


def test_the_hooks_read_parameter_store_and_show_no_secret(
    engine: EmbeddedEngine, aws: Aws, unique: Callable[[str], str], tmp_path: Path
) -> None:
    path, secret = f"/{unique('hello')}", unique("s3cr3t")
    for name, kind, value in (("greeting", "String", "Hello"), ("database/password", "SecureString", secret)):
        aws("ssm").put_parameter(Name=f"{path}/{name}", Type=kind, Value=value)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "aws").symlink_to(Path(sys.prefix) / "bin" / "aws")
    file = tmp_path / "run" / "configuration.json"
    script = FOLDER / "revision/application/configuration.py"

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(script), "--path", path, "--region", "us-east-1", "--file", str(file), "--again"],
            env={**engine.environment, "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    first = run()
    assert first.returncode == 0, first.stderr
    assert json.loads(file.read_text())["values"] == {"greeting": "Hello", "database/password": secret}
    aws("ssm").put_parameter(Name=f"{path}/database/password", Type="SecureString", Value=f"{secret}-2", Overwrite=True)
    second = run()
    assert json.loads(file.read_text())["values"]["database/password"] == f"{secret}-2"
    assert "database/password (version 2)" in second.stdout
    aws("ssm").delete_parameter(Name=f"{path}/greeting")
    third = run()
    assert third.stderr.strip() == f"{path}: expected greeting; found database/password"
    assert secret not in "".join(each.stdout + each.stderr for each in (first, second, third))


def test_the_page_s_commands_run(engine: EmbeddedEngine, aws: Aws, tmp_path: Path) -> None:
    page = (FOLDER / "README.md").read_text()
    commands = "\n".join(line.removeprefix("    ") for line in page.splitlines() if line.startswith("    "))
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("aws", "python3"):
        (tools / name).symlink_to(Path(sys.prefix) / "bin" / name)
    place = tmp_path / "checkout"
    place.mkdir()
    for name in ("belay", "examples"):
        (place / name).symlink_to(Path(name).resolve())
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands.replace("./belay", f'"{Path("belay").resolve()}"')],
        cwd=place,
        env={**engine.environment, "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "PASS: 1 file, 0 violations, 0 to review" in run.stdout
    stored = aws("ssm").get_parameters_by_path(Path="/hello/production", Recursive=True, WithDecryption=True)
    found = {each["Name"]: each for each in stored["Parameters"]}
    password = found["/hello/production/database/password"]
    assert (password["Type"], len(password["Value"])) == ("SecureString", 48)
    assert password["Value"] not in run.stdout + run.stderr
    assert not (place / "password").exists()
    assert {path.name for path in (place / "build").iterdir()} == {"hello", "hello-setup", "hello.zip"}
