"""``belay rollback APPLICATION STAGE``: roll a stage back to an earlier release, or preview it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from cli.account import Account, add_account_arguments
from cli.decision import send
from cli.naming import application_name
from cli.output import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("application", type=application_name, metavar="APPLICATION")
    parser.add_argument("stage", metavar="STAGE")
    parser.add_argument("--to", metavar="VERSION", help="default: the last-known-good release, or the one before it")
    parser.add_argument("--plan", action="store_true", help="only show what would be done")
    parser.add_argument("--comment", metavar="TEXT", default="", help="why; shown as the cause in notifications")
    add_account_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Start the rollback, or plan it."""
    belay = Account.of(arguments)
    found = ask(
        belay, arguments.application, arguments.stage, arguments.to, comment=arguments.comment, plan_only=arguments.plan
    )
    tell(arguments, found, render(found, arguments.application))
    return 0


def ask(
    belay: Account, application: str, stage: str, to: str | None, *, comment: str, plan_only: bool
) -> dict[str, Any]:
    """Ask for a rollback, or only for its plan, and return what is answered. Raises ``Refused``, ``Unreachable``."""
    request: dict[str, Any] = {"application": application, "stage": stage}
    request |= {"plan_only": True} if plan_only else {}
    request |= {"to": to} if to else {}
    return send(belay, "RollbackUrl", {**request, "comment": comment}, policy="RollbackPolicyArn")


def render(found: Mapping[str, Any], application: str) -> list[str]:
    """Describe what is done, or would be."""
    lines = [str(line) for line in found.get("lines") or ["Nothing to do: all stacks are as they were before."]]
    if not found.get("execution"):
        return [*lines, "This is only a preview; nothing was changed."]
    return [
        f"incident {found['incident']} was opened:",
        *lines,
        f"follow it:  belay status {application} --watch",
    ]
