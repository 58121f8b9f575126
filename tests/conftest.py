"""Fixtures for every test: the embedded engine and clients bound to it, and an empty PostgreSQL database."""

from __future__ import annotations

import gc
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import botocore.session
import pytest
from botocore.loaders import create_loader
from command_output import described_output  # noqa: F401 - a fixture of every test
from hypothesis import HealthCheck, settings
from shared_clients import session
from untraced import untraced

from local.engine import EmbeddedEngine
from local.postgres import Address, Postgres, connect

# No example has a time limit: the machine may be busy with others. The examples are the same every time, so that what
# fails is the change's fault; `make test-long` takes the profile that looks for new ones.
settings.register_profile("random", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeated", settings.get_profile("random"), derandomize=True)
settings.load_profile("repeated")

# Every session of botocore would read the models of its services again, which takes longer than most tests.
botocore.session.create_loader = cache(create_loader)

botocore.client.BaseClient._make_api_call = untraced(botocore.client.BaseClient._make_api_call)
botocore.session.Session.create_client = untraced(botocore.session.Session.create_client)
botocore.session.Session.__init__ = untraced(botocore.session.Session.__init__)

# moto would create hundreds of images for every test with an EC2, and no test needs them.
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"

# Models and parsed sources stay, and Python's own threshold would scan them for garbage all the time.
gc.set_threshold(200_000)


def pytest_collection_finish() -> None:
    """Keep from the garbage collector what was imported and collected, which stays until the end."""
    gc.freeze()


UNMEASURED = tuple(Path(__file__).parent / each for each in ("conventions", "executors", "unit/examples"))
"""Tests of sources, packs and examples: they run little that is measured, and would take longer under the tracer."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Disable the tracer for tests that do not need it."""
    if isinstance(item, pytest.Function) and any(item.path.is_relative_to(each) for each in UNMEASURED):
        item.obj = untraced(item.obj)


@pytest.fixture(scope="session")
def engine() -> Iterator[EmbeddedEngine]:
    """One embedded engine for the whole run, started by the first test that uses it."""
    with EmbeddedEngine.start() as running:
        yield running


@pytest.fixture(scope="session")
def aws(engine: EmbeddedEngine) -> Callable[[str], Any]:
    """``aws("s3")`` is a boto3 client of that service bound to the engine; cached."""
    clients: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in clients:
            clients[service] = engine.client(service)
        return clients[service]

    return client


@pytest.fixture
def shared_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions of boto3 and their clients are shared with other tests that use this fixture."""
    monkeypatch.setattr(boto3, "Session", session)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """One PostgreSQL server for the whole run, ready in half a second: how its superuser connects."""
    with Postgres.prepare(tmp_path_factory.mktemp("postgres") / "data") as programs:
        server = programs.start(programs.initialise())
        yield server.administrator
        server.stop()


@pytest.fixture
def empty_database(postgres: Address) -> Address:
    """A database for one test, on the server that the run shares."""
    name = f"test_{uuid.uuid4().hex}"
    with closing(connect(postgres)) as connection:
        connection.run(f"CREATE DATABASE {name} STRATEGY = FILE_COPY")
    return replace(postgres, database=name)
