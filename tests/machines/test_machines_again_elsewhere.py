"""The tests of two other files once more, with their stages in another account and region, where permissions count."""

import itertools
from collections.abc import Iterator

import pytest
from deployed_belay import Belay
from running_belay import running_belay
from test_machines_deploy_stage import *  # noqa: F403
from test_machines_policies import *  # noqa: F403


@pytest.fixture(scope="module")
def files() -> set[str]:
    """This is not the Belay of the other files."""
    return set()


@pytest.fixture(scope="module")
def number() -> Iterator[int]:
    """Its applications are those that the other account allows."""
    return itertools.count(1)


@pytest.fixture(scope="module")
def belay(files: set[str]) -> Iterator[Belay]:
    """A Belay with its stages elsewhere."""
    with running_belay(files, elsewhere=True) as running:
        yield running
