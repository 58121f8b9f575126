"""What a person says about a whole incident, sent to Belay: that they are on it, or that what it left is done."""

from __future__ import annotations

import click

from belay.approval.asked import SAID, Word
from cli.account import Account, Where, calls_aws
from cli.decision import sent
from cli.incident_show import incident_argument
from cli.output import tell
from cli.problems import Refused
from cli.views.incidents import find_incident


@click.command()
@incident_argument
@click.option("--comment", metavar="TEXT", default="", help="what you are doing; sent with it")
@calls_aws
def acknowledge(incident: str, comment: str, where: Where, output: str) -> int:
    """Say that you are on an incident: it is recorded, shown in lists and the console, and sent to its topic once."""
    return say(where, output, incident, "acknowledge", comment)


@click.command()
@incident_argument
@click.option("--why", metavar="TEXT", required=True, help="what was done; recorded and sent")
@calls_aws
def close(incident: str, why: str, where: Where, output: str) -> int:
    """Say that what an incident left to a person is done: who did it and why is recorded, and sent to its topic once.

    Only an incident that ended NEEDS_OPERATOR can be closed, and only once its stacks can be updated again. It changes
    nothing else: what the stage's stacks run stays as it is recorded.
    """
    return say(where, output, incident, "close", why)


def say(where: Where, output: str, incident: str, word: Word, comment: str) -> int:
    """Send it, and show what was recorded and what stays as it was. Raises ``Refused``, ``Unreachable``."""
    belay = Account.of(where)
    record = find_incident(belay.ledger, incident)
    if record is None:
        raise Refused(f"there is no incident {incident}; see `belay incidents`")
    application, stage = record.incident.application, record.incident.stage
    recorded = sent(belay, word, {"application": application, "incident": incident, "comment": comment})
    left = belay.ledger.stages.left(application, stage)
    mixed = belay.ledger.stages.in_words(application, stage) if left else None
    found = {"incident": incident, "application": application, "stage": stage, **recorded, "still_mixed": mixed}
    lines = [f"{SAID[word]}: {incident}, by {recorded['by']}"]
    if word == "close" and mixed:
        lines.append(f"{stage} still runs {mixed}")
        lines.append(f"the next deployment there ends that, or: belay rollback {application} {stage} --plan")
    tell(output, found, lines)
    return 0
