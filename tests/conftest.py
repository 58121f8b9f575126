"""What every test may ask for: the embedded engine and clients bound to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from local.engine import Engine

# No test has a time limit: the machine may be busy with others.
settings.register_profile("without a clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("without a clock")


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
