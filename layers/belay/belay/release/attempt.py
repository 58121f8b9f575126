"""The ledger's records of uploads, releases and stages: one frozen dataclass for each kind."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from belay.errors import BelayError, InvalidRelease, ReleaseSuperseded
from belay.release.life import Occurrence, State
from belay.release.reason import Reason
from belay.release.records import LONGEST_IN_KEY, Outcome, ReleaseReference, Upload
from belay.release.version import Version
from belay.release.waves import Waves, stages_before


@dataclass(frozen=True)
class InStage:
    """An attempt's status in one stage: ``state`` with ``about``; ``outcome`` and ``reason`` once the stage ended."""

    stage: str
    state: State
    entered_at: str
    about: str = ""
    outcome: Outcome | None = None
    reason: Reason | None = None

    @property
    def words(self) -> str:
        """The state with its details, or the outcome, in words."""
        return in_words(self.state, self.about, self.outcome)


@dataclass(frozen=True)
class Attempt:
    """One upload, from its event to its one outcome, which is never overwritten.

    ``version`` is known once its manifest was read, ``digest`` and ``waves`` once it is accepted: an upload that did
    not become a release never has them. ``stages`` are those that it has entered, in that order. ``announced`` says
    whether the outcome was announced. ``superseded`` says in which stages a newer release has taken its turn. Times are
    ISO 8601 in UTC.
    """

    upload: Upload
    execution: str
    claimed_at: str
    state: State = State.CLAIMED
    stages: tuple[InStage, ...] = ()
    waves: Waves = ()
    version: str | None = None
    digest: str | None = None
    outcome: Outcome | None = None
    reason: Reason | None = None
    ended_at: str | None = None
    announced: bool = False
    superseded: tuple["Superseded", ...] = ()

    @property
    def application(self) -> str:
        """The application it belongs to."""
        return self.upload.application

    @property
    def id(self) -> str:
        """Its name: twelve hexadecimal digits."""
        return self.upload.attempt

    @property
    def release(self) -> ReleaseReference | None:
        """The release that the upload became; None if it did not, or not yet."""
        if self.version is None or self.digest is None:
            return None
        return ReleaseReference(self.application, self.version, self.digest, self.id)

    @property
    def name(self) -> str:
        """Its version, or the file's name if no version could be read."""
        return self.version or self.upload.file

    @property
    def under_way(self) -> tuple[InStage, ...]:
        """The stages that it is in now: entered, and not ended."""
        return tuple(each for each in self.stages if each.outcome is None and self.outcome is None)

    @property
    def latest(self) -> tuple[InStage, ...]:
        """The stages that determine its status: those under way, or else the last one entered."""
        return self.under_way or self.stages[-1:]

    @property
    def stage(self) -> str | None:
        """The stage to name if only one is named: one under way, else one not deployed, else the last entered."""
        failed = [each for each in self.stages if each.outcome is not Outcome.DEPLOYED]
        named = (*self.under_way, *failed, *self.latest)
        return named[0].stage if named else None

    @property
    def standing(self) -> str:
        """Its outcome, or its current state, in words; in several stages at once, the state in each."""
        if self.outcome is not None or not self.stages:
            return self.outcome or in_words(self.state)
        several = len(self.latest) > 1
        return ", ".join(f"{each.words} in {each.stage}" if several else each.words for each in self.latest)

    def in_stage(self, stage: str) -> InStage | None:
        """Return its status in a stage; None if it has not entered it."""
        return next((each for each in self.stages if each.stage == stage), None)

    def shared_with(self, stage: str) -> Outcome | None:
        """Return the attempt's outcome for a stage that it has entered and that has none of its own."""
        standing = self.in_stage(stage)
        own = standing is None or standing.outcome is not None or self.outcome is Outcome.DEPLOYED
        return None if own else self.outcome

    def waits_in(self, stage: str) -> bool:
        """Whether it is in a stage where nothing was changed yet: a newer release may take its turn there."""
        return any(each.stage == stage and each.state.waits for each in self.under_way)

    def may_enter(self, stage: str) -> bool:
        """Whether every stage before a stage was deployed.

        For an attempt that Belay 0.1 accepted, only the stages it has entered are known.
        """
        before = stages_before(self.waves, stage) if self.waves else tuple(each.stage for each in self.stages)
        deployed = {each.stage for each in self.stages if each.outcome is Outcome.DEPLOYED}
        return self.in_stage(stage) is None and deployed.issuperset(before)

    def may_recover(self, stage: str) -> bool:
        """Whether a stage has neither ended nor is being recovered."""
        standing = self.in_stage(stage)
        return standing is None or (standing.outcome is None and standing.state is not State.RECOVERING)

    def superseded_in(self, stage: str) -> "Superseded | None":
        """Return what has taken its turn in a stage; None if nothing has."""
        return next((each for each in self.superseded if each.stage == stage), None)


def is_newer(one: Attempt, other: Attempt) -> bool:
    """Whether an accepted attempt is at a newer version than another one.

    Versions that differ only in build metadata have the same precedence (https://semver.org, item 10), such as one
    application on two machine images: the later upload is newer.
    """
    version, than = Version.parse(str(one.version)), Version.parse(str(other.version))
    if version.precedence != than.precedence or version == than:
        return version > than
    return one.claimed_at > other.claimed_at


@dataclass(frozen=True)
class Superseded:
    """The ``version`` that took an older release's turn in a ``stage`` where that was still waiting."""

    stage: str
    version: str

    def why(self, older: str) -> str:
        """Say it in a sentence."""
        return f"{self.version} is newer than {older} and came to {self.stage} while that waited there"


@dataclass(frozen=True)
class Transition:
    """One line of an attempt's history: a state that it entered, or an occurrence.

    ``incident`` is the one that a requested rollback opened.
    """

    at: str
    what: State | Occurrence
    stage: str | None = None
    about: str = ""
    outcome: Outcome | None = None
    detail: str = ""
    incident: str | None = None

    @property
    def words(self) -> str:
        """The state or occurrence, in words."""
        return in_words(self.what, self.about, self.outcome)


def in_words(what: State | Occurrence, about: str = "", outcome: Outcome | None = None) -> str:
    """Describe a state with its details, or an outcome."""
    if outcome is not None:
        return f"STAGE {outcome}" if what is State.STAGE_ENDED else outcome.value
    return f"{what} {about}" if about else what.value


@dataclass(frozen=True)
class VersionHead:
    """The head of a version of an application.

    ``attempt`` is the newest accepted one, ``under_way`` until it has its outcome. ``deployed_digest`` is the content
    that the version is bound to once it was deployed.
    """

    application: str
    version: str
    attempt: str
    under_way: bool
    deployed_digest: str | None = None


def refusal(release: ReleaseReference, head: VersionHead, standing: Attempt | None) -> BelayError:
    """Return why a version cannot be claimed, given its head and its newest attempt.

    Different content for a version that is deployed or under way is ``InvalidRelease``; the same content already under
    way is ``ReleaseSuperseded``.
    """
    name = f"{release.application} {release.version}"
    if head.under_way and standing is not None and standing.digest == release.digest:
        return ReleaseSuperseded(f"{name} is already being deployed, in {standing.execution}")
    where = "is being deployed" if head.deployed_digest is None else "was deployed"
    return InvalidRelease([f"{name} {where} with other content; use a new version for changed content"])


@dataclass(frozen=True)
class Runs:
    """What a stage runs, and since when; ``incident`` is the rollback that returned to it, None if it was deployed."""

    stage: str
    release: ReleaseReference
    since: str
    incident: str | None = None


@dataclass(frozen=True)
class StackLeft:
    """A stack that does not run its stage's version, because a rollback there was not completed.

    It still has ``version`` or, if ``back``, was rolled back to that version and others were not. This was true when
    the recovery ended; later changes by people are not known.
    """

    stack: str
    stack_name: str
    version: str
    back: bool = False

    @property
    def in_words(self) -> str:
        """``service (orders-service) was not brought back from 1.1.0``."""
        how = f"was brought back to {self.version}" if self.back else f"was not brought back from {self.version}"
        return f"{self.stack} ({self.stack_name}) {how}"


def runs_in_words(runs: Runs | None, left: Sequence[StackLeft]) -> str | None:
    """Say what a stage runs: a version, and the stacks that run something else. None if nothing was deployed there."""
    version = None if runs is None else runs.release.version
    if not left:
        return version
    return f"{version or 'no release'}, but {' and '.join(each.in_words for each in left)}"


@dataclass(frozen=True)
class TakenBack:
    """When a deployment was rolled back, by which incident, and at whose request (an ARN)."""

    at: str
    incident: str
    by: str


@dataclass(frozen=True)
class StageDeployment:
    """One line of a stage's history: a deployment or rollback, and whether it was undone since."""

    stage: str
    release: ReleaseReference
    at: str
    incident: str | None = None
    taken_back: TakenBack | None = None


def standing_in(history: Sequence[StageDeployment]) -> tuple[StageDeployment, ...]:
    """Return the stack of current deployments in a stage, the running one last.

    ``history`` comes oldest first. What was rolled back is removed and, if the stage went back to a release, everything
    deployed after that release.
    """
    standing: list[StageDeployment] = []
    for each in history:
        if each.taken_back is not None:
            continue
        attempts = [one.release.attempt for one in standing]
        if each.release.attempt in attempts:
            standing = standing[: attempts.index(each.release.attempt)]
        standing.append(each)
    return tuple(standing)


def left_by(history: Sequence[StageDeployment], target: ReleaseReference | None) -> tuple[StageDeployment, ...]:
    """Return the deployments that are undone once a stage is back at ``target``, or before the first of them."""
    standing = standing_in(history)
    attempts = [each.release.attempt for each in standing]
    kept = 0 if target is None or target.attempt not in attempts else attempts.index(target.attempt) + 1
    return standing[kept:]


@dataclass(frozen=True)
class HeldUpload:
    """An upload that waits for the pause to end, with its event."""

    upload: Upload
    event: Mapping[str, Any]
    held_at: str

    @property
    def name(self) -> str:
        """The key of this hold: a second hold gets another one."""
        return f"{self.held_at}#{self.upload.identity}"


@dataclass(frozen=True)
class UploadsLook:
    """The progress of the scan for missed uploads.

    It ``began`` at the start of the release bucket and continues ``after`` a key and a version; uploads ``since`` a
    time are compared with the ledger.
    """

    began: datetime
    since: datetime
    after: tuple[str, str] | None = None

    @classmethod
    def first(cls, now: datetime) -> "UploadsLook":
        """Return the first scan of all, for what a day-old Belay may have missed."""
        return cls(now, now - timedelta(days=1))

    def next(self, after: tuple[str, str] | None, now: datetime) -> "UploadsLook":
        """Return the scan's continuation; with no page left, the next one from the start.

        The next one covers the minutes before this one began again: a listing may be older than that.
        """
        if after is not None:
            return replace(self, after=after)
        return UploadsLook(now, self.began - timedelta(minutes=15))


@dataclass(frozen=True)
class OpenAttempt:
    """An attempt that has not ended, or whose outcome was not announced, with its execution.

    ``at`` is when that was recorded, None if an earlier version of Belay did.
    """

    upload: Upload
    execution: str
    at: str | None = None


def numbered(attempts: Sequence[Attempt], attempt: str) -> int:
    """Return the number of an attempt among those at its version (oldest first), from 1."""
    return 1 + [each.id for each in attempts].index(attempt)


def file_key(name: str) -> str:
    """Return a short key for a file's name: DynamoDB's keys are shorter than S3's."""
    return name if len(name.encode()) <= LONGEST_IN_KEY else hashlib.sha256(name.encode()).hexdigest()
