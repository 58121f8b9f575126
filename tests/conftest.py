"""What every test may ask for: the embedded engine and clients bound to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.engine import Engine


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
