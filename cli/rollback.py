"""``belay rollback APPLICATION STAGE``: roll a stage back to an earlier release, or preview it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from belay.release.records import Outcome
from cli.account import Account, Where, calls_aws
from cli.decision import send
from cli.follow import Wait, finish, waits
from cli.naming import application_argument, stage_argument
from cli.output import tell
from cli.views.followed import Follower


@click.command()
@application_argument
@stage_argument
@click.option("--to", metavar="VERSION", help="default: the last-known-good release, or the one before it")
@click.option("--plan", is_flag=True, help="only show what would be done")
@click.option("--comment", metavar="TEXT", default="", help="why; shown as the cause in notifications")
@waits([Outcome.ROLLED_BACK])
@calls_aws
def command(
    *, application: str, stage: str, to: str | None, plan: bool, comment: str, wait: Wait, where: Where, output: str
) -> int:
    """Roll a stage back to an earlier release, or preview it."""
    belay = Account.of(where)
    found = ask(belay, application, stage, to, comment=comment, plan_only=plan)
    lines = render(found, application)
    if not found.get("execution"):
        tell(output, found, lines)
        return 0
    look, name = partial(Follower(belay).incident, application, found["incident"]), f"{application} in {stage}"
    return finish(look, f"rollback of {name}", found, lines, wait=wait, output=output, good=[Outcome.ROLLED_BACK])


def ask(
    belay: Account, application: str, stage: str, to: str | None, *, comment: str, plan_only: bool
) -> dict[str, Any]:
    """Ask for a rollback, or only for its plan, and return what is answered. Raises ``Refused``, ``Unreachable``."""
    request: dict[str, Any] = {"application": application, "stage": stage}
    request |= {"plan_only": True} if plan_only else {}
    request |= {"to": to} if to else {}
    return send(belay, "RollbackUrl", {**request, "comment": comment}, policy="RollbackPolicyArn")


def planned(found: Mapping[str, Any]) -> list[str]:
    """Return the lines of the plan."""
    return [str(line) for line in found.get("lines") or ["Nothing to do: all stacks are as they were before."]]


def render(found: Mapping[str, Any], application: str) -> list[str]:
    """Describe what is done, or would be."""
    lines = planned(found)
    if not found.get("execution"):
        return [*lines, "This is only a preview; nothing was changed."]
    return [f"incident {found['incident']} was opened:", *lines, f"follow it:  belay status {application} --watch"]
