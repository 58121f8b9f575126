"""``belay incident acknowledge INCIDENT``: say that one is on it."""

from __future__ import annotations

import click

from cli.account import Account, Where, calls_aws
from cli.incident_show import incident_argument
from cli.on_call import say, told


@click.command()
@incident_argument
@click.option("--comment", metavar="TEXT", default="", help="what you are doing; told with it")
@calls_aws
def command(incident: str, comment: str, where: Where, output: str) -> int:
    """Say that you are on an incident: it is recorded, shown in lists and the console, and told to its topic once."""
    told(output, say(Account.of(where), incident, "acknowledge", comment), "acknowledge")
    return 0
