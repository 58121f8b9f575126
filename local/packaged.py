"""What the SAM CLI uploaded for a stack, cached in the checkout: the next engine gets it without a new build.

It is valid for the content of every file that a build can read, and for a stack that does not exist yet.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.engine import ROOT, EmbeddedEngine

CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
SAMS_STACK = "aws-sam-cli-managed-default"
TEMPLATE = "stack.template"
NOT_BUILT = {"build", "tests", "docs", "__pycache__"}
OFTEN: Any = {"Delay": 0.1, "MaxAttempts": 1200}


@dataclass(frozen=True)
class Package:
    """What was uploaded for a stack, in ``directory``; ``inputs`` is the digest of what it was made from."""

    directory: Path
    inputs: str

    @classmethod
    def of(cls, build: Path, template: Path) -> Package:
        """Return the package of a template as it is now, cached or not."""
        return cls(build / "packages" / sha256(str(template).encode()).hexdigest(), _digest(template))

    @property
    def kept(self) -> bool:
        """Whether it can be deployed."""
        return self._noted.exists() and self._note["inputs"] == self.inputs

    def keep(self, engine: EmbeddedEngine, stack_name: str) -> None:
        """Cache what the SAM CLI has uploaded to an engine and deployed from there."""
        shutil.rmtree(self.directory, ignore_errors=True)
        s3, cloudformation = engine.client("s3"), engine.client("cloudformation")
        (sams,) = cloudformation.describe_stacks(StackName=SAMS_STACK)["Stacks"]
        (bucket,) = [each["OutputValue"] for each in sams["Outputs"] if each["OutputKey"] == "SourceBucket"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{stack_name}/"):
            for each in page["Contents"]:
                place = self._objects / each["Key"]
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read())
        template = cloudformation.get_template(StackName=stack_name, TemplateStage="Original")["TemplateBody"]
        (self._objects / TEMPLATE).write_text(template if isinstance(template, str) else json.dumps(template))
        (stack,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
        names = [each["ParameterKey"] for each in stack.get("Parameters", ())]
        self._noted.write_text(json.dumps({"inputs": self.inputs, "bucket": bucket, "parameters": names}))

    def deploy(self, engine: EmbeddedEngine, stack_name: str, parameters: Mapping[str, str]) -> None:
        """Create a stack from it. Raises botocore's ``WaiterError`` or ``ClientError``."""
        s3, cloudformation, note = engine.client("s3"), engine.client("cloudformation"), self._note
        s3.create_bucket(Bucket=note["bucket"])
        for path in _files(self._objects):
            s3.put_object(Bucket=note["bucket"], Key=str(path.relative_to(self._objects)), Body=path.read_bytes())
        made = cloudformation.create_change_set(
            StackName=stack_name,
            ChangeSetName="packaged",
            ChangeSetType="CREATE",
            TemplateURL=f"https://s3.amazonaws.com/{note['bucket']}/{TEMPLATE}",
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in parameters.items()
                if name in note["parameters"]
            ],
            Capabilities=list(CAPABILITIES),
        )
        cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"], WaiterConfig=OFTEN)
        cloudformation.execute_change_set(ChangeSetName=made["Id"])
        cloudformation.get_waiter("stack_create_complete").wait(StackName=stack_name, WaiterConfig=OFTEN)

    @property
    def _noted(self) -> Path:
        return self.directory / "package.json"

    @property
    def _note(self) -> dict[str, Any]:
        return dict(json.loads(self._noted.read_text()))

    @property
    def _objects(self) -> Path:
        return self.directory / "objects"


def exists(engine: EmbeddedEngine, stack_name: str) -> bool:
    """Whether an engine has a stack."""
    try:
        engine.client("cloudformation").describe_stacks(StackName=stack_name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return False
    return True


def _digest(template: Path) -> str:
    """Return a digest of the interpreter and of every file of the project that has the template."""
    project = ROOT if template.is_relative_to(ROOT) else template.parent
    digest = sha256(f"{sys.version} {template}".encode())
    for path in _files(project):
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(project)}\0{path.stat().st_mode}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _files(directory: Path) -> Iterator[Path]:
    for place, names, files in os.walk(directory):
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in NOT_BUILT)
        yield from (Path(place, name) for name in sorted(files) if not name.startswith("."))
