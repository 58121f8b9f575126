"""Sets up an example application as an operator does: deploys the operator's stack, then registers the application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from cli.registration_files import checked, filled, read_files
from examples.releases import EXAMPLES


def documents(application: str, outputs: Mapping[str, str]) -> dict[str, str]:
    """Return an application's registration by SSM parameter name, with the outputs of its ``bootstrap.yaml``.

    Raises ``Refused`` if there is none, or if a document names an output that does not exist.
    """
    texts = filled(read_files([EXAMPLES / application / "registration"]), outputs)
    return checked(application, texts).parameters


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
    filled_in = documents(application, outputs)
    for name, document in filled_in.items():
        ssm.put_parameter(Name=name, Value=document, Type="String", Overwrite=True)
    return list(filled_in)


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
