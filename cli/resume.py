"""``belay resume``: end the pause and start held releases."""

from __future__ import annotations

import argparse
import json
from typing import Any

from belay.aws.faults import translated
from belay.errors import AccessDenied
from cli.account import Account, add_account_arguments
from cli.output import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_account_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """End the pause; run the sweep, which starts held uploads, at once if permitted."""
    belay = Account.of(arguments)
    held = len(belay.ledger.uploads.held())
    belay.parameters.put_parameter(belay.output("PauseParameterName"), "false")
    at_once = sweep(belay)
    found: dict[str, Any] = {"paused": False, "held": held, "started_at_once": at_once}
    when = "at once" if at_once else "within five minutes"
    tell(arguments, found, [f"resumed; held uploads: {held}" + (f", started {when}" if held else "")])
    return 0


def sweep(belay: Account) -> bool:
    """Run the sweep now. False without the permission: it runs every five minutes anyway."""
    try:
        with translated("Lambda.InvokeFunction"):
            belay.aws.client("lambda").invoke(
                FunctionName=belay.output("SweepFunctionName"), InvocationType="Event", Payload=json.dumps({}).encode()
            )
    except AccessDenied:
        return False
    return True
