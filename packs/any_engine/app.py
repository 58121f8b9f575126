"""The executor of any engine in AWS: the function that Belay calls, and the build that runs Liquibase or Flyway."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError

from belay.database.executor import Begin, ChangeDocument
from belay.settings import read as settings
from packs.any_engine import jdbc
from packs.any_engine.executor import ToolExecutor
from packs.any_engine.operations import Operations
from packs.any_engine.tools import Flyway, Liquibase, Run, Tool, ToolOutput
from packs.executors.serving import ChangeDocuments, RefusedRequest, answered

NONE: Final = "none"
LIQUIBASE: Final = "liquibase"


@dataclass(frozen=True)
class Settings:
    """Environment variables of the function and of the build."""

    artifact_bucket: str
    operations_table: str
    build_project: str
    tool: str


@dataclass(frozen=True)
class ToolSettings:
    """Environment variables of the build. ``jdbc_url`` and ``secret_arn`` are ``none`` if the request has them."""

    tool_command: str
    ca_bundle: str
    database_name: str
    secret_arn: str
    jdbc_url: str


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Respond to a request of Belay's."""
    executor = _executor(settings(Settings))
    return answered(event, executor, executor.documents)


def build(operation: str, directory: Path) -> None:
    """Run an operation's build; the release's files are written below a directory."""
    own, tool = settings(Settings), settings(ToolSettings)
    executor = _executor(own)

    def make(asked: Begin, document: ChangeDocument | None) -> Tool:
        if document is not None:
            write_files(executor.documents, document, directory)
        template = "" if tool.jdbc_url == NONE else tool.jdbc_url
        url = jdbc.url(asked.database, tool.database_name, tool.ca_bundle, template)
        user, password = _login(asked.database.secret or tool.secret_arn)
        run = partial(run_tool, tool.tool_command, directory, environment(own.tool, url, user, password))
        return made(own.tool, run, document)

    executor.work(operation, make, own.tool)


def _executor(own: Settings) -> ToolExecutor:
    return ToolExecutor(
        Operations(_client("dynamodb"), own.operations_table),
        ChangeDocuments(partial(_client, "s3"), own.artifact_bucket),
        own.tool == LIQUIBASE,
        partial(_start, own.build_project),
        _is_running,
    )


def _client(service: str) -> Any:
    return boto3.client(service)  # type: ignore[call-overload]


def _start(project: str, operation: str) -> str:
    try:
        started = _client("codebuild").start_build(
            projectName=project,
            environmentVariablesOverride=[{"name": "BELAY_OPERATION", "value": operation, "type": "PLAINTEXT"}],
        )
    except ClientError as error:
        # The project has room for one build: the next poll retries.
        if error.response.get("Error", {}).get("Code") == "AccountLimitExceededException":
            return ""
        raise
    return str(started["build"]["id"])


def _is_running(build_id: str) -> bool:
    found = _client("codebuild").batch_get_builds(ids=[build_id])["builds"]
    return bool(found) and found[0]["buildStatus"] == "IN_PROGRESS"


def made(name: str, run: Run, document: ChangeDocument | None) -> Tool:
    """Return the tool for a document, or, without one, for reading what is applied."""
    if name == LIQUIBASE:
        if document is None:
            return Liquibase(run, "")
        return Liquibase(run, document.directory, document.contexts, document.labels)
    return Flyway(run, {} if document is None else document.placeholders)


def write_files(documents: ChangeDocuments, document: ChangeDocument, directory: Path) -> None:
    """Write the release's files at their paths. Raises ``RefusedRequest`` for one outside the directory."""
    for file in document.files:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts:
            raise RefusedRequest(f"files: expected a path within the release, found {file.path}")
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(documents.verified(file.stored))


def environment(name: str, url: str, user: str, password: str) -> dict[str, str]:
    """Return the variables of a tool's process: the login is not among its arguments, which other processes can
    read.
    """
    if name == LIQUIBASE:
        return {
            "LIQUIBASE_COMMAND_URL": url,
            "LIQUIBASE_COMMAND_USERNAME": user,
            "LIQUIBASE_COMMAND_PASSWORD": password,
            "LIQUIBASE_SEARCH_PATH": ".",
            "LIQUIBASE_SHOW_BANNER": "false",
        }
    return {
        "FLYWAY_URL": url,
        "FLYWAY_USER": user,
        "FLYWAY_PASSWORD": password,
        "FLYWAY_LOCATIONS": "filesystem:.",
        "FLYWAY_CLEAN_DISABLED": "true",
    }


def run_tool(command: str, directory: Path, variables: Mapping[str, str], arguments: Sequence[str]) -> ToolOutput:
    """Run the tool in the directory of the release's files, and show its output in the build's log."""
    directory.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(  # noqa: S603 - the operator's command, and our arguments
        [command, *arguments],
        cwd=directory,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    sys.stdout.write(f"{arguments[0]}: {done.returncode}\n{done.stdout}{done.stderr}\n")
    return ToolOutput(done.returncode, done.stdout, done.stderr)


def _login(secret: str) -> tuple[str, str]:
    if secret == NONE:
        raise RefusedRequest(
            "database: secret: expected the ARN of a secret, in the request or in the executor's settings"
        )
    found = json.loads(_client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
    return str(found["username"]), str(found["password"])


if __name__ == "__main__":
    build(os.environ["BELAY_OPERATION"], Path.cwd() / "release")
