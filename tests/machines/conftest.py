"""What the machines' tests share: one Belay deployed to an engine of its own, and applications to release."""

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import record
from deployed_belay import WAIT_SCALE, Application, Belay

from local.deployment import LOCAL_PARAMETERS, deploy
from local.engine import Engine


@pytest.fixture(scope="session")
def files() -> set[str]:
    """The names of the files whose tests this process has run."""
    return set()


@pytest.fixture(scope="session")
def belay(files: set[str]) -> Iterator[Belay]:
    """Belay from the real template, deployed by the real SAM CLI; what becomes of it is left for ``together.py``."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SFN_WAIT_SCALE", WAIT_SCALE)
        engine = Engine.start(snapshot_seconds=0.2)
    with engine:
        deployed = Belay(engine, deploy(engine, parameters={**LOCAL_PARAMETERS, "ApprovalLinks": "true"}))
        yield deployed
        record.leave(deployed, files)


@pytest.fixture(scope="session")
def number() -> Iterator[int]:
    """Numbers that never come again."""
    return itertools.count(1)


@pytest.fixture
def application(belay: Belay, number: Iterator[int], request: pytest.FixtureRequest) -> Callable[..., Application]:
    """``application(**registration)`` registers an application that nobody else has."""

    def make(stages: Any = None, **defaults: Any) -> Application:
        words = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:30].strip("-")
        made = Application(belay, f"{words}-{next(number)}")
        made.register(stages, **defaults)
        made.subscribe()
        belay.applications.append(made)
        return made

    return make


@pytest.fixture(autouse=True)
def no_faults_left(belay: Belay, files: set[str], request: pytest.FixtureRequest) -> Iterator[None]:
    """Faults that a test did not use up do not reach the next one."""
    files.add(request.path.name)
    yield
    belay.engine.clear_faults()
