"""``belay reject RELEASE``: reject a release in a stage, or what an incident asks."""

from __future__ import annotations

import click

from cli.account import Where, calls_aws
from cli.decision import Request, about_a_stage_or_incident, decide


@click.command()
@about_a_stage_or_incident
@calls_aws
def command(request: Request, where: Where, output: str) -> int:
    """Reject a release in a stage, or what an incident asks."""
    return decide(where, output, request, "reject")
