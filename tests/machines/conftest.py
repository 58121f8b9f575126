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
from deployed_belay import Application, Belay
from running_belay import running_belay

ELSEWHERE = os.environ.get("BELAY_ELSEWHERE") == "1"
collect_ignore = ["test_machines_again_elsewhere.py"] if ELSEWHERE else []


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
    """The Belay that the tests of this process share."""
    with running_belay(files, elsewhere=ELSEWHERE) as running:
        yield running


@pytest.fixture(scope="session")
def number() -> Iterator[int]:
    """Numbers that never repeat."""
    return itertools.count(1)


@pytest.fixture
def application(belay: Belay, number: Iterator[int], request: pytest.FixtureRequest) -> Callable[..., Application]:
    """``application(**registration)`` registers a new application."""

    def make(stages: Any = None, order: Any = None, **defaults: Any) -> Application:
        words = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:30].strip("-")
        words = "app" if belay.spoke else words
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
