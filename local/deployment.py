"""Deploys a SAM template to the embedded engine with the real SAM CLI."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from aws_lambda_builders.supported_runtimes import RUNTIME_ARCHITECTURES  # type: ignore[import-untyped]
from botocore.exceptions import ClientError, WaiterError

from local.engine import ACCOUNT, ROOT, EmbeddedEngine
from local.packaged import CAPABILITIES, Package, exists

LOCAL_PARAMETERS: Mapping[str, str] = {
    "ChatTopicArn": "create",
    "PollSeconds": "1",
    "ServiceRoleArns": f"arn:aws:iam::{ACCOUNT}:role/belay/*",
    "PipelineArns": f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:*",
    "VerifyFunctionArns": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:verify-*",
    "ExecutorArns": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:executor-*",
    "ParameterTableArns": f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/parameters-*",
}
"""Belay's template parameters on the engine: stacks are fast there, applications' roles have one path, verify
functions, database executors and tables of parameters one prefix each."""

BIN = Path(sys.prefix) / "bin"
BUILD = ROOT / ".aws-sam"
LINES_OF_OUTPUT_SHOWN = 40


class DeploymentError(Exception):
    """``sam build`` or ``sam deploy`` failed; the message says which and ends with the last lines of its output."""


def deploy(
    engine: EmbeddedEngine,
    *,
    template: Path = ROOT / "template.yaml",
    stack_name: str = "belay",
    parameters: Mapping[str, str] | None = None,
    build: bool = True,
) -> Mapping[str, str]:
    """Build a SAM template and deploy it to the engine; return the stack's outputs.

    A previous build and upload is reused for the next engine if no file has changed.

    The template's ``PythonRuntime`` parameter, if it has one, is set to the running interpreter's version for both the
    build and the deployment: the engine runs functions with that interpreter whatever their ``Runtime`` says. With
    ``build`` false the template is deployed without building it. Raises ``DeploymentError``.
    """
    given = {"PythonRuntime": python_runtime(), **(parameters or {})}
    with _alone():
        new = build and not exists(engine, stack_name)
        package = Package.of(BUILD, template) if new else None
        if package and package.kept:
            _deploy_package(engine, package, stack_name, given)
        else:
            _sam_deploy(engine, _built(engine, template, stack_name) if build else template, stack_name, given)
            if package:
                package.keep(engine, stack_name)
    stack = engine.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def python_runtime() -> str:
    """Return the Lambda runtime of the running interpreter, such as ``python3.13``.

    Raises ``DeploymentError`` if the SAM CLI does not know it.
    """
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    known = sorted(name for name in RUNTIME_ARCHITECTURES if name.startswith("python"))
    if runtime not in known:
        raise DeploymentError(
            f"the SAM CLI cannot build functions for {runtime}, the Python of this checkout's .venv. "
            f"It knows {', '.join(known)}: create the .venv again with one of these, "
            "e.g. make clean; make PYTHON=python3.13 ..."
        )
    return runtime


def sam_environment(engine: EmbeddedEngine) -> dict[str, str]:
    """Return the environment for the SAM and AWS CLIs: this engine and this .venv, without the user's AWS settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_CLI_"))}
    return {
        **inherited,
        **engine.environment,
        "PATH": os.pathsep.join([str(BIN), inherited.get("PATH", os.defpath)]),
        "VIRTUAL_ENV": sys.prefix,
        "PYTHON_RUNTIME": python_runtime(),
        "PLATFORM": "",
    }


def _deploy_package(engine: EmbeddedEngine, package: Package, stack_name: str, parameters: Mapping[str, str]) -> None:
    try:
        package.deploy(engine, stack_name, parameters)
    except (ClientError, WaiterError) as error:
        raise DeploymentError(f"{stack_name} could not be made of its package {package.directory}: {error}") from error


def _built(engine: EmbeddedEngine, template: Path, stack_name: str) -> Path:
    built = BUILD / stack_name
    _sam(
        engine,
        "build",
        f"--template-file={template}",
        f"--build-dir={built}",
        f"--cache-dir={BUILD / 'cache'}",
        "--cached",
        "--parameter-overrides",
        f"PythonRuntime={python_runtime()}",
    )
    return built / "template.yaml"


def _sam_deploy(engine: EmbeddedEngine, template: Path, stack_name: str, parameters: Mapping[str, str]) -> None:
    _sam(
        engine,
        "deploy",
        f"--template-file={template}",
        f"--stack-name={stack_name}",
        f"--s3-prefix={stack_name}",
        f"--region={engine.environment['AWS_REGION']}",
        "--resolve-s3",
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        "--no-progressbar",
        "--capabilities",
        *CAPABILITIES,
        "--parameter-overrides",
        *(_override(name, value) for name, value in parameters.items()),
    )


@contextmanager
def _alone() -> Iterator[None]:
    """Lock building and deploying to one process of this checkout, because they share the folder and the cache."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sam(engine: EmbeddedEngine, command: str, *arguments: str) -> None:
    line: Sequence[str] = [str(BIN / "sam"), command, f"--config-file={_empty_configuration()}", *arguments]
    done = subprocess.run(
        line,
        cwd=ROOT,
        env=sam_environment(engine),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-LINES_OF_OUTPUT_SHOWN:])
        raise DeploymentError(f"sam {command} failed (status {done.returncode}); its output ends:\n{tail}")


def _override(name: str, value: str) -> str:
    quoted = value.replace('"', '\\"')
    return f'{name}="{quoted}"'


def _empty_configuration() -> Path:
    """Write an empty SAM configuration, because ``samconfig.toml`` is for deployments to an account."""
    path = BUILD / "engine.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("version = 0.1\n")
    return path
