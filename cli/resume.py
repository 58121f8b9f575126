"""``belay resume``: end the pause and start held releases."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
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
    found = resume(Account.of(arguments))
    tell(arguments, found, [in_words(found)])
    return 0


def resume(belay: Account) -> dict[str, Any]:
    """End the pause, and return how many uploads it held and whether they are started at once."""
    held = len(belay.ledger.uploads.held())
    belay.parameters.put_parameter(belay.output("PauseParameterName"), "false")
    return {"paused": False, "held": held, "started_at_once": sweep(belay)}


def in_words(found: Mapping[str, Any]) -> str:
    """Say what was resumed."""
    when = "at once" if found["started_at_once"] else "within five minutes"
    return f"resumed; held uploads: {found['held']}" + (f", started {when}" if found["held"] else "")


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
