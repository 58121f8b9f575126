"""``belay list [APPLICATION]``: applications, what each stage runs, and their newest releases."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, Final

from belay.aws.ssm import APPLICATIONS
from cli.account import Account, add_account_arguments
from cli.naming import application_name, newest_first
from cli.output import at, table, tell
from cli.problems import Refused

_SHOWN: Final = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("application", nargs="?", type=application_name, metavar="APPLICATION", help="default: all")
    add_account_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tell which applications there are."""
    found = gather(Account.of(arguments), arguments.application)
    tell(arguments, found, render(found, in_full=arguments.application is not None))
    return 0


def gather(belay: Account, application: str | None) -> dict[str, Any]:
    """Return the registered applications with their stages and releases, newest first.

    Raises ``Refused`` where the one that is asked for is not registered.
    """
    registered = registrations(belay.parameters.get_parameters_by_path(APPLICATIONS))
    if application is not None and application not in registered:
        known = ", ".join(sorted(registered)) or "none"
        raise Refused(f"{application} is not registered here; registered: {known}")
    names = sorted(registered) if application is None else [application]
    return {"applications": [_application(name, registered[name], belay.ledger.of_application(name)) for name in names]}


def registrations(parameters: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the stages that have a registration, by application, from the parameters' names."""
    found: dict[str, list[str]] = {}
    for name in sorted(parameters):
        application, _, stage = name.removeprefix(APPLICATIONS).partition("/")
        found.setdefault(application, []).extend([stage] if stage else [])
    return found


def _application(name: str, stages: Sequence[str], records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    runs = {str(each["SK"]).removeprefix("STAGE#"): each for each in records if str(each["SK"]).startswith("STAGE#")}
    return {
        "application": name,
        "stages": [
            {
                "stage": stage,
                "runs": runs[stage]["version"] if stage in runs else None,
                "since": runs[stage]["deployed_at"] if stage in runs else None,
            }
            for stage in stages
        ],
        "releases": [
            {
                "version": each["version"],
                "outcome": each.get("outcome"),
                "state": each.get("state"),
                "claimed_at": each["claimed_at"],
                "ended_at": each.get("ended_at"),
                "reason": each.get("reason") or None,
            }
            for each in newest_first(records)
        ],
    }


def render(found: Mapping[str, Any], *, in_full: bool) -> list[str]:
    """Say it as lines for people: of one application all releases, of several the newest ten of each."""
    lines: list[str] = []
    for each in found["applications"]:
        shown = each["releases"] if in_full else each["releases"][:_SHOWN]
        more = len(each["releases"]) - len(shown)
        lines += [
            *([""] if lines else []),
            each["application"],
            *_indented(
                table(
                    ("stage", "runs", "since"), [(s["stage"], s["runs"] or "-", at(s["since"])) for s in each["stages"]]
                )
            ),
            *_indented(
                table(
                    ("release", "outcome", "uploaded", "ended"),
                    [
                        (r["version"], r["outcome"] or f"({r['state'] or '-'})", at(r["claimed_at"]), at(r["ended_at"]))
                        for r in shown
                    ],
                )
            ),
            *([f"  and {more} more: belay list {each['application']}"] if more else []),
        ]
    return lines or ["No application is registered here."]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]
