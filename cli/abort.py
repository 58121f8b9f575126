"""``belay abort RELEASE``: stop a release; what it changed is rolled back as after a failure."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import click

from belay.release.attempt import Attempt
from belay.release.names import stage_suffix
from belay.release.reason import ABORTED, abort_cause
from belay.release.records import Outcome
from belay.subject.names import incident_of
from cli.account import Account, Where, calls_aws
from cli.decision import unanswered
from cli.follow import Wait, finish, waits
from cli.naming import ReleaseName, find_accepted, release_argument
from cli.problems import Refused
from cli.views.followed import Follower

_GOOD: Final = (Outcome.ROLLED_BACK, Outcome.ABORTED)
"""An abort that comes before anything was changed ends ABORTED."""


@click.command()
@release_argument
@click.option("--recovery", is_flag=True, help="stop the rollback of a failed release; a person has to continue")
@click.option("--comment", metavar="TEXT", default="", help="why; shown as the cause in notifications")
@waits(_GOOD)
@calls_aws
def command(*, release: ReleaseName, recovery: bool, comment: str, wait: Wait, where: Where, output: str) -> int:
    """Stop a release and roll back what it changed, as after a failure."""
    belay = Account.of(where)
    follower, attempt = Follower(belay), find_accepted(belay.ledger, release)
    incident = held_incident(belay, attempt) if attempt.outcome is not None else None
    found = stop(belay, attempt, comment, recovery=recovery)
    told = in_words(found["release"], recovery=recovery)
    look = (
        partial(follower.upload, attempt.upload, attempt.claimed_at)
        if incident is None
        else partial(follower.incident, attempt.application, incident)
    )
    lines = [told, f"follow it:  belay status {attempt.application} --watch"]
    return finish(look, found["release"], found, lines, wait=wait, output=output, good=_GOOD)


def stop(belay: Account, attempt: Attempt, comment: str, *, recovery: bool) -> dict[str, Any]:
    """Stop a release, or its rollback, and return what was stopped. Raises ``Refused``."""
    executions = [recovery_to_stop(belay, attempt)] if recovery else to_stop(belay, attempt)
    cause = abort_cause(belay.caller(), comment)
    for each in executions:
        belay.executions.stop_execution(each, error=ABORTED, cause=cause)
    name, first = f"{attempt.application}/{attempt.version}", executions[0]
    return {"release": name, "stage": attempt.stage, "stopped": first, "also_stopped": executions[1:], "cause": cause}


def in_words(release: str, *, recovery: bool) -> str:
    """Say what was stopped."""
    if recovery:
        return f"{release}: its rollback is stopped; the rest is left to a person"
    return f"{release} is stopped; what it changed is being rolled back"


def recovery_to_stop(belay: Account, attempt: Attempt) -> str:
    """Return the execution that rolls a stage back. Raises ``Refused`` if there is none."""
    incident = held_incident(belay, attempt)
    execution = None if incident is None else belay.ledger.incidents.execution(incident)
    if not execution or not belay.executions.running(execution):
        raise Refused(f"no rollback is running in {attempt.stage or 'any stage'} of {attempt.application}")
    return execution


def held_incident(belay: Account, attempt: Attempt) -> str | None:
    """Return an incident that holds the lock of a stage that an attempt is in, or was in last."""
    locks = [belay.ledger.locks.get(attempt.application, each.stage) for each in reversed(attempt.stages)]
    return next((lock.incident for lock in locks if lock is not None and lock.held and lock.incident), None)


def to_stop(belay: Account, attempt: Attempt) -> list[str]:
    """Return the executions to stop: those of the stages that run, otherwise the release's. Raises ``Refused``.

    A stage of a wave that waits for an approval or is being rolled back is left to that.
    """
    release = attempt.release
    name = f"{attempt.application}/{attempt.version}"
    if attempt.outcome is not None or release is None:
        raise Refused(f"{name} has ended: {attempt.outcome}. Use `belay rollback` to roll back what is deployed")
    incidents, going = belay.ledger.incidents, [each.stage for each in attempt.under_way]
    back = [each for each in going if incidents.execution(incident_of(release.origin, each)) is not None]
    waits = unanswered(belay.ledger, release)
    working = [each for each in going if each not in (*back, *waits)]
    if back and not working:
        raise Refused(
            f"{name} failed and is already being rolled back; `belay status` shows the progress, --recovery stops it"
        )
    if waits and not working:
        raise Refused(
            f"{name} has not changed {waits[0]} yet and waits for an approval; to stop it: "
            f"belay reject {name} --stage {waits[0]}"
        )
    suffix = stage_suffix(attempt.id, attempt.execution)
    own = [belay.execution("deploy_stage", f"{release.attempt}-{stage}{suffix}") for stage in working]
    running = [each for each in own or [attempt.execution] if belay.executions.running(each)]
    if not running and belay.executions.running(attempt.execution):
        running = [attempt.execution]
    if not running:
        raise Refused(f"{name} has no running execution; the sweep ends it within five minutes")
    return running
