"""``belay status [APPLICATION]``: show what is running, waiting or held; with ``--watch``, follow it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import click
from rich.console import Console

from belay.release.records import Upload
from cli.account import Account, Where, calls_aws, registered_stages
from cli.arriving import arriving
from cli.follow import UNTIL, ended_lines, follow
from cli.naming import optional_application
from cli.open_work import executions, gather
from cli.output import ago, at, one_line, plain, table, tell
from cli.problems import Refused
from cli.progress import Execution
from cli.views.followed import Followed, Follower

NOTHING: Final = "Nothing is running, waiting or held."


@click.command()
@optional_application
@click.option("--watch", is_flag=True, help="follow what is running, and what is started meanwhile, to its end")
@UNTIL
@calls_aws
def command(application: str | None, watch: bool, until: str | None, where: Where, output: str) -> int:
    """Show what is running, waiting or held."""
    belay = Account.of(where)
    if application is not None:
        refuse_unknown(belay, application)
    if (watch or until) and output == "text":
        return follow_all(belay, application, until)
    work = gather(belay, application)
    running = executions(belay, work)
    tell(output, with_doing(work, running), render(with_doing(work, running), datetime.now(UTC)))
    return 0


def refuse_unknown(belay: Account, application: str) -> None:
    """Raise ``Refused`` for an unknown application: "nothing is running" would hide a typing error."""
    known = registered_stages(belay)
    if application not in known and not belay.ledger.attempts.newest(application, 1):
        raise Refused(f"{application} is not an application; registered: {', '.join(known) or 'none'}")


def follow_all(belay: Account, application: str | None, until: str | None) -> int:
    """Follow everything that runs, and say how it ended; without anything, show what waits or is held."""
    watched = Watched(belay, application)
    if not watched.look():
        print(plain("\n".join(render(gather(belay, application), datetime.now(UTC)))))
        return 0
    for each in follow(watched.look, Console(highlight=False), until):
        print(plain("\n".join(ended_lines(each.name, each))))
    return 0


class Watched:
    """All that runs, of one application or of all, since the first look."""

    def __init__(self, belay: Account, application: str | None) -> None:
        self._belay = belay
        self._application = application
        self._follower = Follower(belay)
        self._uploads: dict[Upload, str] = {
            each.upload: each.at.isoformat() for each in arriving(belay, application, datetime.now(UTC))
        }
        self._incidents: dict[str, str] = {}

    def look(self) -> list[Followed]:
        """Return everything as it is now: releases, and the rollbacks that are none of theirs."""
        ledger = self._belay.ledger
        for each in ledger.attempts.open_ones():
            if self._mine(each.upload.application):
                self._uploads.setdefault(each.upload, each.at or "")
        for one in ledger.incidents.open_ones():
            if self._mine(one.application):
                self._incidents[one.incident] = one.application
        found = [self._follower.upload(upload, since) for upload, since in self._uploads.items()]
        told = {incident.line.name for each in found for incident in each.incidents}
        alone = [self._follower.incident(owner, name) for name, owner in self._incidents.items() if name not in told]
        return [*found, *alone]

    def _mine(self, owner: str) -> bool:
        return self._application in (None, owner)


def with_doing(work: Mapping[str, Any], running: Iterable[Execution]) -> dict[str, Any]:
    """Return it with the current state of each release's and incident's executions."""
    doing = {each.arn: _last(each) for each in running if each.running}
    found = dict(work)
    for kind in ("releases", "incidents"):
        found[kind] = [
            {**each, "doing": next((doing[arn] for arn in reversed(each["executions"]) if doing.get(arn)), None)}
            for each in work[kind]
        ]
    return found


def _last(execution: Execution) -> dict[str, Any] | None:
    steps = [step for step in execution.steps if not step.silent]
    if not steps:
        return None
    return {"machine": execution.machine, "state": steps[-1].state, "since": steps[-1].entered.isoformat()}


def render(work: Mapping[str, Any], now: datetime) -> list[str]:
    """Render it as text."""
    blocks = [
        ["Releases are paused: new uploads are held. `belay resume` ends the pause."] if work["paused"] else [],
        table(
            ("left to a person", "in", "for", "acknowledged by", "cause", "look with"),
            [
                (
                    each["incident"],
                    f"{each['application']}/{each['stage']}",
                    _for(each["ended_at"], now),
                    each["acknowledged"]["by"] if each["acknowledged"] else "-",
                    one_line(each["cause"]),
                    f"belay incident show {each['incident']}",
                )
                for each in work["left"]
            ],
        ),
        table(("mixed stage", "runs"), [(each["stage"], each["runs"] or "-") for each in work["mixed"]]),
        table(
            ("waits for a person", "for", "what", "answer with"),
            [
                (each["about"], _for(each["since"], now), one_line(each["what"]), each["answer"])
                for each in work["asks"]
            ],
        ),
        table(
            ("incident", "stage", "for", "steps", "doing", "why"),
            [
                (
                    each["incident"],
                    each["stage"] or "-",
                    _for(each["since"], now),
                    str(each["steps"]),
                    _doing(each),
                    one_line(each["reason"] or "-"),
                )
                for each in work["incidents"]
            ],
        ),
        table(
            ("release", "stage", "state", "for", "doing"),
            [
                (each["release"], each["stage"] or "-", each["state"] or "-", _for(each["since"], now), _doing(each))
                for each in work["releases"]
            ],
        ),
        table(("being opened",), [(each["upload"],) for each in work["uploads"]]),
        table(
            ("uploaded, not opened yet", "for"), [(each["upload"], _for(each["at"], now)) for each in work["arriving"]]
        ),
        table(
            ("lock", "held by", "for", "lease until"),
            [
                (
                    f"{each['application']}/{each['stage']}",
                    each["incident"] or each["version"],
                    _for(each["since"], now),
                    at(datetime.fromtimestamp(each["expires_at"], UTC).isoformat()),
                )
                for each in work["locks"]
            ],
        ),
        table(("waits for the lock", "of"), [(each["release"], each["stage"]) for each in work["queue"]]),
        table(("held upload", "since"), [(each["upload"], at(each["since"])) for each in work["held"]]),
    ]
    lines = [line for block in blocks if block for line in (*block, "")]
    return lines[:-1] or [NOTHING]


def _for(since: str | None, now: datetime) -> str:
    return ago(datetime.fromisoformat(since), now) if since else "-"


def _doing(each: Mapping[str, Any]) -> str:
    doing = each.get("doing")
    return f"{doing['machine']}: {doing['state']}" if doing else "-"
