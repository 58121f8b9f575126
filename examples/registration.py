"""Sets up an example application as an operator does: deploys the operator's stack, then registers the application.

``python -m examples.registration orders --artifact-bucket NAME`` does both, with the credentials of the AWS CLI.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from string import Template
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from examples.releases import EXAMPLES, ExampleError


def documents(application: str, outputs: Mapping[str, str]) -> dict[str, str]:
    """Return an application's registration by SSM parameter name, with the outputs of its ``bootstrap.yaml``.

    Raises ExampleError if there is none, or if a document names an output that does not exist.
    """
    paths = sorted((EXAMPLES / application / "registration").glob("*.yaml"))
    if not paths:
        raise ExampleError(f"{EXAMPLES / application}: expected registration/*.yaml there, found none")
    filled = {}
    for path in paths:
        name = f"/belay/applications/{application}" + ("" if path.stem == "application" else f"/{path.stem}")
        try:
            filled[name] = Template(path.read_text(encoding="utf-8")).substitute(outputs)
        except KeyError as error:
            raise ExampleError(f"{path}: bootstrap.yaml has no output {error}") from error
    return filled


def bootstrap(cloudformation: Any, application: str, artifact_bucket: str) -> dict[str, str]:
    """Create or update the operator's own stack of an application, and return its outputs."""
    name = f"{application}-operator"
    request = {
        "StackName": name,
        "TemplateBody": (EXAMPLES / application / "bootstrap.yaml").read_text(encoding="utf-8"),
        "Parameters": [{"ParameterKey": "ArtifactBucketName", "ParameterValue": artifact_bucket}],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
    }
    try:
        cloudformation.create_stack(**request)
        _wait(cloudformation, "stack_create_complete", name)
    except cloudformation.exceptions.AlreadyExistsException:
        _update(cloudformation, request)
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def register(ssm: Any, application: str, outputs: Mapping[str, str]) -> list[str]:
    """Store an application's registration, and return the names of its parameters."""
    filled = documents(application, outputs)
    for name, document in filled.items():
        ssm.put_parameter(Name=name, Value=document, Type="String", Overwrite=True)
    return list(filled)


def main(arguments: list[str] | None = None) -> int:
    """Deploy an example application's own stack and register the application."""
    parser = argparse.ArgumentParser(prog="python -m examples.registration", description=main.__doc__)
    parser.add_argument("application")
    parser.add_argument("--artifact-bucket", required=True, help="the output ArtifactBucketName of Belay's stack")
    options = parser.parse_args(arguments)
    try:
        outputs = bootstrap(boto3.client("cloudformation"), options.application, options.artifact_bucket)
        names = register(boto3.client("ssm"), options.application, outputs)
    except (ExampleError, OSError, ClientError, BotoCoreError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{name}\n" for name in names))
    return 0


def _update(cloudformation: Any, request: Mapping[str, Any]) -> None:
    try:
        cloudformation.update_stack(**request)
    except ClientError as error:
        # CloudFormation has no code of its own for it.
        if "No updates are to be performed" in error.response["Error"]["Message"]:
            return
        raise
    _wait(cloudformation, "stack_update_complete", request["StackName"])


def _wait(cloudformation: Any, until: str, name: str) -> None:
    cloudformation.get_waiter(until).wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 300})


if __name__ == "__main__":
    sys.exit(main())
