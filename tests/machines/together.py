"""What all tests of the machines reached together: every end, every path of a caught error, each announced once.

They run after the others, by a separate command, as ``make test`` does: the others may have run in parallel, each
process with its own Belay, and have left records.
"""

import itertools
from pathlib import Path

import pytest
from deployed_belay import MACHINES
from machine_definitions import catches, ends
from record import Record, records


@pytest.fixture(autouse=True)
def no_faults_left() -> None:
    """No Belay is needed here."""


@pytest.fixture(scope="module")
def left() -> list[Record]:
    """The records of each process."""
    return records()


def test_every_file_was_run(left: list[Record]) -> None:
    run = {file for record in left for file in record["files"]}

    assert run == {path.name for path in Path(__file__).parent.glob("test_*.py")}


@pytest.mark.parametrize("machine", MACHINES)
def test_every_end_is_reached(left: list[Record], machine: str) -> None:
    reached = {states[-1] for record in left for states in record["states"].get(machine, []) if states}

    assert ends(machine) - reached == set()


@pytest.mark.parametrize("machine", MACHINES)
def test_every_catch_is_taken(left: list[Record], machine: str) -> None:
    taken = {
        step for record in left for states in record["states"].get(machine, []) for step in itertools.pairwise(states)
    }

    assert catches(machine) - taken == set()


def test_every_end_is_told_of_once(left: list[Record]) -> None:
    assert any(record["told"] for record in left)
    assert [record["told"] for record in left] == [record["announced"] for record in left]


def test_nothing_is_left_open_or_undelivered(left: list[Record]) -> None:
    assert [record["unfinished"] for record in left] == [[] for _ in left]
    assert [record["undelivered"] for record in left] == [0 for _ in left]
