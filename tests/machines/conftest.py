"""Shared by the machines' tests: one Belay deployed to its own engine, and applications to release.

With ``BELAY_ELSEWHERE=1`` their stages are in another account and region, on an engine that enforces permissions, and
tests marked ``at_home``, each with its reason, are left out.
"""

import itertools
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import record
from deployed_belay import WAIT_SCALE, Application, Belay

from local.deployment import LOCAL_PARAMETERS, deploy
from local.engine import Engine
from local.spokes import SPOKE_ACCOUNT, join

ELSEWHERE = os.environ.get("BELAY_ELSEWHERE") == "1"
ALLOWED = [f"app-{number}" for number in range(1, 200)]
"""The applications that the other account allows Belay to deploy."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests that have no meaning with their stages elsewhere."""
    left_out = [each for each in items if ELSEWHERE and each.get_closest_marker("at_home")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [each for each in items if each not in left_out]


@pytest.fixture(scope="session")
def files() -> set[str]:
    """The names of the files whose tests this process has run."""
    return set()


@pytest.fixture(scope="session")
def belay(files: set[str]) -> Iterator[Belay]:
    """Belay from the real template, deployed by the real SAM CLI; its final state is recorded for ``together.py``."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SFN_WAIT_SCALE", WAIT_SCALE)
        engine = Engine.start(snapshot_seconds=0.2, permissions=ELSEWHERE)
    with engine:
        spokes = {"SpokeAccounts": SPOKE_ACCOUNT} if ELSEWHERE else {}
        outputs = deploy(engine, parameters={**LOCAL_PARAMETERS, "ApprovalLinks": "true", **spokes})
        deployed = Belay(engine, outputs, join(engine, ALLOWED) if ELSEWHERE else None)
        yield deployed
        record.leave(deployed, files)


@pytest.fixture(scope="session")
def number() -> Iterator[int]:
    """Numbers that never repeat."""
    return itertools.count(1)


@pytest.fixture
def application(belay: Belay, number: Iterator[int], request: pytest.FixtureRequest) -> Callable[..., Application]:
    """``application(**registration)`` registers a new application."""

    def make(stages: Any = None, order: Any = None, **defaults: Any) -> Application:
        words = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:30].strip("-")
        words = "app" if ELSEWHERE else words
        made = Application(belay, f"{words}-{next(number)}")
        made.register(stages, order, **defaults)
        made.subscribe()
        belay.applications.append(made)
        return made

    return make


@pytest.fixture(autouse=True)
def no_faults_left(belay: Belay, files: set[str], request: pytest.FixtureRequest) -> Iterator[None]:
    """Faults that a test did not use up do not affect the next one."""
    files.add(request.path.name)
    yield
    belay.engine.clear_faults()
