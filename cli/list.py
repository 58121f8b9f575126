"""``belay list [APPLICATION]``: applications, what each stage runs, and their newest releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import click

from belay.ledger.ledger import Ledger
from belay.release.attempt import Attempt, TakenBack, numbered, runs_in_words
from cli.account import Account, Where, calls_aws, registered_stages
from cli.naming import optional_application
from cli.output import at, reason_parts, table, tell
from cli.problems import Refused
from cli.views.incidents import described, open_incidents, state_in_words

_SHOWN: Final = 10
_MOST: Final = 100


@click.command()
@optional_application
@calls_aws
def command(application: str | None, where: Where, output: str) -> int:
    """List applications, what their stages run, and their releases."""
    found = gather(Account.of(where), application)
    tell(output, found, render(found, in_full=application is not None))
    return 0


def gather(belay: Account, application: str | None) -> dict[str, Any]:
    """Return the registered applications with what their stages run, and their newest attempts, the newest first.

    Raises ``Refused`` where the one that is asked for is not registered.
    """
    registered = registered_stages(belay)
    if application is not None and application not in registered:
        known = ", ".join(sorted(registered)) or "none"
        raise Refused(f"{application} is not registered; registered: {known}")
    names = sorted(registered) if application is None else [application]
    count = _MOST if application is not None else _SHOWN
    lines = open_incidents(belay.ledger)
    return {
        "applications": [
            {
                "incidents": [described(each) for each in lines if each.application == name],
                **_application(belay.ledger, name, registered[name], count),
            }
            for name in names
        ]
    }


def _application(ledger: Ledger, name: str, stages: Sequence[str], count: int) -> dict[str, Any]:
    taken_back = {
        each.release.attempt: each.taken_back
        for stage in stages
        for each in ledger.stages.history(name, stage)
        if each.taken_back is not None
    }
    return {
        "application": name,
        "stages": [_stage(ledger, stage, name) for stage in stages],
        "attempts": [_attempt(each, taken_back.get(each.id)) for each in ledger.attempts.newest(name, count)],
    }


def _stage(ledger: Ledger, stage: str, application: str) -> dict[str, Any]:
    runs, left = ledger.stages.runs(application, stage), ledger.stages.left(application, stage)
    known: dict[str, Any] = {"attempt": None, "number": None, "since": None, "incident": None}
    if runs is not None:
        release = runs.release
        number = numbered(ledger.attempts.of_version(application, release.version), release.attempt)
        known = {"attempt": release.attempt, "number": number, "since": runs.since, "incident": runs.incident}
    return {
        "stage": stage,
        "runs": None if runs is None else runs.release.version,
        **known,
        "left": [asdict(each) for each in left],
        "in_words": runs_in_words(runs, left),
    }


def _attempt(attempt: Attempt, taken_back: TakenBack | None) -> dict[str, Any]:
    return {
        "attempt": attempt.id,
        "version": attempt.version,
        "file": attempt.upload.file,
        "outcome": attempt.outcome,
        "state": attempt.standing,
        "claimed_at": attempt.claimed_at,
        "ended_at": attempt.ended_at,
        **reason_parts(attempt.reason),
        "taken_back": None if taken_back is None else asdict(taken_back),
    }


def render(found: Mapping[str, Any], *, in_full: bool) -> list[str]:
    """Render it as text: of one application the newest hundred attempts, of several the newest ten of each."""
    lines: list[str] = []
    for each in found["applications"]:
        more = not in_full and len(each["attempts"]) == _SHOWN
        lines += [
            *([""] if lines else []),
            each["application"],
            *(f"  {line}" for line in _tables(each)),
            *([f"  more: belay list {each['application']}"] if more else []),
        ]
    return lines or ["No applications are registered."]


def _tables(application: Mapping[str, Any]) -> list[str]:
    incidents = [
        (each["incident"], each["stage"], state_in_words(each), f"belay incident show {each['incident']}")
        for each in application["incidents"]
    ]
    stages = [
        (each["stage"], each["in_words"] or "-", str(each["number"] or "-"), at(each["since"]))
        for each in application["stages"]
    ]
    attempts = [
        (each["version"] or each["file"], _ended(each), at(each["claimed_at"]), at(each["ended_at"]))
        for each in application["attempts"]
    ]
    return [
        *table(("open incident", "in", "state", "look with"), incidents),
        *table(("stage", "runs", "attempt", "since"), stages),
        *table(("release", "outcome", "uploaded", "ended"), attempts),
    ]


def _ended(attempt: Mapping[str, Any]) -> str:
    back = attempt["taken_back"]
    ended = attempt["outcome"] or f"({attempt['state']})"
    return f"{ended}, rolled back {at(back['at'])} by {back['by']}" if back else ended
