"""What all tests of the machines reached together: every end, every way that something caught leads, each told once."""

import itertools
from collections import Counter
from pathlib import Path

import pytest
from deployed_belay import MACHINES, Belay
from machine_definitions import catches, ends


@pytest.fixture
def whole(request: pytest.FixtureRequest) -> None:
    """Skip unless every test of this directory runs: what some of them reach says nothing."""
    here = Path(__file__).parent
    run = {item.path for item in request.session.items if item.path.parent == here}
    options = request.config.option
    if (
        run != set(here.glob("test_*.py"))
        or options.keyword
        or options.lf
        or any("::" in each for each in options.file_or_dir)
    ):
        pytest.skip("only some of the machines' tests run")


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("machine", MACHINES)
def test_every_end_is_reached(belay: Belay, machine: str) -> None:
    reached = {each.states[-1] for each in belay.all_executions() if each.machine == machine and each.states}

    assert ends(machine) - reached == set()


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("machine", MACHINES)
def test_every_catch_is_taken(belay: Belay, machine: str) -> None:
    taken = {
        step for each in belay.all_executions() if each.machine == machine for step in itertools.pairwise(each.states)
    }

    assert catches(machine) - taken == set()


def test_every_upload_is_told_of_once(belay: Belay) -> None:
    ended = Counter(
        (each.attributes["application"], each.subject)
        for application in belay.applications
        for each in application.received()
        if each.attributes["kind"] == "release-ended"
    )
    uploads = Counter(
        application.name
        for application in belay.applications
        for item in belay.items(f"APPLICATION#{application.name}", "UPLOAD#")
        if item.get("announced")
    )

    told = Counter(application for application, _ in ended.elements())
    assert told == uploads


def test_nothing_is_left_open_or_undelivered(belay: Belay) -> None:
    dead = belay.aws("sqs").list_queues(QueueNamePrefix="belay-")["QueueUrls"]
    waiting = [belay.aws("sqs").receive_message(QueueUrl=each).get("Messages", []) for each in dead]

    assert belay.items("HELD") == []
    assert [item["SK"] for item in belay.items("OPEN")] == []
    assert waiting == [[] for _ in dead]
