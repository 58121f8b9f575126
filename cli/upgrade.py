"""``belay upgrade check`` and ``continue``: what has to end before another version is deployed, and what waits.

A running execution keeps the definition that it was started with and the functions which that names, and the new
version may have others. docs/upgrading.md tells the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import click

from belay.control.successors import WAITING, Successors
from cli.account import Account, Where, calls_aws
from cli.output import ago, section, table, tell
from cli.problems import REFUSED, NoSuchStack

_MACHINES: Final = ("deploy_stage", "deploy_release", "rollback_stage", "plan_release", "forecast_changes")
"""Belay had none of the last two at first."""

_PARENT: Final = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"

_PIPELINE: Final = ("StartPipeline", "CheckPipeline", "WaitForPipeline")


@dataclass(frozen=True)
class Running:
    """One execution: what it is about, the state it is in and since when, and how to end it.

    ``waits`` says that it only waits for an answer or a window: the next version continues it.
    """

    execution: str
    machine: str
    about: str
    stage: str | None
    state: str
    since: datetime
    remedy: str
    waits: bool = False


@click.command()
@calls_aws
def command(where: Where, output: str) -> int:
    """List what has to end before another version of Belay is deployed; a first deployment has nothing to check.

    The exit status is 1 unless all that runs only waits.
    """
    try:
        belay = Account.of(where)
    except NoSuchStack:
        return 0
    if not belay.outputs:  # a stack whose first creation failed
        return 0
    found = running(belay)
    tell(output, {"running": [asdict(each) for each in found]}, render(found, datetime.now(UTC)))
    return 0 if all(each.waits for each in found) else REFUSED


@click.command()
@calls_aws
def successors(where: Where, output: str) -> int:
    """Continue every release that waits for an approval or a window, with the version deployed now.

    Nobody is asked or notified again: its successor waits for the same answer, with the same deadline.
    """
    belay = Account.of(where)
    making = Successors(belay.ledger, belay.artifacts, belay.aws.executions, belay.machine("deploy_release"))
    found = {
        f"{each.about} in {each.stage}": making.continue_stage(each.execution) for each in running(belay) if each.waits
    }
    lines = [
        f"{name}: {successor or 'has ended, or another stage of its wave is being changed'}"
        for name, successor in found.items()
    ]
    tell(output, {"continued": found}, ["continued by this version:", *lines] if lines else ["nothing is waiting"])
    return 0


def running(belay: Account) -> list[Running]:
    """Return all running executions, the oldest first.

    A release in a stage is there only as the stage's execution, and so is the forecast that this waits for.
    """
    by_machine = {each: _executions(belay, each) for each in _MACHINES if belay.has_machine(each)}
    stages = by_machine["deploy_stage"]
    parents = {document.get(_PARENT) for document in stages.values()}
    for machine, executions in by_machine.items():
        by_machine[machine] = {
            execution: document
            for execution, document in executions.items()
            if execution not in parents and not (machine == "forecast_changes" and document.get(_PARENT) in stages)
        }
    found = [
        describe(execution, machine, document, *state)
        for machine, executions in by_machine.items()
        for execution, document in executions.items()
        if (state := belay.aws.executions.state(execution)) is not None
    ]
    return sorted(found, key=lambda each: each.since)


def _executions(belay: Account, machine: str) -> dict[str, Mapping[str, Any]]:
    """Return the input of each execution of a machine that runs, by its ARN."""
    executions = belay.aws.executions.list_running(belay.machine(machine))
    return {each: belay.aws.executions.input(each) for each in executions}


def describe(execution: str, machine: str, document: Mapping[str, Any], state: str, since: datetime) -> Running:
    """Describe an execution and how to end it, from its input and its current state."""
    if "incident" in document:
        application = document.get("application") or document["release"]["application"]
        remedy = f"wait, answer its question, or: belay abort {application} --recovery --stage {document['stage']}"
        return Running(execution, machine, document["incident"], document["stage"], state, since, remedy)
    if machine == "plan_release":
        about = str(document.get("upload", {}).get("detail", {}).get("object", {}).get("key", "what a plan left"))
        return Running(execution, machine, about, None, state, since, "wait: a plan ends in a few minutes")
    if "release" not in document:
        begun = document.get("continues", {}).get("upload", document)
        about = str(begun.get("detail", {}).get("object", {}).get("key", "an upload"))
        remedy = "wait: it enters its first stage in a few minutes"
        return Running(execution, machine, about, None, state, since, remedy)
    about = f"{document['release']['application']}/{document['release']['version']}"
    if machine == "forecast_changes":
        remedy = "wait: it deletes its copy of the database, and ends"
        return Running(execution, machine, about, document["stage"], state, since, remedy)
    remedy = _remedy(f"{about} --stage {document['stage']}", state)
    return Running(execution, machine, about, document["stage"], state, since, remedy, state in WAITING)


def _remedy(stopped: str, state: str) -> str:
    if state in WAITING:
        return "nothing: the new version continues it"
    if state in _PIPELINE:
        return f"wait for the pipeline, or stop its execution there; or: belay abort {stopped}"
    return f"wait, or: belay abort {stopped}"


def render(found: Sequence[Running], now: datetime) -> list[str]:
    """Render it as text."""
    columns = ("what", "stage", "state", "for", "what to do")
    rows = [
        [
            (each.about, each.stage or "-", each.state, ago(each.since, now), each.remedy)
            for each in found
            if each.waits is w
        ]
        for w in (False, True)
    ]
    working, waiting = (table(columns, each) for each in rows)
    if not working:
        return ["Nothing is running: another version of Belay can be deployed.", *section("Waiting", waiting)]
    return [
        "Another version of Belay cannot be deployed yet: executions are running that need the deployed functions.",
        *section("Running", working),
        *section("Waiting", waiting),
        "",
        "`belay pause` holds new uploads, and `belay resume` starts them afterwards. See docs/upgrading.md.",
    ]
