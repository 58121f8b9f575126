"""``belay stacks``: which stage each stack belongs to, and the stacks that several stages register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from belay.release.stack_claim import StackClaim, claims_of, shared
from cli.account import Account, Where, calls_aws
from cli.output import at, table, tell


@click.command()
@calls_aws
def command(where: Where, output: str) -> int:
    """Show which stage each stack belongs to, and the stacks that several stages register."""
    belay = Account.of(where)
    found = gather(belay.ledger.stack_claims.every(), registered_in(belay))
    tell(output, found, render(found))
    return 0


def registered_in(belay: Account) -> list[StackClaim]:
    """Return the stacks that are registered, each as its stage would claim it."""
    return [each for stage in belay.registrations.read().stages for each in claims_of(stage, belay.region, "")]


def gather(claims: Mapping[str, StackClaim], registered: list[StackClaim]) -> dict[str, Any]:
    """Return every stack with the stage it belongs to, and the stages that register it, as plain data."""
    problems = shared(registered, claims)
    keys = sorted({*claims, *(each.key for each in registered)})
    by_key = {key: sorted(each.owner for each in registered if each.key == key) for key in keys}
    return {
        "stacks": [
            {
                "stack": key,
                "belongs_to": claims[key].owner if key in claims else None,
                "since": claims[key].since if key in claims else None,
                "registered_by": by_key[key],
            }
            for key in keys
        ],
        "problems": [f"{stage}: {each}" for stage, found in problems.items() for each in found],
    }


def render(found: Mapping[str, Any]) -> list[str]:
    """Return the text for people."""
    rows = [
        (each["stack"], each["belongs_to"] or "-", at(each["since"]), ", ".join(each["registered_by"]) or "nobody")
        for each in found["stacks"]
    ]
    lines = table(("stack", "belongs to", "since", "registered by"), rows) or ["No stack is registered here."]
    return [*lines, *(["", "Shared by several stages:", *found["problems"]] if found["problems"] else [])]
