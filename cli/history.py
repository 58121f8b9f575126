"""``belay history APPLICATION STAGE``: every deployment and rollback of a stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click

from cli.account import Account, Where, calls_aws
from cli.naming import application_argument, stage_argument
from cli.output import at, duration, one_line, table, tell
from cli.unlock import refuse_unknown
from cli.views.history import HistoryLine, stage_history


@click.command()
@application_argument
@stage_argument
@calls_aws
def command(application: str, stage: str, where: Where, output: str) -> int:
    """Show a stage's last 90 deployments and rollbacks, the newest first: by whom, how long, what became of it."""
    belay = Account.of(where)
    lines = stage_history(belay.ledger, application, stage)
    if not lines:
        refuse_unknown(belay, application, stage)
    found = {"application": application, "stage": stage, "history": [_document(each) for each in lines]}
    tell(output, found, render(found))
    return 0


def _document(line: HistoryLine) -> dict[str, Any]:
    known = asdict(line)
    return {"at": known.pop("at"), "what": "rollback" if line.incident else "deployment", **known}


def render(found: Mapping[str, Any]) -> list[str]:
    """Render it as text."""
    rows = [
        (
            at(each["at"]),
            f"{'rolled back to' if each['what'] == 'rollback' else 'deployed'} {each['version']}",
            _lasting(each["seconds"]),
            _lasting(each["lead_seconds"]),
            each["attempt"],
            _became(each),
            one_line(each["by"] or "-"),
        )
        for each in found["history"]
    ]
    lines = table(("at", "what", "took", "after upload", "attempt", "now", "by"), rows)
    return lines or [f"Nothing was ever deployed to {found['application']}/{found['stage']}."]


def _lasting(seconds: int | None) -> str:
    return "-" if seconds is None else duration(timedelta(seconds=seconds))


def _became(line: Mapping[str, Any]) -> str:
    back = line["taken_back"]
    if back is not None:
        return f"rolled back {at(back['at'])}, incident {back['incident']}"
    if line["runs"]:
        return "runs"
    return "can be rolled back to" if line["stands"] else "-"
