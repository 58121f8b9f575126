"""What every test may ask for: the embedded engine and clients bound to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from local.engine import Engine

TESTS = Path(__file__).parent
ON_ONE_ENGINE = ("contract/engine",)
"""Folders whose tests share one engine, and so one process where several run tests side by side."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Group the tests for ``--dist loadgroup``: a folder that shares an engine, else a file."""
    for item in items:
        path = item.path.relative_to(TESTS)
        group = next((folder for folder in ON_ONE_ENGINE if path.is_relative_to(folder)), path)
        item.add_marker(pytest.mark.xdist_group(str(group)))


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """One embedded engine for the whole run, started by the first test that asks for it."""
    with Engine.start() as running:
        yield running


@pytest.fixture(scope="session")
def aws(engine: Engine) -> Callable[[str], Any]:
    """``aws("s3")`` is a boto3 client of that service bound to the engine; the same one each time."""
    clients: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in clients:
            clients[service] = engine.client(service)
        return clients[service]

    return client
