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
    execution = recovery_to_stop(belay, attempt) if recovery else to_stop(belay, attempt)
    cause = abort_cause(belay.caller(), comment)
    belay.executions.stop_execution(execution, error=ABORTED, cause=cause)
    name = f"{attempt.application}/{attempt.version}"
    return {"release": name, "stage": attempt.stage, "stopped": execution, "cause": cause}


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
    """Return the incident that holds the lock of the stage that an attempt is in, or was in last."""
    lock = belay.ledger.locks.get(attempt.application, attempt.stage or "")
    return lock.incident if lock is not None and lock.held else None


def to_stop(belay: Account, attempt: Attempt) -> str:
    """Return the execution to stop: the stage's if it runs, otherwise the release's. Raises ``Refused``."""
    release, stage = attempt.release, attempt.stage
    name = f"{attempt.application}/{attempt.version}"
    if attempt.outcome is not None or release is None:
        raise Refused(f"{name} has ended: {attempt.outcome}. Use `belay rollback` to roll back what is deployed")
    if stage and belay.ledger.incidents.execution(incident_of(release.origin, stage)) is not None:
        raise Refused(
            f"{name} failed and is already being rolled back; `belay status` shows the progress, --recovery stops it"
        )
    waits = unanswered(belay.ledger, release)
    if waits:
        raise Refused(
            f"{name} has not changed {waits[0]} yet and waits for an approval; to stop it: "
            f"belay reject {name} --stage {waits[0]}"
        )
    suffix = stage_suffix(attempt.id, attempt.execution)
    own = belay.execution("deploy_stage", f"{release.attempt}-{stage}{suffix}")
    if stage and belay.executions.running(own):
        return own
    if belay.executions.running(attempt.execution):
        return attempt.execution
    raise Refused(f"{name} has no running execution; the sweep ends it within five minutes")
