"""The operator of an example application in the demo: deploys their own stack, then registers the application."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from examples.releases import EXAMPLES
from local.deployment import sam_environment
from local.engine import ROOT, EmbeddedEngine
from local.spokes import EmbeddedSpoke, create


def register(
    engine: EmbeddedEngine, belay: str, application: str, artifact_bucket: str, spoke: EmbeddedSpoke | None = None
) -> list[str]:
    """Register an application with the Belay of a stack; return the names of the parameters that changed.

    With a ``spoke`` production lies there. Raises ``ClientError``, and ``subprocess.CalledProcessError`` with the
    command's output.
    """
    _deploy_own(engine.client("cloudformation"), application, artifact_bucket)
    with TemporaryDirectory() as scratch:
        folder = EXAMPLES / application / "registration"
        if spoke is not None:
            folder = _moved(folder, Path(scratch), spoke, _prepare(spoke, application))
        told = subprocess.run(
            [
                *(ROOT / "belay", "register", application, folder, f"--stack={belay}"),
                *(f"--outputs-of={_own(application)}", "--yes", "--output=json"),
            ],
            env=sam_environment(engine),
            check=True,
            capture_output=True,
            text=True,
        )
    return list(json.loads(told.stdout)["changes"])


def _own(application: str) -> str:
    return f"{application}-operator"


def _deploy_own(cloudformation: Any, application: str, files: str) -> Mapping[str, str]:
    """Deploy the operator's stack, whose service role reads from the bucket ``files``; return its outputs."""
    template = EXAMPLES / application / "bootstrap.yaml"
    create(cloudformation, _own(application), template, {"ArtifactBucketName": files})
    (stack,) = cloudformation.describe_stacks(StackName=_own(application))["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def _prepare(spoke: EmbeddedSpoke, application: str) -> Mapping[str, str]:
    """Deploy the operator's stack in the other account, and attach to its service role what Belay requires."""
    outputs = _deploy_own(spoke.client("cloudformation"), application, spoke.files)
    for policy in ("belay-files", "belay-service-role"):
        spoke.client("iam").attach_role_policy(
            RoleName=outputs["DeploymentRoleArn"].rpartition("/")[2],
            PolicyArn=f"arn:aws:iam::{spoke.account}:policy/{policy}",
        )
    return {**outputs, "PermissionsBoundaryArn": f"arn:aws:iam::{spoke.account}:policy/belay-release-boundary"}


def _moved(folder: Path, scratch: Path, spoke: EmbeddedSpoke, outputs: Mapping[str, str]) -> Path:
    """Copy a registration; production, if it has that, is moved to the other account with the resources there."""
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8")
        if file.stem == "production":
            where = f'account: "{spoke.account}"\nregion: {spoke.region}\nservice_role: ${{DeploymentRoleArn}}\n'
            text = re.sub(r"\$\{(\w+)\}", lambda match: outputs[match[1]], where + text)
        (scratch / file.name).write_text(text, encoding="utf-8")
    return scratch
