"""The people around an approval in the demo: the operator who registers it, and the approver with the command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from local.engine import ROOT, Engine

_STAGE: Final = "production"
_ASKS: Final = "AWAITING APPROVAL"


class Approver:
    """Somebody who may approve: an IAM user of their own, at a terminal where ``belay`` finds the deployed Belay."""

    def __init__(self, engine: Engine, stack: str, user: str = "maria") -> None:
        iam = engine.client("iam")
        iam.create_user(UserName=user)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        signed = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        self._environment = {
            **os.environ,
            **engine.environment,
            **signed,
            "BELAY_STACK": stack,
            "PYTHONPATH": str(ROOT),
        }
        self._ssm: Any = engine.client("ssm")
        self._answered: set[str] = set()

    @contextmanager
    def asked_in_production(self, application: str) -> Iterator[None]:
        """Register that production asks for an approval; afterwards it is registered as before."""
        name = f"/belay/applications/{application}/{_STAGE}"
        before = str(self._ssm.get_parameter(Name=name)["Parameter"]["Value"])
        self._register(name, f"{before}\napproval: {{required: true, expires_after_days: 2}}\n")
        try:
            yield
        finally:
            self._register(name, before)

    def _register(self, name: str, document: str) -> None:
        self._ssm.put_parameter(Name=name, Value=document, Type="String", Overwrite=True)

    def answer(self, record: Mapping[str, str]) -> tuple[str, ...]:
        """Approve a release, by its ledger record, once it asks; return the command line and what it printed, if so."""
        if record.get("state") != _ASKS:
            return ()
        release = f"{record['application']}/{record['version']}"
        if release in self._answered:
            return ()
        self._answered.add(release)
        words = ["approve", release, "--stage", _STAGE, "--comment", "patches only, as agreed"]
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        shown = " ".join(f'"{word}"' if " " in word else word for word in words)
        return f"belay {shown}", (done.stdout + done.stderr).strip()
