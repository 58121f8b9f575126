"""``belay messages NAME``: the messages about a release or an incident, as they were sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from cli.account import Account, Where, calls_aws
from cli.incident_show import record_of
from cli.naming import find_attempts, release_name
from cli.options import argument
from cli.output import at, tell
from cli.problems import Refused
from cli.show import chosen


@click.command()
@argument("name", help="a release (orders/1.2.0, or orders for its newest), an incident, or the thread of a message")
@click.option("--attempt", metavar="N", help="of a release: its number or its id; default: the newest")
@click.option("--number", type=click.IntRange(min=1), metavar="N", help="only the message of this number")
@calls_aws
def command(name: str, attempt: str | None, number: int | None, where: Where, output: str) -> int:
    """Show messages as they were sent: when, to which topic, the subject and the text; with JSON also the document.

    They are kept for as long as the history (the stack's parameter HistoryDays). A link that answers an approval is not
    kept. The findings of a stage and the notices of pipelines have threads of their own, which their messages name.
    """
    belay = Account.of(where)
    thread = thread_of(belay, name, attempt)
    sent = [each for each in belay.ledger.messages.of_thread(thread) if number in (None, each.number)]
    found = {
        "thread": thread,
        "messages": [
            {**asdict(each), "number": each.number, "subject": each.subject, "text": each.text} for each in sent
        ],
    }
    tell(output, found, render(found))
    return 0


def thread_of(belay: Account, name: str, attempt: str | None) -> str:
    """Return the thread of what is named. Raises ``Refused`` where nothing has the name."""
    if "/" in name or attempt is not None or belay.ledger.attempts.newest(name, 1):
        release = release_name(name)
        return chosen(find_attempts(belay.ledger, release), attempt, release).upload.thread
    record = record_of(belay, name)
    if record is None and not belay.ledger.messages.of_thread(name):
        raise Refused(f"nothing is named {name}; see `belay list` and `belay incidents --all`")
    return name if record is None else record.incident.subject.thread


def render(found: Mapping[str, Any]) -> list[str]:
    """Render it as text."""
    lines = [
        line
        for each in found["messages"]
        for line in (
            f"-- {each['number']} of {found['thread']}, {at(each['at'])}, to {each['topic']}",
            str(each["subject"]),
            "",
            *str(each["text"]).splitlines(),
            "",
        )
    ]
    return lines[:-1] or [f"No message of {found['thread']} is kept: none was sent, or it was too long ago."]
