"""A release, or a separate rollback, at one moment: its stages, stacks, incidents, and the people it waits for."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Final

from belay.approval.asked import AskedApproval
from belay.approval.principal import Principal
from belay.approval.seal import SEAL_DIGITS
from belay.ledger.ledger import Ledger
from belay.release.attempt import Attempt, InStage, Transition
from belay.release.life import State
from belay.release.reason import Reason
from belay.release.records import Outcome, ReleaseReference, Upload
from belay.subject.measures import is_deployment
from belay.subject.names import incident_of
from cli.account import Account
from cli.output import at
from cli.problems import Refused
from cli.views.incidents import IncidentShown, answer_until, read_incident
from cli.views.stacks import StackNow, stacks_of
from cli.views.stage_track import StageTrack, track

NOT_OPENED: Final = "UPLOADED, NOT OPENED YET"
_PAUSED: Final = "releases are paused: belay resume ends the pause"
_SOON: Final = "it is opened in a few seconds; if not, belay doctor says why"
_EARLIER: Final = 5
"""How many earlier deployments show how long one usually takes."""
_PEOPLE: Final = (State.AWAITING_APPROVAL, State.HELD)
"""The states that wait for a person or a calendar."""
_BEFORE_THE_LOCK: Final = (State.REHEARSED, State.APPROVED, State.HELD)


@dataclass(frozen=True)
class PersonAsked:
    """What waits for an answer: ``who`` may give it, ``until`` when (ISO 8601), and the commands that do."""

    stage: str
    what: str
    who: str
    until: str | None
    commands: tuple[str, ...]


@dataclass(frozen=True)
class StageFollowed:
    """One stage of a release. ``lines`` are its history; ``usual`` is how many seconds earlier deployments took."""

    track: StageTrack
    lines: tuple[Transition, ...]
    stacks: tuple[StackNow, ...] = ()
    usual: int | None = None

    def worked(self, now: datetime) -> int:
        """How many seconds it has taken so far, not counting those spent waiting for people."""
        return worked(self.lines, datetime.fromisoformat(self.track.ended) if self.track.ended else now)


@dataclass(frozen=True)
class Followed:
    """What is followed: ``name`` is a release's, or says which stage is rolled back. ``over``: it has ended.

    ``key`` is the attempt's or the incident's id. ``lines`` are its history outside of stages, ``notes`` say what it
    waits for that is not a person.
    """

    key: str
    name: str
    state: str
    since: str
    lines: tuple[Transition, ...] = ()
    stages: tuple[StageFollowed, ...] = ()
    incidents: tuple[IncidentShown, ...] = ()
    asks: tuple[PersonAsked, ...] = ()
    notes: tuple[str, ...] = ()
    outcome: Outcome | None = None
    reason: Reason | None = None
    over: bool = False


def worked(lines: Sequence[Transition], until: datetime) -> int:
    """Return how many seconds a stage's history covers, not counting those spent waiting for people."""
    times = [*(datetime.fromisoformat(each.at) for each in lines), until]
    spans = zip(lines, times, times[1:], strict=False)
    return round(sum((end - begin).total_seconds() for each, begin, end in spans if each.what not in _PEOPLE))


def usual_seconds(histories: Iterable[Sequence[Transition]], stage: str) -> int | None:
    """Return how long the deployments with these histories took, as a median; None if there are none."""
    took = []
    for history in histories:
        lines = [each for each in history if each.stage == stage]
        if lines and lines[-1].outcome is Outcome.DEPLOYED:
            took.append(worked(lines, datetime.fromisoformat(lines[-1].at)))
    return round(median(took)) if took else None


class Follower:
    """Looks at releases and rollbacks again and again; what is over is not read a second time."""

    def __init__(self, belay: Account) -> None:
        self._belay = belay
        self._ledger: Ledger = belay.ledger
        self._usual: dict[tuple[str, str], int | None] = {}
        self._ended: dict[tuple[str, str], StageFollowed] = {}
        self._over: dict[str, Followed] = {}

    def upload(self, upload: Upload, since: str) -> Followed:
        """Return what has become of an upload of ``since``."""
        attempt = self._ledger.attempts.get(upload)
        if attempt is not None:
            return self.attempt(attempt)
        name = f"{upload.application}/{upload.file}"
        held = any(each.upload == upload for each in self._ledger.uploads.held())
        state, note = (str(State.HELD), _PAUSED) if held else (NOT_OPENED, _SOON)
        return Followed(upload.attempt, name, state, since, notes=(note,))

    def attempt(self, attempt: Attempt) -> Followed:
        """Return an attempt as it is."""
        if attempt.id not in self._over:
            found = self._attempt(attempt)
            if not found.over:
                return found
            self._over[attempt.id] = found
        return self._over[attempt.id]

    def _attempt(self, attempt: Attempt) -> Followed:
        history = self._ledger.attempts.history(attempt)
        names = dict.fromkeys(each.stage for each in history if each.stage)
        stages = [self._stage(attempt, history, each, attempt.shared_with(each)) for each in names]
        incidents = self._incidents(attempt, history)
        return Followed(
            key=attempt.id,
            name=f"{attempt.application}/{attempt.name}",
            state=attempt.standing,
            since=attempt.claimed_at,
            lines=tuple(each for each in history if each.stage is None),
            stages=tuple(stages),
            incidents=tuple(incidents),
            asks=(*self._approvals(attempt), *(each for one in incidents for each in questions(one, self._decider))),
            notes=tuple(self._notes(attempt)),
            outcome=attempt.outcome,
            reason=attempt.reason,
            over=attempt.announced,
        )

    def incident(self, application: str, name: str) -> Followed:
        """Return a separate rollback. Raises ``Refused`` if there is no such incident."""
        shown = read_incident(self._ledger, self._belay.artifacts, application, name)
        record = self._ledger.incidents.get(application, name)
        if shown is None or record is None:
            raise Refused(f"{application} has no incident {name}")
        return Followed(
            key=name,
            name=f"{application}/{shown.version}" if shown.version else application,
            state=str(shown.line.outcome or State.RECOVERING),
            since=shown.line.opened_at,
            incidents=(shown,),
            asks=tuple(questions(shown, self._decider)),
            outcome=shown.line.outcome,
            reason=record.reason,
            over=shown.line.outcome is not None,
        )

    @property
    def _decider(self) -> str:
        return self._belay.outputs.get("DeciderPolicyArn", "DeciderPolicy")

    def _stage(
        self, attempt: Attempt, history: Sequence[Transition], stage: str, ended: Outcome | None
    ) -> StageFollowed:
        known = self._ended.get((attempt.id, stage))
        if known is not None:
            return known
        lines = tuple(each for each in history if each.stage == stage)
        stacks = stacks_of(self._belay.artifacts, self._belay.aws, attempt.release, stage)
        found = StageFollowed(track(history, stage, ended), lines, tuple(stacks), self._usual_of(attempt, stage))
        if found.track.ended is not None:
            self._ended[attempt.id, stage] = found
        return found

    def _usual_of(self, attempt: Attempt, stage: str) -> int | None:
        place = attempt.application, stage
        if place not in self._usual:
            deployed = [each for each in self._ledger.stages.history(*place) if is_deployment(each)]
            others = [each.release.attempt for each in deployed if each.release.attempt != attempt.id][-_EARLIER:]
            earlier = self._ledger.attempts.of_ids([(attempt.application, each) for each in others])
            self._usual[place] = usual_seconds(map(self._ledger.attempts.history, earlier.values()), stage)
        return self._usual[place]

    def _incidents(self, attempt: Attempt, history: Sequence[Transition]) -> list[IncidentShown]:
        if attempt.release is None:
            return []
        stages = dict.fromkeys(each.stage for each in history if each.what is State.RECOVERING and each.stage)
        # What a wave takes back is a part of a release that has not ended; afterwards a rollback stands by itself.
        asked = [each.incident for each in history if each.incident and attempt.outcome is None]
        names = [*(incident_of(attempt.release.origin, stage) for stage in stages), *dict.fromkeys(asked)]
        found = (read_incident(self._ledger, self._belay.artifacts, attempt.application, each) for each in names)
        return [each for each in found if each is not None]

    def _approvals(self, attempt: Attempt) -> list[PersonAsked]:
        if attempt.release is None or attempt.outcome is not None:
            return []
        waiting = [each for each in self._ledger.approvals.of_attempt(attempt.release) if each.answer is None]
        uploader = self._ledger.uploads.uploader(attempt.upload) if any(each.four_eyes for each in waiting) else None
        return [approval(attempt, each, uploader, self._decider) for each in waiting]

    def _notes(self, attempt: Attempt) -> Iterable[str]:
        release = attempt.release
        if release is None or attempt.outcome is not None:
            return
        for each in attempt.under_way:
            yield from self._notes_in(attempt, release, each)

    def _notes_in(self, attempt: Attempt, release: ReleaseReference, standing: InStage) -> Iterable[str]:
        stage = standing.stage
        if standing.state is State.HELD:
            hold = self._ledger.holds.of(release, stage)
            named = shlex.quote(f"{release.application}/{release.version}")
            if hold is not None:
                yield f"held until {at(hold.until)}: {hold.reason}"
                yield f"a person may let it through: belay override {named} --stage {shlex.quote(stage)} --comment WHY"
        queues = self._ledger.locks.queues() if standing.state in _BEFORE_THE_LOCK else []
        if any((each.attempt, each.stage) == (attempt.id, stage) for each in queues):
            lock = self._ledger.locks.get(attempt.application, stage)
            holder = None if lock is None or not lock.held else lock.incident or lock.label
            yield f"waits for the lock of {stage}" + (f", which {holder} holds" if holder else "")


def approval(attempt: Attempt, asked: AskedApproval, uploader: Principal | None, decider: str) -> PersonAsked:
    """Return what an approval waits for."""
    release, stage = shlex.quote(f"{attempt.application}/{attempt.name}"), shlex.quote(asked.stage)
    but = (
        f", but not the uploader{'' if uploader is None else f' {uploader.arn}'} (four eyes)" if asked.four_eyes else ""
    )
    return PersonAsked(
        stage=asked.stage,
        what=f"an approval in {asked.stage}",
        who=f"whoever has the policy {decider}{but}",
        until=asked.expires_at,
        commands=(
            f"belay approve {release} --stage {stage} --seal {asked.digest[:SEAL_DIGITS]}",
            f"belay reject {release} --stage {stage} --comment WHY",
        ),
    )


def questions(incident: IncidentShown, decider: str) -> Iterable[PersonAsked]:
    """Yield what an incident asks."""
    application, name = shlex.quote(incident.line.application), shlex.quote(incident.line.name)
    for each in incident.open_questions:
        about = f"{application} --incident {name} --question {shlex.quote(each.name)}"
        yield PersonAsked(
            stage=incident.line.stage,
            what=" ".join(each.text.split()),
            who=f"whoever has the policy {decider}",
            until=answer_until(each),
            commands=(f"belay approve {about}", f"belay reject {about}"),
        )
