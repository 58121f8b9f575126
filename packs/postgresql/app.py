"""The executor of PostgreSQL in AWS: the function that responds to Belay, the worker function, and the build."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3

from belay.database.executor import DatabaseAddress
from belay.documents import plain, read
from belay.settings import read as settings
from packs.executors.serving import ChangeDocuments, answered
from packs.postgresql.connecting import NONE, Login, connect
from packs.postgresql.executor import PostgresExecutor


@dataclass(frozen=True)
class Settings:
    """Environment variables. ``build_project`` is ``none`` if the function has to do everything."""

    artifact_bucket: str
    database_name: str
    database_user: str
    secret_arn: str
    ca_bundle: str
    lock_timeout: str
    statement_timeout: str
    worker_function: str
    build_project: str


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Respond to a request of Belay's."""
    executor = _executor(settings(Settings))
    return answered(event, executor, executor.documents)


def work(event: Mapping[str, Any], context: object) -> None:
    """Run as the worker of ``{"operation": ..., "database": ...}``."""
    database = read(DatabaseAddress, event["database"], "database")
    _executor(settings(Settings)).work(str(event["operation"]), database)


def _client(service: str) -> Any:
    return boto3.client(service)  # type: ignore[call-overload]


def _executor(own: Settings) -> PostgresExecutor:
    credentials = Login(own.database_name, own.database_user, own.secret_arn, own.ca_bundle)
    return PostgresExecutor(
        partial(connect, own=credentials, client=_client),
        ChangeDocuments(partial(_client, "s3"), own.artifact_bucket),
        partial(start, own),
        {"lock_timeout": own.lock_timeout, "statement_timeout": own.statement_timeout},
    )


def start(own: Settings, operation: str, database: DatabaseAddress, quick: bool) -> None:
    """Start a worker: the function, or a build if it may exceed a function's time limit."""
    event = json.dumps({"operation": operation, "database": plain(database)})
    if quick or own.build_project == NONE:
        _client("lambda").invoke(FunctionName=own.worker_function, InvocationType="Event", Payload=event.encode())
    else:
        _client("codebuild").start_build(
            projectName=own.build_project,
            environmentVariablesOverride=[{"name": "BELAY_WORK", "value": event, "type": "PLAINTEXT"}],
        )


if __name__ == "__main__":
    work(json.loads(os.environ["BELAY_WORK"]), None)
