"""What is running, waiting or held in an account, from the ledger and the running executions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from belay.approval.asked import AwaitedApproval
from belay.ledger.incidents import OpenIncident
from belay.ledger.ledger import Ledger
from belay.notify.told import in_words
from belay.release.attempt import Attempt
from belay.release.lock import Lock
from belay.subject.life import IncidentState
from cli.account import Account, is_paused
from cli.arriving import arriving
from cli.progress import Execution, steps
from cli.views.incidents import described, open_incidents


def gather(belay: Account, application: str | None = None) -> dict[str, Any]:
    """Return what goes on, of one application or of all, as plain data.

    ``left`` are ended incidents with work left to a person; ``mixed`` are stages with stacks that do not run what the
    stage runs; ``asks`` waits for a person, with the command that answers; ``releases`` and ``incidents`` have not
    ended; ``locks`` are held, ``queue`` waits for them; ``held`` are uploads that wait for the pause to end,
    ``arriving`` those that nothing has been done about yet.
    """
    ledger = belay.ledger
    open_ones = [each for each in ledger.attempts.open_ones() if _mine(each.upload.application, application)]
    attempts = [each for each in (ledger.attempts.get(one.upload) for one in open_ones) if each is not None]
    incidents = [each for each in ledger.incidents.open_ones() if _mine(each.application, application)]
    lines = [each for each in open_incidents(ledger) if _mine(each.application, application)]
    return {
        "paused": is_paused(belay),
        "left": [described(each) for each in lines if each.state is IncidentState.LEFT_TO_A_PERSON],
        "mixed": [
            {
                "stage": f"{owner}/{stage}",
                "runs": ledger.stages.in_words(owner, stage),
                "left": [asdict(each) for each in left],
            }
            for (owner, stage), left in ledger.stages.mixed().items()
            if _mine(owner, application)
        ],
        "asks": [
            *(_approval(each) for each in ledger.approvals.asked() if _mine(each.release.application, application)),
            *(question for each in incidents for question in _questions(ledger, each)),
        ],
        "uploads": [
            {"application": each.application, "upload": each.upload.key, "execution": each.execution}
            for each in attempts
            if each.release is None
        ],
        "releases": [_release(belay, each) for each in attempts if each.release is not None],
        "incidents": [_incident(belay, each) for each in incidents],
        "locks": [lock(each) for each in ledger.locks.held() if _mine(each.application, application)],
        "queue": [
            {"release": f"{each.application}/{each.version or 'recovery'}", "stage": each.stage}
            for each in ledger.locks.queues()
            if _mine(each.application, application)
        ],
        "held": [
            {"upload": each.upload.key, "since": each.held_at}
            for each in ledger.uploads.held()
            if _mine(each.upload.application, application)
        ],
        "arriving": [
            {"application": each.upload.application, "upload": each.upload.key, "at": each.at.isoformat()}
            for each in arriving(belay, application, datetime.now(UTC))
        ],
    }


def lock(held: Lock) -> dict[str, Any]:
    """Return a stage's lock as plain data."""
    return {
        "application": held.application,
        "stage": held.stage,
        "held": held.held,
        "version": held.label,
        "execution": held.execution,
        "incident": held.incident,
        "since": held.held_since,
        "expires_at": held.expires_at,
        "fencing": held.fencing,
    }


def executions(belay: Account, work: Mapping[str, Any]) -> list[Execution]:
    """Return the executions of releases and incidents with their steps so far, in the order of their start."""
    arns = [arn for each in (*work["releases"], *work["incidents"]) for arn in each["executions"]]
    found = (execution(belay, arn) for arn in dict.fromkeys(arns))
    return sorted((each for each in found if each is not None), key=lambda each: each.started)


def execution(belay: Account, arn: str) -> Execution | None:
    """Return an execution with its steps; None if it was never started."""
    described = belay.aws.executions.describe(arn)
    if described is None:
        return None
    machine = arn.split(":")[6].removeprefix(f"{belay.stack}-").replace("-", "_")
    began: datetime = described["started"]
    one = Execution(arn, machine, described["input"].get("stage"), began, described["status"] == "RUNNING")
    return replace(one, steps=steps(one, belay.aws.executions.history(arn)))


def of_attempt(belay: Account, attempt: Attempt, stages: Iterable[str]) -> list[str]:
    """Return the ARNs of the executions that an attempt may have: its own, and one for each stage."""
    return [attempt.execution, *(belay.stage_execution(attempt, each) for each in stages)]


def _release(belay: Account, attempt: Attempt) -> dict[str, Any]:
    return {
        "release": f"{attempt.application}/{attempt.version}",
        "application": attempt.application,
        "version": attempt.version,
        "attempt": attempt.id,
        "stage": attempt.stage,
        "state": attempt.standing,
        "since": attempt.claimed_at,
        "executions": of_attempt(belay, attempt, [each.stage for each in attempt.latest]),
    }


def _incident(belay: Account, each: OpenIncident) -> dict[str, Any]:
    record = belay.ledger.incidents.get(each.application, each.incident)
    return {
        "application": each.application,
        "incident": each.incident,
        "stage": None if record is None else record.incident.stage,
        "reason": None if record is None else in_words(record.incident.reason),
        "since": None if record is None else record.opened_at,
        "steps": 0 if record is None else len(record.tried),
        "acknowledged": None if record is None or record.acknowledged is None else record.acknowledged.to_dict(),
        "executions": [each.execution] if each.execution else [],
    }


def _approval(awaited: AwaitedApproval) -> dict[str, Any]:
    release, stage = f"{awaited.release.application}/{awaited.release.version}", awaited.stage
    return {
        "about": f"{release} in {stage}",
        "what": "approval",
        "since": awaited.asked_at,
        "until": awaited.expires_at,
        "answer": f"belay approve {release} --stage {stage}",
    }


def _questions(ledger: Ledger, open_one: OpenIncident) -> list[dict[str, Any]]:
    application, incident = open_one.application, open_one.incident
    return [
        {
            "about": incident,
            "what": asked.text,
            "since": asked.asked_at,
            "until": None,
            "answer": f"belay approve {application} --incident {incident} --question {question}",
        }
        for question, asked in ledger.decisions.of_incident(application, incident).items()
        if asked.answer is None
    ]


def _mine(owner: str, application: str | None) -> bool:
    return application in (None, owner)
