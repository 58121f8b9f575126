"""``belay unlock APPLICATION STAGE``: release an unused lock of a stage; shows its holder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from belay.release.lock import Lock
from cli.account import Account, Where, calls_aws, registered_stages
from cli.naming import application_argument, stage_argument
from cli.open_work import lock
from cli.output import ago, tell
from cli.problems import Refused


@click.command()
@application_argument
@stage_argument
@click.option("--look", is_flag=True, help="only show its holder")
@calls_aws
def command(application: str, stage: str, look: bool, where: Where, output: str) -> int:
    """Release an unused lock of a stage, and show its holder."""
    belay = Account.of(where)
    name = f"{application}/{stage}"
    held = belay.ledger.locks.get(application, stage)
    if held is None:
        refuse_unknown(belay, application, stage)
    if held is None or not held.held:
        tell(output, {"lock": name, "held": False}, [f"{name} is not locked"])
        return 0
    found = {**lock(held), "owner_runs": belay.aws.executions.running(held.execution)}
    found["open_incident"] = open_incident(belay, held)
    lines = render(found, datetime.now(UTC))
    if not look:
        refuse(found, lines)
        belay.ledger.locks.release(application, stage, found["fencing"])
        lines.append("It was released.")
    tell(output, {**found, "freed": not look}, lines)
    return 0


def refuse_unknown(belay: Account, application: str, stage: str) -> None:
    """Raise ``Refused`` where there is no such stage: "not locked" would hide a typing error."""
    stages = registered_stages(belay, application).get(application, [])
    if stage not in stages:
        raise Refused(f"{application} has no stage {stage}; registered: {', '.join(stages) or 'none'}")


def open_incident(belay: Account, held: Lock) -> str | None:
    """Return the open incident that holds the lock, if any."""
    if held.incident is None or belay.ledger.incidents.execution(held.incident) is None:
        return None
    return held.incident


def refuse(found: Mapping[str, Any], lines: Sequence[str]) -> None:
    """Raise ``Refused`` if the lock is still in use; ``lines`` describe its holder."""
    who = "\n".join(lines)
    if found["owner_runs"]:
        stop = f"belay abort {found['application']}/{found['version']} --stage {found['stage']}"
        raise Refused(f"{who}\nIt is running; to stop it: {stop}")
    if found["open_incident"]:
        raise Refused(
            f"{who}\nThe incident {found['open_incident']} has not ended: the sweep restarts its recovery within "
            "five minutes, and until then the lock prevents other deployments"
        )


def render(found: Mapping[str, Any], now: datetime) -> list[str]:
    """Describe the holder of a lock."""
    since, incident = found["since"], found["incident"]
    long = f" since {since[:19]}Z, {ago(datetime.fromisoformat(since), now)} ago" if since else ""
    owner = f"incident {incident} of {found['version']}" if incident else f"release {found['version']}"
    return [
        f"{found['application']}/{found['stage']} is held by {owner}{long}",
        f"  execution {found['execution']} {'runs' if found['owner_runs'] else 'no longer runs'}",
    ]
