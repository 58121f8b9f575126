"""``belay pause``: hold all releases that are uploaded from now on. What runs goes on."""

from __future__ import annotations

import argparse

from cli.account import Account, add_account_arguments
from cli.output import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_account_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Set the pause."""
    pause(Account.of(arguments))
    tell(
        arguments,
        {"paused": True},
        ["paused: new uploads are held; running releases continue", "end it:  belay resume"],
    )
    return 0


def pause(belay: Account) -> None:
    """Hold what is uploaded from now on."""
    belay.parameters.put_parameter(belay.output("PauseParameterName"), "true")
