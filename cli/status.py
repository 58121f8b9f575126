"""``belay status [APPLICATION]``: show what is running, waiting or held; with ``--watch``, follow it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import click
from rich.console import Console

from belay.aws.ssm import APPLICATIONS
from cli.account import Account, Where, calls_aws
from cli.list import registrations
from cli.naming import optional_application
from cli.open_work import execution, executions, gather
from cli.output import ago, at, one_line, plain, table, tell
from cli.problems import Refused
from cli.progress import Execution
from cli.progress_screen import ProgressScreen

LOOK_EVERY_SECONDS: Final = 2.0
SOON_SECONDS: Final = 16.0
"""How long ``--watch`` waits for a recent upload to start."""
NOTHING: Final = "Nothing is running, waiting or held."


@click.command()
@optional_application
@click.option("--watch", is_flag=True, help="show progress until nothing is running")
@calls_aws
def command(application: str | None, watch: bool, where: Where, output: str) -> int:
    """Show what is running, waiting or held."""
    belay = Account.of(where)
    if application is not None:
        refuse_unknown(belay, application)
    work = gather(belay, application)
    if watch and output == "text":
        follow(belay, application, Console(highlight=False))
        return 0
    running = executions(belay, work)
    tell(output, with_doing(work, running), render(with_doing(work, running), datetime.now(UTC)))
    return 0


def refuse_unknown(belay: Account, application: str) -> None:
    """Raise ``Refused`` for an unknown application: "nothing is running" would hide a typing error."""
    known = registrations(belay.parameters.get_parameters_by_path(APPLICATIONS))
    if application not in known and not belay.ledger.attempts.newest(application, 1):
        raise Refused(f"{application} is not an application; registered: {', '.join(known) or 'none'}")


def follow(belay: Account, application: str | None, console: Console) -> None:
    """Show the progress of everything that runs, and of what it starts, until nothing is running."""
    work = gather(belay, application)
    if not _goes_on(work):
        lines = render(work, datetime.now(UTC))
        _say(console, "\n".join(lines))
        if render({**work, "mixed": [], "left": []}, datetime.now(UTC)) != [NOTHING]:
            return
        _say(console, f"A recent upload may not have started yet: looking for {SOON_SECONDS:.0f} s more.")
        work = _soon(belay, application)
        if not _goes_on(work):
            return
    screen, shown = ProgressScreen(console), executions(belay, work)
    releases: dict[str, tuple[str, str]] = {}
    incidents: set[tuple[str, str]] = set()
    asked: set[str] = set()
    with screen.following(min((each.started for each in shown), default=None)):
        while _goes_on(work):
            shown = _still_to_show(belay, work, shown)
            screen.progress(shown)
            for each in work["asks"]:
                if each["answer"] not in asked:
                    _say(console, f"  waits for a person: {each['about']}; answer with {each['answer']}")
            asked |= {each["answer"] for each in work["asks"]}
            releases |= {each["release"]: (each["application"], each["attempt"]) for each in work["releases"]}
            incidents |= {(each["application"], each["incident"]) for each in work["incidents"]}
            time.sleep(LOOK_EVERY_SECONDS)
            work = gather(belay, application)
        screen.progress(_still_to_show(belay, work, shown))
    for release, named in sorted(releases.items()):
        attempt = belay.ledger.attempts.of_id(*named)
        _say(console, f"{release}: {'has no outcome' if attempt is None or not attempt.outcome else attempt.outcome}")
    for owner, incident in sorted(incidents):
        ended = belay.ledger.incidents.get(owner, incident)
        outcome = None if ended is None else ended.outcome
        _say(console, f"incident {incident}: {outcome or 'has no outcome'}")


def _goes_on(work: Mapping[str, Any]) -> bool:
    return bool(work["releases"] or work["incidents"] or work["uploads"])


def _soon(belay: Account, application: str | None) -> dict[str, Any]:
    """Return what is running, once something is: an upload's event takes seconds, and so does a cold start."""
    work: dict[str, Any] = gather(belay, application)
    for _ in range(int(SOON_SECONDS / LOOK_EVERY_SECONDS)):
        if _goes_on(work):
            break
        time.sleep(LOOK_EVERY_SECONDS)
        work = gather(belay, application)
    return work


def _still_to_show(belay: Account, work: Mapping[str, Any], before: Iterable[Execution]) -> list[Execution]:
    """Return the current executions, and those that ran at the last look and have ended since."""
    found = {each.arn: each for each in executions(belay, work)}
    done = (execution(belay, each.arn) for each in before if each.running and each.arn not in found)
    return sorted([*found.values(), *filter(None, done)], key=lambda each: each.started)


def _say(console: Console, text: str) -> None:
    console.print(plain(text), soft_wrap=True, markup=False)


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
    shown = [block for block in blocks if block]
    lines = [line for block in shown for line in ([*block, ""])][:-1]
    return lines or [NOTHING]


def _for(since: str | None, now: datetime) -> str:
    return ago(datetime.fromisoformat(since), now) if since else "-"


def _doing(each: Mapping[str, Any]) -> str:
    doing = each.get("doing")
    return f"{doing['machine']}: {doing['state']}" if doing else "-"
