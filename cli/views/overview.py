"""What runs where, what is in progress, and what a person must do now, for every application, in few requests.

Nothing here reads a stage's history or an application's releases: ten thousand of them make it no slower.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from belay.approval.asked import AwaitedApproval, GivenAnswer
from belay.control.registrations import ReadRegistrations
from belay.ledger.incidents import IncidentRecord
from belay.ledger.ledger import Ledger
from belay.ledger.registrations import UnreadableRegistration
from belay.notify.told import in_words
from belay.release.attempt import Attempt, HeldUpload, InStage, Runs, StackLeft
from belay.release.life import State
from belay.release.lock import Lock, Waiter
from belay.release.place import AccountRegion
from belay.release.registration import Stage
from belay.release.waves import Waves, wave_of
from belay.rollback.question import AskedQuestion
from belay.subject.life import IncidentState
from belay.subject.subjects import AskedRollback, ReleaseAttempt
from cli.views.incidents import open_records

Place = tuple[str, str]
"""An application and one of its stages."""


class WhyNeeded(StrEnum):
    """Why a person is needed; those that come first are more urgent."""

    QUESTION = "question"
    """A rollback waits for an answer, and its stage is locked until then."""
    OPERATOR = "operator"
    """A rollback ended NEEDS_OPERATOR and what it left is not done."""
    MIXED = "mixed"
    """A stage whose stacks run different versions."""
    APPROVAL = "approval"
    """A release waits for an approval."""
    REGISTRATION = "registration"
    """A registration that cannot be read."""


@dataclass(frozen=True)
class PersonNeeded:
    """Something that a person must do now. ``since`` and ``until`` are ISO 8601 in UTC, None if not known.

    ``version`` names the release that it is about, ``incident`` the incident, ``question`` that incident's question,
    ``acknowledged`` who is on it.
    """

    call: WhyNeeded
    application: str
    stage: str
    what: str
    since: str | None = None
    until: str | None = None
    version: str | None = None
    incident: str | None = None
    question: str | None = None
    acknowledged: GivenAnswer | None = None


@dataclass(frozen=True)
class Going:
    """A release in progress in a stage: its ``state`` in words, and what it waits for, if anything."""

    version: str
    attempt: str
    state: str
    since: str
    waits_for: str | None = None


@dataclass(frozen=True)
class OpenOne:
    """An incident that has not ended: since when, the steps taken so far, and its release's version."""

    name: str
    since: str
    steps: int
    version: str | None


@dataclass(frozen=True)
class StageNow:
    """One stage: what it runs and since when, what is in progress, and what prevents changes to it.

    ``runs`` is also its last-known-good release, which a failed one is rolled back to. ``left`` says which stacks do
    not run it. ``closed`` says why nothing may be changed now, ``opens`` when that ends, where it ends. ``place`` is
    its account and region, None where those are Belay's own; ``beside`` are the stages that are deployed with it.
    """

    application: str
    stage: str
    ephemeral: bool
    runs: str | None
    since: str | None
    rolled_back_by: str | None
    left: tuple[StackLeft, ...]
    going: tuple[Going, ...]
    incident: OpenOne | None
    needs: tuple[PersonNeeded, ...]
    closed: str | None
    opens: datetime | None
    place: AccountRegion | None = None
    beside: tuple[str, ...] = ()

    @property
    def tone(self) -> str:
        """What colours it: ``call`` for a person, ``back`` for a rollback, or its state otherwise."""
        if self.needs:
            return "call"
        if self.incident is not None:
            return "back"
        if self.going:
            return "going"
        if self.closed is not None:
            return "closed"
        return "runs" if self.runs is not None or self.ephemeral else "empty"


@dataclass(frozen=True)
class ApplicationNow:
    """An application with its stages, in the order that a release goes through them."""

    name: str
    stages: tuple[StageNow, ...]
    opening: tuple[str, ...]
    """Uploads that are being opened and have not entered a stage, by file name or version."""


@dataclass(frozen=True)
class Overview:
    """Everything on the first page. ``held`` are the uploads that wait for the end of the pause."""

    needs: tuple[PersonNeeded, ...]
    applications: tuple[ApplicationNow, ...]
    paused: bool
    held: tuple[HeldUpload, ...]


@dataclass(frozen=True)
class Seen:
    """What the ledger says at one moment, as it is read for the overview."""

    runs: Mapping[Place, Runs]
    left: Mapping[Place, tuple[StackLeft, ...]]
    locks: Sequence[Lock]
    queue: Sequence[Waiter]
    attempts: Sequence[Attempt]
    open_incidents: Sequence[IncidentRecord]
    questions: Mapping[str, Sequence[AskedQuestion]]
    incidents_left: Sequence[IncidentRecord]
    awaited: Sequence[AwaitedApproval]
    held: Sequence[HeldUpload]
    unreadable: Sequence[UnreadableRegistration]


def read_overview(ledger: Ledger, registered: ReadRegistrations, *, paused: bool, now: datetime) -> Overview:
    """Read what is in progress and describe it."""
    return describe(
        look(ledger, [(each.application, each.name) for each in registered.stages]), registered, paused, now
    )


def look(ledger: Ledger, places: Sequence[Place]) -> Seen:
    """Read the ledger: a request for each kind of record, each hundred stages and each open incident."""
    open_ones = open_records(ledger)
    opened = [each for each, state in open_ones if state is IncidentState.RECOVERING]
    uploads = [each.upload for each in ledger.attempts.open_ones()]
    attempts = ledger.attempts.of_ids([(each.application, each.attempt) for each in uploads])
    return Seen(
        runs=ledger.stages.running(places),
        left=ledger.stages.mixed(),
        locks=ledger.locks.held(),
        queue=ledger.locks.queues(),
        attempts=[each for each in attempts.values() if each.outcome is None],
        open_incidents=opened,
        questions={
            each.incident.name: [*ledger.decisions.of_incident(each.incident.application, each.incident.name).values()]
            for each in opened
        },
        incidents_left=[each for each, state in open_ones if state is IncidentState.LEFT_TO_A_PERSON],
        awaited=ledger.approvals.asked(),
        held=ledger.uploads.held(),
        unreadable=ledger.registrations.unreadable(),
    )


def describe(seen: Seen, registered: ReadRegistrations, paused: bool, now: datetime) -> Overview:
    """Describe it, each application with its stages."""
    stages = [*registered.stages, *_unregistered(seen, registered.stages)]
    needs = tuple(sorted(_needs(seen), key=lambda each: ([*WhyNeeded].index(each.call), each.since or "")))
    rows: dict[str, list[StageNow]] = {name: [] for name in sorted(registered.topics)}
    for each in stages:
        described = _stage(each, registered.waves.get(each.application, ()), seen, needs, now)
        rows.setdefault(each.application, []).append(described)
    opening: dict[str, list[str]] = {}
    for attempt in seen.attempts:
        if not attempt.stages:
            opening.setdefault(attempt.application, []).append(attempt.name)
    applications = tuple(ApplicationNow(name, tuple(row), tuple(opening.get(name, ()))) for name, row in rows.items())
    return Overview(needs, applications, paused, tuple(seen.held))


def _unregistered(seen: Seen, registered: Iterable[Stage]) -> list[Stage]:
    """Return the stages in use whose registration is gone or cannot be read."""
    known = {(each.application, each.name) for each in registered}
    busy = [
        *((each.application, one.stage) for each in seen.attempts for one in each.latest),
        *((each.incident.application, each.incident.stage) for each in seen.open_incidents),
        *seen.left,
    ]
    return [Stage(*place, service_role="", stacks={}) for place in dict.fromkeys(busy) if place not in known]


def _stage(stage: Stage, waves: Waves, seen: Seen, needs: Sequence[PersonNeeded], now: datetime) -> StageNow:
    place = stage.application, stage.name
    runs = seen.runs.get(place)
    incidents = (each for each in seen.open_incidents if (each.incident.application, each.incident.stage) == place)
    closed = stage.calendar.held(now)
    return StageNow(
        application=stage.application,
        stage=stage.name,
        ephemeral=stage.ephemeral,
        runs=None if runs is None else runs.release.version,
        since=None if runs is None else runs.since,
        rolled_back_by=None if runs is None else runs.incident,
        left=seen.left.get(place, ()),
        going=tuple(
            _going(each, standing, seen)
            for each in seen.attempts
            for standing in each.latest
            if (each.application, standing.stage) == place and standing.state is not State.RECOVERING
        ),
        incident=next(map(_open_one, incidents), None),
        needs=tuple(each for each in needs if (each.application, each.stage) == place),
        closed=None if closed is None else closed.why,
        opens=None if closed is None else closed.until,
        place=stage.place,
        beside=tuple(each for each in wave_of(waves, stage.name) if each != stage.name),
    )


def _going(attempt: Attempt, standing: InStage, seen: Seen) -> Going:
    waits = None
    if standing.state is State.AWAITING_APPROVAL:
        waits = "an approval"
    elif standing.state is State.HELD:
        waits = "its window"
    elif any((each.attempt, each.stage) == (attempt.id, standing.stage) for each in seen.queue):
        waits = "the stage's lock"
    return Going(attempt.name, attempt.id, standing.words, attempt.claimed_at, waits)


def _open_one(record: IncidentRecord) -> OpenOne:
    return OpenOne(record.incident.name, record.opened_at, len(record.tried), _version(record))


def _version(record: IncidentRecord) -> str | None:
    subject = record.incident.subject
    return subject.release.version if isinstance(subject, ReleaseAttempt | AskedRollback) else None


def _needs(seen: Seen) -> list[PersonNeeded]:
    found = [
        _about_incident(WhyNeeded.QUESTION, each, asked.text, asked.asked_at, asked.name)
        for each in seen.open_incidents
        for asked in seen.questions[each.incident.name]
        if asked.approved is None
    ]
    found += [
        _about_incident(WhyNeeded.OPERATOR, each, in_words(each.reason or each.incident.reason), each.ended_at)
        for each in seen.incidents_left
    ]
    told = {(each.application, each.stage) for each in found if each.call is WhyNeeded.OPERATOR}
    found += [
        PersonNeeded(WhyNeeded.MIXED, *place, what="; ".join(each.in_words for each in stacks))
        for place, stacks in seen.left.items()
        if place not in told
    ]
    found += [
        PersonNeeded(
            WhyNeeded.APPROVAL,
            each.release.application,
            each.stage,
            f"{each.release.version} waits for an approval",
            since=each.asked_at,
            until=each.expires_at,
            version=each.release.version,
        )
        for each in seen.awaited
        if _is_asked(each, seen.attempts)
    ]
    return found + [
        PersonNeeded(
            WhyNeeded.REGISTRATION,
            *_place_of(each.parameter),
            what=f"{each.parameter} cannot be read",
            since=each.since,
        )
        for each in seen.unreadable
    ]


def _about_incident(
    call: WhyNeeded, record: IncidentRecord, what: str, since: str | None, question: str | None = None
) -> PersonNeeded:
    return PersonNeeded(
        call,
        record.incident.application,
        record.incident.stage,
        what,
        since=since,
        version=_version(record),
        incident=record.incident.name,
        question=question,
        acknowledged=record.acknowledged,
    )


def _is_asked(awaited: AwaitedApproval, attempts: Iterable[Attempt]) -> bool:
    """Whether the release still waits: an answer may be on its way."""
    attempt = next((each for each in attempts if each.id == awaited.release.attempt), None)
    standing = None if attempt is None else attempt.in_stage(awaited.stage)
    return standing is not None and standing.state is State.AWAITING_APPROVAL


def _place_of(parameter: str) -> Place:
    """``/belay/applications/orders/test`` is of the application ``orders`` and its stage ``test``."""
    application, _, stage = parameter.split("/", 3)[3].partition("/")
    return application, stage
