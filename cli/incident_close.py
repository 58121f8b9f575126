"""``belay incident close INCIDENT --why TEXT``: say that what it left to a person is done."""

from __future__ import annotations

import click

from cli.account import Account, Where, calls_aws
from cli.incident_show import incident_argument
from cli.on_call import say, told


@click.command()
@incident_argument
@click.option("--why", metavar="TEXT", required=True, help="what was done; recorded and told")
@calls_aws
def command(incident: str, why: str, where: Where, output: str) -> int:
    """Say that what an incident left to a person is done: recorded by whom and why, and told to its topic once.

    Only an incident that ended NEEDS_OPERATOR can be closed, and only once its stacks can be updated again. It changes
    nothing else: what the stage's stacks run stays as it is recorded.
    """
    told(output, say(Account.of(where), incident, "close", why), "close")
    return 0
