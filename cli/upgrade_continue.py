"""``belay upgrade continue``: continue waiting releases with the version deployed now; ``make deploy`` ends with it.

Their executions keep the definition of the version that started them, and its functions. Nobody is
asked or notified again: the successor waits for the same answer, with the same deadline.
"""

from __future__ import annotations

import argparse

from belay.control.successors import Successors
from cli.account import Account, add_account_arguments
from cli.output import tell
from cli.upgrade import running


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_account_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Continue every release that waits for an approval or a window."""
    belay = Account.of(arguments)
    successors = Successors(belay.ledger, belay.artifacts, belay.executions, belay.machine("deploy_release"))
    found = {
        f"{each.about} in {each.stage}": successors.continue_stage(each.execution)
        for each in running(belay)
        if each.waits
    }
    lines = [f"{name}: {successor or 'has ended'}" for name, successor in found.items()]
    tell(arguments, {"continued": found}, ["continued by this version:", *lines] if lines else ["nothing is waiting"])
    return 0
