"""``belay override RELEASE``: let a held release continue outside of its stage's windows; --comment says why."""

from __future__ import annotations

import click

from cli.account import Where, calls_aws
from cli.decision import Request, about_a_stage, decide


@click.command()
@about_a_stage
@calls_aws
def command(request: Request, where: Where, output: str) -> int:
    """Let a held release continue outside of its stage's windows."""
    return decide(where, output, request, "override")
