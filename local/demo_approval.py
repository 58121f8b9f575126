"""The people in the demo's approval: the operator who requires it, and the approver who runs the command."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from belay.approval.request import ApprovalText
from belay.release.attempt import Attempt
from belay.release.life import State
from local.engine import ROOT, EmbeddedEngine

_STAGE: Final = "production"
_EVERYTHING: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


class Approver:
    """An approver: an IAM user who administers Belay's account, at a terminal where ``belay`` finds Belay."""

    def __init__(self, engine: EmbeddedEngine, stack: str, artifact_bucket: str, user: str = "maria") -> None:
        iam = engine.client("iam")
        iam.create_user(UserName=user)
        iam.put_user_policy(UserName=user, PolicyName="administrator", PolicyDocument=json.dumps(_EVERYTHING))
        key = iam.create_access_key(UserName=user)["AccessKey"]
        signed = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        belay = {"BELAY_STACK": stack, "PYTHONPATH": str(ROOT)}
        self._environment = {**os.environ, **engine.environment, **signed, **belay}
        self._ssm: Any = engine.client("ssm")
        self._s3: Any = engine.client("s3")
        self._artifact_bucket = artifact_bucket
        self._answered: set[str] = set()

    @contextmanager
    def asked_in_production(self, application: str) -> Iterator[None]:
        """Require an approval in production's registration, and restore the registration afterwards."""
        name = f"/belay/applications/{application}/{_STAGE}"
        before = str(self._ssm.get_parameter(Name=name)["Parameter"]["Value"])
        self._register(name, f"{before}\napproval: {{required: true, expires_after_days: 2}}\n")
        try:
            yield
        finally:
            self._register(name, before)

    def _register(self, name: str, document: str) -> None:
        self._ssm.put_parameter(Name=name, Value=document, Type="String", Overwrite=True)

    def answer(self, attempt: Attempt | None) -> tuple[str, ...]:
        """Approve a release once it awaits an approval; return the command and its output."""
        if attempt is None or all(each.state is not State.AWAITING_APPROVAL for each in attempt.under_way):
            return ()
        release = f"{attempt.application}/{attempt.version}"
        if release in self._answered:
            return ()
        self._answered.add(release)
        words = [*self._command(attempt), "--comment", "patches only, as agreed"]
        return (shlex.join(words), *(line for line in self.run(*words).splitlines() if line))

    def run(self, *words: str) -> str:
        """Run a ``belay`` command and return its output, whatever its exit status."""
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words[1:]],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return f"{done.stderr}{done.stdout}"

    def _command(self, attempt: Attempt) -> list[str]:
        """Return the command from the message to the approvers, which contains the seal of what is to be approved."""
        key = f"attempts/{attempt.application}/{attempt.id}/{_STAGE}/approval.json"
        request = json.load(self._s3.get_object(Bucket=self._artifact_bucket, Key=key)["Body"])
        return shlex.split(ApprovalText.from_dict(request).answers["Approve"])
