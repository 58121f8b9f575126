"""``belay pause`` and ``belay resume``: hold all releases that are uploaded, and start them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from belay.errors import AccessDenied
from cli.account import Account, Where, calls_aws
from cli.output import tell


@click.command()
@calls_aws
def pause(where: Where, output: str) -> int:
    """Hold all releases that are uploaded from now on. What is running continues."""
    hold(Account.of(where))
    lines = ["paused: new uploads are held; running releases continue", "end it:  belay resume"]
    tell(output, {"paused": True}, lines)
    return 0


def hold(belay: Account) -> None:
    """Hold what is uploaded from now on."""
    belay.aws.parameters.put_parameter(belay.output("PauseParameterName"), "true")


@click.command()
@calls_aws
def command(where: Where, output: str) -> int:
    """End the pause and start held releases, at once where these credentials may run the sweep."""
    found = resume(Account.of(where))
    tell(output, found, [in_words(found)])
    return 0


def resume(belay: Account) -> dict[str, Any]:
    """End the pause, and return how many uploads it held and whether they are started at once."""
    held = len(belay.ledger.uploads.held())
    belay.aws.parameters.put_parameter(belay.output("PauseParameterName"), "false")
    return {"paused": False, "held": held, "started_at_once": sweep(belay)}


def in_words(found: Mapping[str, Any]) -> str:
    """Say what was resumed."""
    when = "at once" if found["started_at_once"] else "within five minutes"
    return f"resumed; held uploads: {found['held']}" + (f", started {when}" if found["held"] else "")


def sweep(belay: Account) -> bool:
    """Run the sweep now. False without the permission: it runs every five minutes anyway."""
    try:
        belay.aws.sweep_function(belay.output("SweepFunctionName")).start()
    except AccessDenied:
        return False
    return True
