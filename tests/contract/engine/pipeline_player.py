"""Simulates the actions of the reference pipeline on the engine, as CodePipeline would run them on AWS.

CodeBuild's actions run their buildspec's commands, CloudFormation's make its calls, Invoke actions run the code of
Belay's functions. Approvals approve. Roles are assumed if they are in another account; AWS's other automatic work
(starting, encrypting artifacts, enforcing policies) is not simulated.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError
from modules import ROOT, function

from belay.aws.gateways import own_aws
from belay.aws.rds import Databases
from belay.aws.s3 import ArtifactBucket
from belay.aws.ssm import ParameterStore
from belay.control.live import live_stages
from belay.control.registrations import Registrations
from belay.control.snapshots import StageSnapshots
from belay.pipeline.job import parse_job
from local.engine import EmbeddedEngine

Aws = Callable[[str], Any]

SAMPLE: dict[str, Any] = json.loads((ROOT / "events" / "aws.codepipeline" / "job.json").read_text())
FUNCTIONS = ("ValidateTemplate", "ValidateStack", "SnapshotDatabases", "Notify")
TOOLS = {
    # A registry in a directory: one file per image, its content the digest.
    "crane": """#!/usr/bin/env bash
case $1 in
  auth) cat > /dev/null ;;
  digest) cat "$REGISTRY/${2//\\//_}" ;;
  copy) echo "${2#*@}" > "$REGISTRY/${3//\\//_}" ;;
esac
""",
    # Nothing is downloaded here.
    "curl": "#!/usr/bin/env bash\n",
    "sha256sum": "#!/usr/bin/env bash\ncat > /dev/null\n",
    "tar": "#!/usr/bin/env bash\n",
}
WAITED = {"Delay": 1, "MaxAttempts": 60}


def deploy(aws: Aws, name: str, template: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Create or update a stack from a template of any size, and return its description."""
    stacks = aws("cloudformation")
    bucket = f"{name}-templates".lower()
    aws("s3").create_bucket(Bucket=bucket)
    aws("s3").put_object(Bucket=bucket, Key="template.yaml", Body=template)
    exists = name in [each["StackName"] for each in stacks.describe_stacks()["Stacks"]]
    (stacks.update_stack if exists else stacks.create_stack)(
        StackName=name,
        TemplateURL=f"https://{bucket}.s3.us-east-1.amazonaws.com/template.yaml",
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    waiter = stacks.get_waiter("stack_update_complete" if exists else "stack_create_complete")
    waiter.wait(StackName=name, WaiterConfig=WAITED)
    found: dict[str, Any] = stacks.describe_stacks(StackName=name)["Stacks"][0]
    return found


def deploy_exports(aws: Aws, name: str) -> None:
    """Deploy a stack that exports what Belay's exports for pipelines."""
    exports = {
        each: {"Value": f"{name}-{each}", "Export": {"Name": f"{name}-{each}ActionFunctionName"}} for each in FUNCTIONS
    }
    nothing = {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
    deploy(aws, name, json.dumps({"Resources": nothing, "Outputs": exports}), {})


class Player:
    """Runs the actions of a deployed pipeline; ``done`` are those that succeeded, with their output."""

    def __init__(
        self, engine: EmbeddedEngine, aws: Aws, *, pipeline: str, application: str, execution: str, folder: Path
    ) -> None:
        self.engine, self.aws, self.application, self.folder = engine, aws, application, folder
        self.stages = aws("codepipeline").get_pipeline(name=pipeline)["pipeline"]["stages"]
        self.variables: dict[str, str] = {"codepipeline.PipelineExecutionId": execution}
        self.artifacts: dict[str, Path] = {}
        self.done: dict[str, str] = {}
        self.acts: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, str]], str]] = {
            "S3": self.source,
            "CodeBuild": self.build,
            "CloudFormation": self.change_stack,
            "CodeDeploy": lambda action, configuration: configuration["DeploymentGroupName"],
            "Manual": self.approve,
            "Lambda": self.invoke,
        }
        tools = folder / "tools"
        tools.mkdir(parents=True)
        (tools / "aws").symlink_to(Path(sys.prefix) / "bin" / "aws")
        for name, text in TOOLS.items():
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        (folder / "registry").mkdir()

    def play(self) -> None:
        for stage in self.stages:
            self.play_stage(stage["name"])

    def play_stage(self, name: str) -> None:
        for stage in (each for each in self.stages if each["name"] == name):
            for action in sorted(stage["actions"], key=lambda each: each["runOrder"]):
                configuration = {name: self.filled(value) for name, value in action["configuration"].items()}
                act = self.acts[action["actionTypeId"]["provider"]]
                self.done[action["name"]] = act(action, configuration)

    def filled(self, text: str) -> str:
        """A configuration's value with its variables resolved, from earlier actions."""
        return re.sub(r"#\{([^}]+)\}", lambda found: self.variables[found.group(1)], text)

    def source(self, action: Mapping[str, Any], configuration: Mapping[str, str]) -> str:
        where = {"Bucket": configuration["S3Bucket"], "Key": configuration["S3ObjectKey"]}
        found = self.aws("s3").get_object(**where)
        archive, directory = self.folder / "source.zip", self.folder / action["outputArtifacts"][0]["name"]
        archive.write_bytes(found["Body"].read())
        with zipfile.ZipFile(archive) as source:
            source.extractall(directory)
        self.artifacts[directory.name] = directory
        self.variables[f"{action['namespace']}.VersionId"] = found["VersionId"]
        self.uploaded = {"bucketName": where["Bucket"], "objectKey": where["Key"]}
        return found["VersionId"]

    def build(self, action: Mapping[str, Any], configuration: Mapping[str, str]) -> str:
        (project,) = self.aws("codebuild").batch_get_projects(names=[configuration["ProjectName"]])["projects"]
        directory = self.folder / action["name"]
        shutil.copytree(self.artifacts[action["inputArtifacts"][0]["name"]], directory)
        buildspec = yaml.safe_load((directory / project["source"]["buildspec"]).read_text())
        exported = buildspec["env"].get("exported-variables", [])
        commands = [command for phase in buildspec["phases"].values() for command in phase["commands"]]
        given = [
            *project["environment"]["environmentVariables"],
            *json.loads(configuration.get("EnvironmentVariables", "[]")),
        ]
        shown = [f"printf '%s=%s\\n' {name} \"${name}\" >> {self.folder / 'exported'}" for name in exported]
        ran = subprocess.run(
            ["bash", "-e", "-c", "\n".join([*commands, *shown])],
            cwd=directory,
            env={
                **self.engine.environment,
                "PATH": f"{self.folder / 'tools'}:{os.environ['PATH']}",
                "HOME": str(self.folder),
                "REGISTRY": str(self.folder / "registry"),
                **{each["name"]: each["value"] for each in given},
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, f"{action['name']}: {ran.stdout}{ran.stderr}"
        for artifact in action.get("outputArtifacts", []):
            self.artifacts[artifact["name"]] = directory / buildspec["artifacts"]["base-directory"]
        if exported:
            for line in (self.folder / "exported").read_text().splitlines():
                name, _, value = line.partition("=")
                self.variables[f"{action['namespace']}.{name}"] = value
        return ran.stdout

    def change_stack(self, action: Mapping[str, Any], configuration: Mapping[str, str]) -> str:
        account = self.account_of(action)
        stacks, name = account("cloudformation"), configuration["StackName"]
        mode = configuration["ActionMode"]
        known = {each["StackName"]: each["StackStatus"] for each in stacks.describe_stacks()["Stacks"]}
        exists = known.get(name, "REVIEW_IN_PROGRESS") != "REVIEW_IN_PROGRESS"
        if mode == "DELETE_ONLY":
            stacks.delete_stack(StackName=name, RoleARN=configuration["RoleArn"])
            stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=WAITED)
            return "deleted"
        if mode == "CHANGE_SET_EXECUTE":
            stacks.execute_change_set(StackName=name, ChangeSetName=configuration["ChangeSetName"])
        else:
            request = {
                "StackName": name,
                "TemplateURL": self.published(account, configuration["TemplatePath"]),
                "Parameters": self.parameters(configuration["TemplateConfiguration"]),
                "Capabilities": configuration["Capabilities"].split(","),
                "RoleARN": configuration["RoleArn"],
            }
            if mode == "CHANGE_SET_REPLACE":
                change_set = configuration["ChangeSetName"]
                stacks.create_change_set(
                    **request, ChangeSetName=change_set, ChangeSetType="UPDATE" if exists else "CREATE"
                )
                stacks.get_waiter("change_set_create_complete").wait(
                    StackName=name, ChangeSetName=change_set, WaiterConfig=WAITED
                )
                return "created"
            try:
                (stacks.update_stack if exists else stacks.create_stack)(**request)
            except ClientError as error:
                if "No updates are to be performed" not in str(error):
                    raise
                return "nothing to do"
        waiter = "stack_update_complete" if exists else "stack_create_complete"
        stacks.get_waiter(waiter).wait(StackName=name, WaiterConfig=WAITED)
        return str(stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    def account_of(self, action: Mapping[str, Any]) -> Aws:
        """Clients of the account that an action works in: another one if it names a role there."""
        if "roleArn" not in action:
            return self.aws
        given = self.aws("sts").assume_role(RoleArn=action["roleArn"], RoleSessionName=action["name"])["Credentials"]
        return lambda service: self.engine.client(
            service,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )

    def published(self, account: Aws, path: str) -> str:
        """Where CloudFormation finds a file of an artifact: the engine's reads from buckets of its own account only."""
        artifact, _, file = path.partition("::")
        bucket = f"{self.application}-templates-{account('sts').get_caller_identity()['Account']}"
        account("s3").create_bucket(Bucket=bucket)
        account("s3").put_object(Bucket=bucket, Key=file, Body=(self.artifacts[artifact] / file).read_bytes())
        return f"https://{bucket}.s3.us-east-1.amazonaws.com/{file}"

    def parameters(self, path: str) -> list[dict[str, str]]:
        artifact, _, file = path.partition("::")
        found = json.loads((self.artifacts[artifact] / file).read_text())["Parameters"]
        return [{"ParameterKey": name, "ParameterValue": value} for name, value in found.items()]

    def approve(self, action: Mapping[str, Any], configuration: Mapping[str, str]) -> str:
        assert configuration["NotificationArn"].startswith("arn:aws:sns:")
        assert re.fullmatch(r"https://\S+", configuration["ExternalEntityLink"])
        return configuration["CustomData"]

    def invoke(self, action: Mapping[str, Any], configuration: Mapping[str, str]) -> str:
        event = json.loads(json.dumps(SAMPLE))
        data = event["CodePipeline.job"]["data"]
        data["actionConfiguration"]["configuration"]["UserParameters"] = configuration["UserParameters"]
        inputs = [each["name"] for each in action.get("inputArtifacts", [])]
        data["inputArtifacts"] = [
            {"name": each, "location": {"type": "S3", "s3Location": self.uploaded}} for each in inputs
        ]
        registrations = Registrations(ParameterStore(self.aws("ssm")), ArtifactBucket(self.aws("s3"), "artifacts"))
        job = parse_job(event)
        match configuration["FunctionName"].rpartition("-")[2]:
            case "ValidateTemplate":
                success = function("validate_template_action").validate(registrations, own_aws().input_artifact, job)
            case "ValidateStack":
                stages = live_stages(own_aws(), ArtifactBucket(self.aws("s3"), "artifacts"))
                success = function("validate_stack_action").validate(stages, registrations, job)
            case "SnapshotDatabases":
                snapshots = StageSnapshots(Databases(self.aws("rds")))
                success = function("snapshot_databases_action").take(snapshots, registrations, job)
            case other:
                assert other == "Notify"
                return str(job.parameters["message"])
        assert success.continuation_token is None
        return str(success.summary)
