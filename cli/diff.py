"""``belay diff A B``: two releases of an application side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from belay.ledger.ledger import Ledger
from belay.release.records import ReleaseReference
from cli.account import Account, Where, calls_aws
from cli.naming import ReleaseName, find_attempts, release_name
from cli.options import argument
from cli.output import section, tell
from cli.problems import Refused
from cli.views.differences import Differences, differences


@click.command()
@argument("before", type=release_name, metavar="A", help="orders/1.2.0, or orders for its newest")
@argument("after", type=release_name, metavar="B", help="orders/1.3.0, of the same application")
@calls_aws
def command(before: ReleaseName, after: ReleaseName, where: Where, output: str) -> int:
    """Show what differs between two releases: templates, parameters, database changes and other files."""
    belay = Account.of(where)
    if before.application != after.application:
        raise Refused(f"{before} and {after} are of different applications, so there is nothing to compare")
    both = [accepted(belay.ledger, each) for each in (before, after)]
    found = described(differences(belay.artifacts, *both), *both)
    tell(output, found, render(found))
    return 0


def accepted(ledger: Ledger, name: ReleaseName) -> ReleaseReference:
    """Return the newest attempt of this name that became a release. Raises ``Refused`` where there is none."""
    found = next((each.release for each in reversed(find_attempts(ledger, name)) if each.release is not None), None)
    if found is None:
        raise Refused(f"{name} was not accepted as a release, so there is nothing to compare")
    return found


def described(found: Differences, before: ReleaseReference, after: ReleaseReference) -> dict[str, Any]:
    """Return the differences as plain data."""
    return {
        "application": before.application,
        "before": before.version,
        "after": after.version,
        "stacks": [
            {
                "stack": each.stack,
                "template": each.template,
                "same": each.same,
                "unread": each.unread,
                "lines": [f"{one.sign}{one.text}" for one in each.lines],
                "parameters": [asdict(one) for one in each.parameters],
            }
            for each in found.stacks
        ],
        "database_changes": [
            {"file": each.path, "lines": [f"{one.sign}{one.text}" for one in each.lines], "unread": each.unread}
            for each in found.database_changes
        ],
        "files": [asdict(each) for each in found.files],
        "more": [asdict(each) for each in found.more],
    }


def render(found: Mapping[str, Any]) -> list[str]:
    """Render it as text."""
    differing = [each for each in found["stacks"] if not each["same"]]
    same = [each["stack"] for each in found["stacks"] if each["same"]]
    return [
        f"{found['application']} {found['before']} and {found['after']}",
        *(line for each in differing for line in section(f"Stack {each['stack']}, {each['template']}", _changed(each))),
        *(
            line
            for each in found["database_changes"]
            for line in section(f"Database changes in {each['file']}", _lines(each))
        ),
        *section("Other files", [f"{each['name']} {_how(each)}" for each in found["files"]]),
        *section("The rest", list(_values(found["more"]))),
        *section("The same", same),
    ]


def _changed(stack: Mapping[str, Any]) -> list[str]:
    return [*_values(stack["parameters"]), *_lines(stack)]


def _lines(of: Mapping[str, Any]) -> list[str]:
    return ["it differs, and one of the two is no longer kept"] if of["unread"] else list(of["lines"])


def _values(values: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in values:
        before, after = ("not set" if each[name] is None else repr(each[name]) for name in ("before", "after"))
        yield f"{each['name']}: {before} becomes {after}"


def _how(file: Mapping[str, Any]) -> str:
    return "is new" if file["before"] is None else "is gone" if file["after"] is None else "differs"
