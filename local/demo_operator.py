"""The operator of an example application in the demo: deploys their own stack, then registers the application."""

from __future__ import annotations

import json
import subprocess

from examples.releases import EXAMPLES
from local.deployment import sam_environment
from local.engine import ROOT, Engine


def register(engine: Engine, belay: str, application: str, artifact_bucket: str) -> list[str]:
    """Register an application with the Belay of a stack; return the names of the parameters that changed.

    Raises ``ClientError``, and ``subprocess.CalledProcessError`` with what the command said.
    """
    cloudformation, operators = engine.client("cloudformation"), f"{application}-operator"
    cloudformation.create_stack(
        StackName=operators,
        TemplateBody=(EXAMPLES / application / "bootstrap.yaml").read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": "ArtifactBucketName", "ParameterValue": artifact_bucket}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=operators, WaiterConfig={"Delay": 1, "MaxAttempts": 300}
    )
    folder, where = EXAMPLES / application / "registration", f"--stack={belay}"
    told = subprocess.run(
        [ROOT / "belay", "register", application, folder, where, f"--outputs-of={operators}", "--yes", "--output=json"],
        env=sam_environment(engine),
        check=True,
        capture_output=True,
        text=True,
    )
    return list(json.loads(told.stdout)["changes"])
