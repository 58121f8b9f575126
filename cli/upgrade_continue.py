"""``belay upgrade continue``: continue waiting releases with the version deployed now; ``make deploy`` ends with it.

Their executions keep the definition of the version that started them, and its functions. Nobody is
asked or notified again: the successor waits for the same answer, with the same deadline.
"""

from __future__ import annotations

import click

from belay.control.successors import Successors
from cli.account import Account, Where, calls_aws
from cli.output import tell
from cli.upgrade import running


@click.command()
@calls_aws
def command(where: Where, output: str) -> int:
    """Continue every release that waits for an approval or a window, with the version deployed now."""
    belay = Account.of(where)
    successors = Successors(belay.ledger, belay.artifacts, belay.executions, belay.machine("deploy_release"))
    found = {
        f"{each.about} in {each.stage}": successors.continue_stage(each.execution)
        for each in running(belay)
        if each.waits
    }
    lines = [
        f"{name}: {successor or 'has ended, or another stage of its wave is being changed'}"
        for name, successor in found.items()
    ]
    tell(output, {"continued": found}, ["continued by this version:", *lines] if lines else ["nothing is waiting"])
    return 0
