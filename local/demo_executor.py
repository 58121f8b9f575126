"""The operator in the demo who lets an executor change production's database: deploys it, and registers it.

It is the executor of ``packs/postgresql``, without its network and its build project: the engine has no use for either.
"""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any, Final

from local.deployment import python_runtime
from local.engine import ACCOUNT, ROOT, EmbeddedEngine

_PACKAGES: Final = ("asn1crypto", "pg8000", "python-dateutil", "scramp", "six")
"""The pack's function brings this along; boto3 is the runtime's."""
_OWN: Final = ("layers/belay/belay", "packs/executors", "packs/postgresql")


def register_executor(
    engine: EmbeddedEngine, artifact_bucket: str, application: str, instance: str, secret: str
) -> str:
    """Deploy the executor, name it in production's registration, and return its ARN.

    ``secret`` is the ARN of the secret of the database ``application`` in ``instance``.
    """
    arn = _deploy(engine, artifact_bucket, application)
    registration = _Registration(engine, application)
    entry = f"- instance: {instance}\n"
    told = f"{entry}    executor: {arn}\n    database: {application}\n    secret: {secret}\n"
    registration.write(registration.read().replace(entry, told))
    return arn


@contextmanager
def forecast_on_copy(engine: EmbeddedEngine, application: str, instance: str) -> Iterator[None]:
    """Temporarily register that changes are forecast on a copy, with no network access."""
    registration = _Registration(engine, application)
    before, entry = registration.read(), f"- instance: {instance}\n"
    group = _group_without_egress(engine, instance)
    copied = before.replace(entry, f"{entry}    copy: {{security_groups: [{group}]}}\n")
    registration.write(f"{copied}\nforecast: copy\n")
    try:
        yield
    finally:
        registration.write(before)


class _Registration:
    """Production's registration."""

    def __init__(self, engine: EmbeddedEngine, application: str) -> None:
        self._ssm: Any = engine.client("ssm")
        self._name = f"/belay/applications/{application}/production"

    def read(self) -> str:
        return str(self._ssm.get_parameter(Name=self._name)["Parameter"]["Value"])

    def write(self, document: str) -> None:
        self._ssm.put_parameter(Name=self._name, Value=document, Type="String", Overwrite=True)


def _group_without_egress(engine: EmbeddedEngine, instance: str) -> str:
    ec2: Any = engine.client("ec2")
    shown = engine.client("rds").describe_db_instances(DBInstanceIdentifier=instance)["DBInstances"][0]
    vpc = shown["DBSubnetGroup"]["VpcId"]
    group = ec2.create_security_group(GroupName=f"{instance}-copies", Description="Copies", VpcId=vpc)["GroupId"]
    egress = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissionsEgress"]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=egress)
    return str(group)


def _deploy(engine: EmbeddedEngine, artifact_bucket: str, application: str) -> str:
    """Create the function that Belay calls and the worker that it starts."""
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
