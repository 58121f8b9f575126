"""``belay pause``: hold all releases that are uploaded from now on. What runs goes on."""

from __future__ import annotations

import click

from cli.account import Account, Where, calls_aws
from cli.output import tell


@click.command()
@calls_aws
def command(where: Where, output: str) -> int:
    """Hold all releases that are uploaded from now on. What runs goes on."""
    pause(Account.of(where))
    tell(
        output,
        {"paused": True},
        ["paused: new uploads are held; running releases continue", "end it:  belay resume"],
    )
    return 0


def pause(belay: Account) -> None:
    """Hold what is uploaded from now on."""
    belay.parameters.put_parameter(belay.output("PauseParameterName"), "true")
