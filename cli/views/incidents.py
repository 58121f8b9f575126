"""Incidents for people: the cause, the plan with each step's state, what is left to do, and what is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from belay.approval.asked import GivenAnswer
from belay.aws.s3 import ArtifactBucket
from belay.control.closing import ended
from belay.control.recovery import Recovery
from belay.ledger.incidents import IncidentRecord
from belay.ledger.ledger import Ledger
from belay.notify.told import cause_document, reason_lines
from belay.release.left_to_do import LeftToDo
from belay.release.place import StagePlace
from belay.release.records import Outcome
from belay.rollback.plan import Step
from belay.rollback.question import ANSWER_WITHIN, AskedQuestion
from belay.rollback.taken import StepTaken
from belay.subject.life import IncidentState
from belay.subject.subjects import AskedRollback, ReleaseAttempt


@dataclass(frozen=True)
class IncidentLine:
    """An incident in a list; times are ISO 8601. ``acknowledged`` is who is on it, ``closed`` who closed it."""

    name: str
    state: IncidentState
    application: str
    stage: str
    subject: str
    cause: str
    opened_at: str
    ended_at: str | None
    outcome: Outcome | None
    steps: int
    acknowledged: GivenAnswer | None
    closed: GivenAnswer | None

    @property
    def seconds(self) -> int | None:
        """How long it lasted."""
        if self.ended_at is None:
            return None
        return round((datetime.fromisoformat(self.ended_at) - datetime.fromisoformat(self.opened_at)).total_seconds())


@dataclass(frozen=True)
class IncidentShown:
    """An incident in full.

    ``taken`` are the steps taken so far, ``planned`` those of the newest plan, ``left`` what is left to a person, also
    while it is not over. ``unstable`` are the stacks that have taken no update since it ended; ``version`` and
    ``attempt`` name the release. ``place`` is the stage's, None for Belay's own.
    """

    line: IncidentLine
    cause: tuple[str, ...]
    look: str | None
    taken: tuple[StepTaken, ...]
    planned: tuple[Step, ...]
    left: tuple[LeftToDo, ...]
    remarks: tuple[str, ...]
    questions: tuple[AskedQuestion, ...]
    blocked: Mapping[str, str]
    unproved: tuple[str, ...]
    unstable: tuple[str, ...]
    version: str | None
    attempt: str | None
    again: str | None
    thread: str
    place: StagePlace | None = None

    @property
    def open_questions(self) -> tuple[AskedQuestion, ...]:
        """The unanswered questions, as long as the incident is open."""
        return tuple(each for each in self.questions if each.approved is None and self.line.outcome is None)


def answer_until(asked: AskedQuestion) -> str:
    """Return the deadline of a question (ISO 8601)."""
    return (datetime.fromisoformat(asked.asked_at) + ANSWER_WITHIN).isoformat(timespec="milliseconds")


def line(record: IncidentRecord, state: IncidentState) -> IncidentLine:
    """Return an incident's line in a list."""
    incident = record.incident
    return IncidentLine(
        name=incident.name,
        state=state,
        application=incident.application,
        stage=incident.stage,
        subject=incident.subject.label,
        cause=" ".join(reason_lines(incident.reason)),
        opened_at=record.opened_at,
        ended_at=record.ended_at,
        outcome=record.outcome,
        steps=len(record.tried),
        acknowledged=record.acknowledged,
        closed=record.closed,
    )


def described(line: IncidentLine) -> dict[str, Any]:
    """Return an incident's line as plain data."""
    return {
        "incident": line.name,
        "application": line.application,
        "stage": line.stage,
        "state": line.state.value,
        "subject": line.subject,
        "cause": line.cause,
        "opened_at": line.opened_at,
        "ended_at": line.ended_at,
        "outcome": line.outcome,
        "seconds": line.seconds,
        "steps": line.steps,
        "acknowledged": None if line.acknowledged is None else line.acknowledged.to_dict(),
        "closed": None if line.closed is None else line.closed.to_dict(),
    }


def state_in_words(incident: Mapping[str, Any]) -> str:
    """Say an incident's state, and its outcome once it has one."""
    state = str(incident["state"]).lower()
    return f"{incident['outcome']}, {state}" if incident["outcome"] else state


def todo_lines(todo: Mapping[str, Any]) -> list[str]:
    """Say something left to do, as ``todo_document`` has it: what and why, the commands, the choices by number."""
    told = LeftToDo(str(todo["subject"] or ""), str(todo["what"]), str(todo["why"] or ""))
    ways = (("look", todo["look"]), ("then", todo["command"]))
    lines = [f"- {told.in_words()}", *(f"  {label}: {command}" for label, command in ways if command)]
    for number, each in enumerate(todo.get("choices", ()), 1):
        lines.append(f"  {number}. {each['what']}; {each['loses']}")
        lines += [f"     {each['command']}"] if each["command"] else []
    return lines


def open_records(ledger: Ledger) -> list[tuple[IncidentRecord, IncidentState]]:
    """Return the incidents that are being recovered or left to a person, the oldest first."""
    left = _left(ledger)
    records = ledger.incidents.of_names([*_recovering(ledger), *left])
    found = [
        (each, each.state(left=(each.incident.application, each.incident.name) in left)) for each in records.values()
    ]
    return sorted((each for each in found if each[1].is_open), key=lambda each: each[0].opened_at)


def _left(ledger: Ledger) -> set[tuple[str, str]]:
    """Return the incidents whose stage or whose stacks are still as they left them: application and name."""
    watched = {(each.incident.application, each.incident.name) for each in ledger.incidents.watched()}
    return watched | {*ledger.incidents.left()}


def _recovering(ledger: Ledger) -> list[tuple[str, str]]:
    return [(each.application, each.incident) for each in ledger.incidents.open_ones()]


def open_incidents(ledger: Ledger) -> list[IncidentLine]:
    """Return the incidents that are not closed, those that are left to a person first, each the oldest first."""
    lines = [line(*each) for each in open_records(ledger)]
    return sorted(lines, key=lambda each: each.state is IncidentState.RECOVERING)


def newest_incidents(ledger: Ledger, applications: Sequence[str], most: int) -> list[IncidentLine]:
    """Return the newest incidents of applications, open ones included, the newest first."""
    open_ones = {each.name: each for each in open_incidents(ledger)}
    records = [record for each in applications for record in ledger.incidents.newest(each, most)]
    found = [open_ones.get(each.incident.name) or line(each, IncidentState.CLOSED) for each in records]
    return sorted(found, key=lambda each: each.opened_at, reverse=True)[:most]


def find_incident(ledger: Ledger, name: str, applications: Iterable[str] = ()) -> IncidentRecord | None:
    """Return the incident of this name; None if there is none.

    The name of a release's or a pipeline's incident begins with its application, and an open one is known by name. Only
    that of a stack that failed without Belay, once it is closed, is found by the ``applications`` to look at.
    """
    words = name.split("-")
    beginnings = ["-".join(words[:length]) for length in range(1, len(words))]
    opened = [owner for owner, known in (*_recovering(ledger), *_left(ledger)) if known == name]
    return ledger.incidents.of_names([(owner, name) for owner in (*opened, *beginnings, *applications)]).get(name)


def read_incident(ledger: Ledger, artifacts: ArtifactBucket, application: str, name: str) -> IncidentShown | None:
    """Return an incident in full; None if there is none of that name."""
    record = ledger.incidents.get(application, name)
    if record is None:
        return None
    recovery = Recovery(record, artifacts, ledger)
    subject, plan = record.incident.subject, recovery.plan()
    stopped = record.outcome is Outcome.NEEDS_OPERATOR and bool(plan.steps)
    left = ended(recovery, Outcome.NEEDS_OPERATOR, "the recovery ended before its plan" if stopped else None).left_to_do
    watched = ledger.incidents.watched_of(record.incident)
    unfinished = watched is not None or (application, name) in ledger.incidents.left(application, record.incident.stage)
    state = record.state(left=unfinished)
    release = subject.release if isinstance(subject, ReleaseAttempt | AskedRollback) else None
    return IncidentShown(
        line=line(record, state),
        cause=tuple(reason_lines(record.incident.reason)),
        look=(cause_document(record.incident.reason) or {}).get("command"),
        taken=record.tried,
        planned=() if record.outcome else plan.steps,
        left=tuple(left) if state.is_open else (),
        remarks=tuple(each.in_words() for each in plan.remarks),
        questions=tuple(ledger.decisions.of_incident(application, name).values()),
        blocked=record.blocked,
        unproved=tuple(
            f"{each.path} ({each.resource_type}): {each.drift or each.trace}"
            + (f", {each.differences}" if each.differences else "")
            for noted in record.noted.values()
            for each in noted.unproved
        ),
        unstable=() if watched is None else watched.stack_ids,
        version=None if release is None else release.version,
        attempt=subject.release.attempt if isinstance(subject, ReleaseAttempt) else None,
        again=record.incident.again,
        thread=subject.thread,
        place=record.incident.place,
    )
