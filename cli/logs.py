"""``belay logs RELEASE``: show what the functions logged about a release, oldest first."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import click

from belay.aws.logs import LogStreams
from belay.subject.names import incident_of
from cli.account import Account, Where, calls_aws
from cli.naming import ReleaseName, find_attempts, release_argument
from cli.output import tell

_TOLD_APART: Final = ("timestamp", "level", "message", "function", "stage", "exception_name")


@click.command()
@release_argument
@click.option("--errors", is_flag=True, help="only errors")
@calls_aws
def command(release: ReleaseName, errors: bool, where: Where, output: str) -> int:
    """Show what the functions logged about a release, oldest first."""
    belay = Account.of(where)
    attempt = find_attempts(belay.ledger, release)[-1]
    group = belay.output("LogGroupName")
    since = datetime.fromisoformat(attempt.claimed_at)
    stages = dict.fromkeys(each.stage for each in belay.ledger.attempts.history(attempt) if each.stage)
    incidents = [incident_of(attempt.release.origin, stage) for stage in stages] if attempt.release else []
    entries = read(belay.aws.logs, group, [attempt.id, *incidents], since)
    kept = [entry for entry in entries if not errors or entry["level"] in ("ERROR", "CRITICAL")]
    name = f"{attempt.application}/{attempt.name}"
    none = f"{name} has no such lines in {group}; see `belay show {name}` and `belay status`"
    tell(output, {"release": name, "log_group": group, "entries": kept}, render(kept) or [none])
    return 0


def read(logs: LogStreams, group: str, names: Iterable[str], since: datetime) -> list[dict[str, Any]]:
    """Read the entries that name an attempt or an incident, oldest first; every function logs one of them as a key."""
    found = {each for name in names for each in logs.naming(group, name, since)}
    return [entry(message, timestamp) for timestamp, message in sorted(found)]


def entry(message: str, timestamp: int) -> dict[str, Any]:
    """Return what a log line says; one that is no JSON object is its message."""
    when = datetime.fromtimestamp(timestamp / 1000, UTC).isoformat(timespec="milliseconds")
    try:
        document = json.loads(message)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return {"at": when, "level": "", "function": "", "stage": None, "message": message.rstrip(), "more": {}}
    return {
        "at": when,
        "level": str(document.get("level", "")),
        "function": str(document.get("function", "")),
        "stage": document.get("stage"),
        "message": str(document.get("message", "")),
        "more": {name: value for name, value in document.items() if name not in _TOLD_APART},
    }


def render(entries: list[dict[str, Any]]) -> list[str]:
    """Render the entries as text, each with its exception, if any."""
    lines = []
    for each in entries:
        when = each["at"][11:23]
        lines.append(f"{when}  {each['level']:<5} {each['function']} {each['stage'] or ''} {each['message']}".rstrip())
        lines += [f"    {line}" for line in str(each["more"].get("exception") or "").splitlines()]
    return lines
