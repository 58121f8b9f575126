"""``belay incidents [APPLICATION]``: the incidents that are open, those that need a person first; or all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

from cli.account import Account, Where, calls_aws, registered_stages
from cli.naming import optional_application
from cli.output import ago, at, duration, one_line, table, tell
from cli.problems import Refused
from cli.views.incidents import described, newest_incidents, open_incidents, state_in_words

NONE_OPEN: Final = "No incident is open. `belay incidents --all` lists closed ones."
_MOST: Final = 100


@click.command()
@optional_application
@click.option("--stage", metavar="STAGE", help="only those of this stage")
@click.option("--all", "closed", is_flag=True, help="also the newest hundred that are closed")
@calls_aws
def command(application: str | None, stage: str | None, closed: bool, where: Where, output: str) -> int:
    """List the incidents that are open, those that are left to a person first."""
    belay = Account.of(where)
    known = registered_stages(belay)
    found = open_incidents(belay.ledger)
    if application is not None and application not in {*known, *(each.application for each in found)}:
        raise Refused(f"{application} is not registered; registered: {', '.join(sorted(known)) or 'none'}")
    if closed:
        newest = newest_incidents(belay.ledger, [application] if application else sorted(known), _MOST)
        found += [each for each in newest if not each.state.is_open]
    wanted = [each for each in found if application in (None, each.application) and stage in (None, each.stage)]
    document = {"incidents": [described(each) for each in wanted]}
    tell(output, document, render(document["incidents"], datetime.now(UTC), closed=closed))
    return 0


def render(incidents: Sequence[Mapping[str, Any]], now: datetime, *, closed: bool) -> list[str]:
    """Render it as text."""
    rows = [
        (
            each["incident"],
            f"{each['application']}/{each['stage']}",
            state_in_words(each),
            ago(datetime.fromisoformat(each["opened_at"]), now) if not each["ended_at"] else lasted(each),
            each["acknowledged"]["by"] if each["acknowledged"] else "-",
            one_line(each["cause"]),
        )
        for each in incidents
    ]
    lines = table(("incident", "in", "state", "lasted", "acknowledged by", "cause"), rows)
    if lines:
        return [*lines, "", "Look at one: belay incident show INCIDENT"]
    return ["There has been no incident." if closed else NONE_OPEN]


def lasted(incident: Mapping[str, Any]) -> str:
    """Say how long an incident that has ended lasted, and when it ended."""
    return f"{duration(timedelta(seconds=incident['seconds']))}, until {at(incident['ended_at'])}"
