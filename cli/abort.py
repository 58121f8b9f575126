"""``belay abort RELEASE``: stop a release, or one stage of it; what it changed is rolled back as after a failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import click

from belay.release.accepted import AcceptedRelease
from belay.release.attempt import Attempt, InStage
from belay.release.life import State
from belay.release.reason import ABORTED, abort_cause
from belay.release.records import Outcome, ReleaseReference
from belay.release.waves import wave_of
from belay.subject.names import incident_of
from cli.account import Account, Where, calls_aws
from cli.decision import unanswered
from cli.follow import Wait, finish, waits
from cli.naming import ReleaseName, find_accepted, release_argument
from cli.problems import Refused
from cli.views.followed import Follower

_GOOD: Final = (Outcome.ROLLED_BACK, Outcome.ABORTED)
"""An abort before anything was changed ends ABORTED."""


@dataclass(frozen=True)
class Stopping:
    """The executions that are stopped, those of ``stages`` if any, and what becomes of the others of their wave."""

    executions: tuple[str, ...]
    stages: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@click.command()
@release_argument
@click.option("--stage", metavar="STAGE", help="stop only this stage of a wave; the others continue; default: all")
@click.option("--recovery", is_flag=True, help="stop the rollback of a failed release; a person has to continue")
@click.option("--comment", metavar="TEXT", default="", help="why; shown as the cause in notifications")
@waits(_GOOD)
@calls_aws
def command(
    *, release: ReleaseName, stage: str | None, recovery: bool, comment: str, wait: Wait, where: Where, output: str
) -> int:
    """Stop a release and roll back what it changed, as after a failure."""
    belay = Account.of(where)
    follower, attempt = Follower(belay), find_accepted(belay.ledger, release)
    incidents = held_incidents(belay, attempt) if attempt.outcome is not None else {}
    found = stop(belay, attempt, comment, recovery=recovery, stage=stage)
    incident = incidents.get(found["stage"])
    look = (
        partial(follower.upload, attempt.upload, attempt.claimed_at)
        if incident is None
        else partial(follower.incident, attempt.application, incident)
    )
    lines = [*in_words(found, recovery=recovery), f"follow it:  belay status {attempt.application} --watch"]
    return finish(look, found["release"], found, lines, wait=wait, output=output, good=_GOOD)


def stop(belay: Account, attempt: Attempt, comment: str, *, recovery: bool, stage: str | None = None) -> dict[str, Any]:
    """Stop a release, or its rollback, everywhere or in one stage; return what was stopped. Raises ``Refused``."""
    stopping = recovery_to_stop(belay, attempt, stage) if recovery else to_stop(belay, attempt, stage)
    cause = abort_cause(belay.caller(), comment)
    for each in stopping.executions:
        belay.aws.executions.stop_execution(each, error=ABORTED, cause=cause)
    first, *rest = stopping.executions
    return {
        "release": f"{attempt.application}/{attempt.version}",
        "stage": stage or next(iter(stopping.stages), attempt.stage),
        "stopped": first,
        "also_stopped": rest,
        "others": list(stopping.others),
        "cause": cause,
    }


def in_words(found: Mapping[str, Any], *, recovery: bool) -> list[str]:
    """Say what was stopped, and what becomes of the other stages of its wave."""
    release, stage = found["release"], found["stage"]
    if recovery:
        return [f"{release}: its rollback in {stage} is stopped; the rest is left to a person"]
    where = f" in {stage}" if found["others"] else ""
    return [f"{release} is stopped{where}; what it changed is being rolled back", *found["others"]]


def recovery_to_stop(belay: Account, attempt: Attempt, stage: str | None = None) -> Stopping:
    """Return the execution that rolls a stage back. Raises ``Refused`` if there is none, or several to choose from."""
    found = {each: belay.ledger.incidents.execution(name) for each, name in held_incidents(belay, attempt).items()}
    running = {each: arn for each, arn in found.items() if arn and belay.aws.executions.running(arn)}
    chosen = {each: arn for each, arn in running.items() if stage in (None, each)}
    if not chosen:
        where = stage or " or ".join(each.stage for each in attempt.stages) or "any stage"
        raise Refused(f"no rollback is running in {where} of {attempt.application}")
    if len(chosen) > 1:
        raise Refused(f"rollbacks are running in {' and '.join(chosen)}: choose one with --stage")
    return Stopping(tuple(chosen.values()), tuple(chosen))


def held_incidents(belay: Account, attempt: Attempt) -> dict[str, str]:
    """Return the incidents that hold the lock of stages that an attempt has entered, by stage, the last one first."""
    locks = {each.stage: belay.ledger.locks.get(attempt.application, each.stage) for each in reversed(attempt.stages)}
    return {stage: lock.incident for stage, lock in locks.items() if lock is not None and lock.held and lock.incident}


def to_stop(belay: Account, attempt: Attempt, stage: str | None = None) -> Stopping:
    """Return the executions to stop: those of the stages that run, otherwise the release's. Raises ``Refused``.

    A stage of a wave that waits for an approval or is being rolled back is left to that.
    """
    release = attempt.release
    name = f"{attempt.application}/{attempt.version}"
    if attempt.outcome is not None or release is None:
        raise Refused(f"{name} has ended: {attempt.outcome}. Use `belay rollback` to roll back what is deployed")
    incidents, going = belay.ledger.incidents, _going(attempt, stage)
    back = [each for each in going if incidents.execution(incident_of(release.origin, each)) is not None]
    waits = [each for each in unanswered(belay.ledger, release) if stage in (None, each)]
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
    own = {each: belay.stage_execution(attempt, each) for each in working}
    running = {each: arn for each, arn in own.items() if belay.aws.executions.running(arn)}
    if running:
        return Stopping(tuple(running.values()), tuple(running), _others(belay, release, attempt, [*running]))
    if stage is not None or not belay.aws.executions.running(attempt.execution):
        where = f" in {stage}" if stage else ""
        raise Refused(f"{name} has no running execution{where}; the sweep ends it within five minutes")
    return Stopping((attempt.execution,))


def _going(attempt: Attempt, stage: str | None) -> list[str]:
    """Return the stages under way that are meant. Raises ``Refused`` for one that is not under way."""
    going = [each.stage for each in attempt.under_way]
    if stage is None:
        return going
    if stage not in going:
        name, standing = f"{attempt.application}/{attempt.version}", attempt.in_stage(stage)
        then = f"has ended in {stage}: {standing.outcome}" if standing is not None else f"has not entered {stage}"
        raise Refused(f"{name} {then}; it is under way in {' and '.join(going) or 'no stage'}")
    return [stage]


def _others(belay: Account, release: ReleaseReference, attempt: Attempt, stopped: Sequence[str]) -> tuple[str, ...]:
    """Say what becomes of the other stages of the wave, in a sentence each."""
    others = [each for each in wave_of(attempt.waves, stopped[0]) if each not in stopped]
    if not others:
        return ()
    accepted = AcceptedRelease.from_dict(belay.artifacts.require_json(release.document_key))
    back = accepted.application.wave_failure == "wave"
    return tuple(_other(each, attempt.in_stage(each), " and ".join(stopped), back=back) for each in others)


def _other(stage: str, standing: InStage | None, stopped: str, *, back: bool) -> str:
    """Say what happens to a stage when another one of its wave was stopped; ``back`` if it is rolled back with it."""
    with_it = f", and is rolled back with {stopped}, as registered (wave_failure: wave)"
    if standing is not None and standing.state is State.RECOVERING:
        return f"{stage} is being rolled back itself"
    if standing is None or standing.outcome is None:
        return f"{stage} continues{with_it if back else ''}"
    if standing.outcome is Outcome.DEPLOYED:
        return f"{stage} is deployed{with_it if back else ', and stays so'}"
    return f"{stage} has ended {standing.outcome}"
