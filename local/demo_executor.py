"""The operator in the demo who lets an executor change production's database: deploys it, and registers it.

It is the executor of ``packs/postgresql``, without its network and its build project: the engine has no use for either.
"""

from __future__ import annotations

import io
import zipfile
from importlib import metadata
from typing import Any, Final

from local.deployment import python_runtime
from local.engine import ACCOUNT, ROOT, Engine

_PACKAGES: Final = ("asn1crypto", "pg8000", "python-dateutil", "scramp", "six")
"""What the pack's function brings along; boto3 is the runtime's."""
_OWN: Final = ("layers/belay/belay", "packs/executors", "packs/postgresql")


def register_executor(engine: Engine, artifact_bucket: str, application: str, instance: str, secret: str) -> str:
    """Deploy the executor, name it in production's registration, and return its ARN.

    ``secret`` is the ARN of the secret of the database ``application`` in ``instance``.
    """
    arn = _deploy(engine, artifact_bucket, application)
    ssm: Any = engine.client("ssm")
    name = f"/belay/applications/{application}/production"
    before = str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
    entry = f"- instance: {instance}\n"
    registered = f"{entry}    executor: {arn}\n    database: {application}\n    secret: {secret}\n"
    ssm.put_parameter(Name=name, Value=before.replace(entry, registered), Type="String", Overwrite=True)
    return arn


def _deploy(engine: Engine, artifact_bucket: str, application: str) -> str:
    """Create the function that Belay asks and the worker that it starts."""
    functions: Any = engine.client("lambda")
    worker = f"executor-{application}-worker"
    environment = {
        "ARTIFACT_BUCKET": artifact_bucket,
        "DATABASE_NAME": application,
        "DATABASE_USER": "none",
        "SECRET_ARN": "none",
        "CA_BUNDLE": "none",
        "LOCK_TIMEOUT": "5s",
        "STATEMENT_TIMEOUT": "0",
        "WORKER_FUNCTION": worker,
        "BUILD_PROJECT": "none",
    }
    code = _code()

    def create(name: str, handler: str, timeout: int) -> str:
        created = functions.create_function(
            FunctionName=name,
            Runtime=python_runtime(),
            Role=f"arn:aws:iam::{ACCOUNT}:role/belay/executor-{application}",
            Handler=f"packs.postgresql.app.{handler}",
            Code={"ZipFile": code},
            Timeout=timeout,
            MemorySize=512,
            Environment={"Variables": environment},
        )
        return str(created["FunctionArn"])

    create(worker, "work", 900)
    return create(f"executor-{application}", "handler", 60)


def _code() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for directory in _OWN:
            for path in sorted((ROOT / directory).rglob("*.py")):
                archive.write(path, path.relative_to(ROOT).as_posix().removeprefix("layers/belay/"))
        for name in _PACKAGES:
            for file in metadata.files(name) or ():
                if ".." not in file.parts and file.suffix != ".pyc":
                    archive.write(str(file.locate()), file.as_posix())
    return packed.getvalue()
