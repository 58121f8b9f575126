"""What tests of the machines record of each Belay that they ran, for ``together.py`` to check."""

import json
import uuid
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TypedDict

from deployed_belay import Belay

DIRECTORY = Path(__file__).parents[2] / "build" / "machines"


class Record(TypedDict):
    """The tests of one Belay, and that Belay after them.

    - ``files`` are the files whose tests ran.
    - ``states`` holds, by machine, the states that each of its executions entered, in order.
    - ``announced`` counts, by application, the uploads and the rollbacks requested that the ledger says were told of;
      ``told`` the messages.
    - ``unfinished`` are the ledger's open and held items, ``undelivered`` counts the dead letters.
    """

    files: list[str]
    states: dict[str, list[list[str]]]
    announced: dict[str, int]
    told: dict[str, int]
    unfinished: list[str]
    undelivered: int


def leave(belay: Belay, files: Collection[str]) -> None:
    """Write the record of one Belay; a process may have several, one after the other."""
    states: dict[str, list[list[str]]] = {}
    for execution in belay.all_executions():
        states.setdefault(execution.machine, []).append(list(execution.states))
    record = Record(
        files=sorted(files),
        states=states,
        announced=_announced(belay),
        told=_told(belay),
        unfinished=[
            *(each.upload.key for each in belay.ledger.attempts.open_ones()),
            *(each.incident for each in belay.ledger.incidents.open_ones()),
            *(each.upload.key for each in belay.ledger.uploads.held()),
        ],
        undelivered=_undelivered(belay),
    )
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    (DIRECTORY / f"{uuid.uuid4().hex}.json").write_text(json.dumps(record))


def records() -> list[Record]:
    """The records of all Belays since ``make test`` began."""
    return [json.loads(path.read_text()) for path in sorted(DIRECTORY.glob("*.json"))]


def _announced(belay: Belay) -> dict[str, int]:
    names = {application.name for application in belay.applications}
    attempts = Counter(name for name in names for each in belay.ledger.attempts.newest(name, _ALL) if each.announced)
    asked = Counter(
        name
        for name in names
        for item in belay.incidents(name)
        if item.get("announced") and item["details"]["subject"]["kind"] == "asked"
    )
    return attempts + asked


_ALL = 1000


def _told(belay: Belay) -> dict[str, int]:
    return Counter(
        each.attributes["application"]
        for application in belay.applications
        for each in application.received()
        if each.attributes["kind"] == "release-ended"
    )


def _undelivered(belay: Belay) -> int:
    sqs = belay.aws("sqs")
    queues = sqs.list_queues(QueueNamePrefix="belay-").get("QueueUrls", [])
    assert queues, "expected Belay's dead-letter queues, found none"
    return sum(len(sqs.receive_message(QueueUrl=queue).get("Messages", [])) for queue in queues)
