"""Why something ended, as data, from detection to notification.

A step's reason is stored with the stage's other documents; state machines only pass its key, or the error output of
Step Functions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final

from belay.documents import parsed, parsed_object, read, schema_of, written
from belay.errors import UnknownSchema, UnreadableRecord
from belay.policy.verdict import Finding
from belay.release.left_to_do import LeftToDo
from belay.release.records import Outcome
from belay.stack.cause import Cause
from belay.stack.stack_id import name_of_stack

MOST_FINDINGS: Final = 20
"""How many findings a reason lists: it is stored in one item of the ledger and sent in one message."""


@dataclass(frozen=True)
class ReleaseProblems:
    """The upload is not an acceptable release: every problem found.

    ``by_registration``: the operator's registration is at fault, not the release.
    """

    kind: ClassVar[str] = "problems"
    problems: tuple[str, ...]
    by_registration: bool = False


@dataclass(frozen=True)
class FoundInStages:
    """A finding, with its stages if it is reported for several at once."""

    finding: Finding
    stages: tuple[str, ...] = ()


@dataclass(frozen=True)
class PolicyFindings:
    """Policies refused a release's templates, change sets or live groups; ``left_out`` counts unlisted findings."""

    kind: ClassVar[str] = "policy-findings"
    findings: tuple[FoundInStages, ...]
    left_out: int = 0

    @classmethod
    def of(cls, found: Sequence[FoundInStages], left_out: int = 0, most: int = MOST_FINDINGS) -> "PolicyFindings":
        """List at most ``most`` findings."""
        return cls(tuple(found[:most]), left_out + max(0, len(found) - most))


@dataclass(frozen=True)
class StackFailure:
    """An operation on a stack failed; ``said`` is the fallback if no event names a first cause."""

    kind: ClassVar[str] = "stack-failure"
    stack_id: str
    status: str
    cause: Cause | None = None
    said: str = ""

    @property
    def stack_name(self) -> str:
        """The stack's own name."""
        return name_of_stack(self.stack_id)


@dataclass(frozen=True)
class PipelineFailure:
    """An execution of a pipeline failed: the diagnosis, without CodePipeline's own details."""

    kind: ClassVar[str] = "pipeline-failure"
    cause: str
    evidence: tuple[str, ...] = ()
    fix: str | None = None
    link: str | None = None
    look: tuple[str, ...] = ()

    @property
    def left_to_do(self) -> tuple[LeftToDo, ...]:
        """The likely fix, with a link to documentation."""
        return () if self.fix is None else (LeftToDo("", f"Likely fix: {self.fix} {self.link}"),)


@dataclass(frozen=True)
class PersonDecided:
    """A person decided it: ``what`` is the decision, ``comment`` their comment.

    ``by`` is their ARN, or what is known of them if AWS's events give no name.
    """

    kind: ClassVar[str] = "person-decided"
    by: str
    what: str
    comment: str = ""


class Why(StrEnum):
    """The subject of a ``Statement``."""

    SUPERSEDED = "superseded"
    NOT_VERIFIED = "not-verified"
    PLAN_CHANGED = "plan-changed"
    DATABASE_CHANGES = "database-changes"
    NOT_FORECAST = "not-forecast"
    NOT_APPROVED = "not-approved"
    INTERRUPTED = "interrupted"
    WAITED_TOO_LONG = "waited-too-long"
    WAVE_FAILED = "wave-failed"
    TOLD = "told"
    """From Belay 0.1, which stored only text."""


@dataclass(frozen=True)
class Statement:
    """What Belay itself found, in one sentence."""

    kind: ClassVar[str] = "statement"
    about: Why
    what: str


@dataclass(frozen=True)
class Fault:
    """A step failed, which is not a verdict: the error's name and message."""

    kind: ClassVar[str] = "fault"
    error: str
    message: str

    @property
    def blind(self) -> bool:
        """Whether AWS could not be read, or a function could not run: nothing is known of its subject."""
        return self.error in _BLIND or self.error.startswith(("Lambda.", "Sandbox."))


_BLIND = {"AccessDenied", "ServiceUnavailable", "States.Timeout", "Throttled"}

StageReason = ReleaseProblems | PolicyFindings | StackFailure | PipelineFailure | PersonDecided | Statement | Fault
"""Why a release ended in one stage, or before any."""


@dataclass(frozen=True)
class StageEnd:
    """How one stage of a wave ended, and why if it was not just deployed."""

    stage: str
    outcome: Outcome
    reason: StageReason | None = None


@dataclass(frozen=True)
class WaveEnd:
    """A release ended in a wave of several stages: how each of them ended."""

    kind: ClassVar[str] = "wave"
    stages: tuple[StageEnd, ...]


Reason = StageReason | WaveEnd

_KINDS: Mapping[str, type[Reason]] = {
    **{each.kind: each for each in (ReleaseProblems, PolicyFindings, StackFailure, PipelineFailure)},
    **{each.kind: each for each in (PersonDecided, Statement, Fault, WaveEnd)},
}


def to_dict(reason: Reason) -> dict[str, Any]:
    """Return a reason as a JSON document."""
    return written(reason)


def from_document(document: Mapping[str, Any] | str) -> Reason:
    """Read what ``to_dict`` wrote, or the text that Belay 0.1 stored.

    Raises ``UnreadableRecord`` if it is neither, and ``UnknownSchema`` if a newer version wrote it.
    """
    if isinstance(document, str):
        return Statement(Why.TOLD, document)
    kind = _KINDS.get(document.get("kind", ""))
    if kind is None:
        schema_of(document, "the reason")
        raise UnreadableRecord(f"the reason: expected one of the kinds {', '.join(_KINDS)}, found {dict(document)}")
    return read(kind, document, "the reason")


# -- what a state machine caught ---------------------------------------------------------------------------------------


def kept_as(carried: Mapping[str, Any] | str | None) -> str | None:
    """Return the key of the document that a state machine passes on, or that an error names; None if it names none.

    What people may send to a waiting task never names one.
    """
    if not isinstance(carried, Mapping) or carried.get("Error") in (APPROVAL_DENIED, SUPERSEDED):
        return None
    try:
        named = carried if "document" in carried else parsed(_message(str(carried.get("Cause", ""))), "a cause")
    except UnreadableRecord:
        return None
    return str(named["document"]) if isinstance(named, Mapping) and "document" in named else None


def caught(output: Mapping[str, Any] | str | None) -> Reason | None:
    """Return why a task failed, from its error output; None if none did.

    A Lambda function's exception arrives as ``{"Error": name, "Cause": text}`` whose cause is a JSON document with
    ``errorMessage`` (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
    """
    if output is None or isinstance(output, str):
        return None if output is None else from_document(output)
    error = str(output.get("Error", ""))
    message = _message(str(output.get("Cause", ""))) or "no cause was given"
    if error == APPROVAL_EXPIRED:
        days = f"{message} day{'' if message == '1' else 's'}"
        return Statement(Why.NOT_APPROVED, f"nobody approved it within {days}")
    if error == APPROVAL_DENIED and message.startswith("{"):
        return _denied(message)
    if error in _REFUSALS:
        return ReleaseProblems(tuple(message.splitlines()), by_registration=error == "InvalidRegistration")
    if error in _STATEMENTS:
        return Statement(_STATEMENTS[error], message)
    return _stopped_execution(_document(str(output.get("Cause", "")))) or Fault(error, message)


def _denied(answer: str) -> Reason:
    """Return who denied an approval; a person who fails the task directly may send any content."""
    try:
        return read(PersonDecided, parsed_object(answer, "the document"), "the document")
    except (UnknownSchema, UnreadableRecord) as error:
        return Statement(Why.NOT_APPROVED, f"denied, the answer could not be read: {error}")


def _stopped_execution(execution: Mapping[str, Any]) -> Reason | None:
    """Return who stopped a child execution, from its description; None if nobody did."""
    if execution.get("Status") != "ABORTED":
        return None
    cause = str(execution.get("Cause") or "")
    outside = "its execution was stopped, but not by belay abort" + (f": {cause}" if cause else "")
    return stopped(execution.get("Error"), cause) or Statement(Why.INTERRUPTED, outside)


def abort_cause(by: str, comment: str) -> str:
    """Return the cause with which ``belay abort`` stops an execution for a person (an ARN)."""
    return f"{_STOPPED_BY}{by}" + (f": {comment}" if comment else "")


def stopped(error: str | None, cause: str) -> PersonDecided | None:
    """Return who stopped an execution with ``belay abort``, from its error and cause; None if nobody did."""
    if error != ABORTED:
        return None
    known = cause.startswith(_STOPPED_BY)
    by, _, comment = cause.removeprefix(_STOPPED_BY).partition(": ") if known else ("a person", "", cause)
    return PersonDecided(by, "stopped it", comment)


ABORTED = "Aborted"
"""The error with which ``belay abort`` stops an execution."""

_STOPPED_BY = "stopped by "

APPROVAL_DENIED, APPROVAL_EXPIRED = "ApprovalDenied", "ApprovalExpired"
"""Sent with the answer as a reason's document, and built by the state machine with the number of days."""

SUPERSEDED = "ReleaseSuperseded"
"""Raised by a step, or sent to an execution that waits."""

_REFUSALS = ("InvalidRelease", "InvalidRegistration", "UnreadableTemplate")
_STATEMENTS = {
    SUPERSEDED: Why.SUPERSEDED,
    "StackFailed": Why.TOLD,
    "NotForecast": Why.NOT_FORECAST,
    "WaitedTooLong": Why.WAITED_TOO_LONG,
    APPROVAL_DENIED: Why.NOT_APPROVED,
}


def _message(cause: str) -> str:
    document = _document(cause)
    if "ExecutionArn" in document:
        return _execution_ended(document)
    return str(document.get("errorMessage", cause))


def _document(cause: str) -> dict[str, Any]:
    """Return a cause that is a JSON document; an empty one if it is text."""
    try:
        return parsed_object(cause, "a cause")
    except UnreadableRecord:
        return {}


def _execution_ended(document: Mapping[str, Any]) -> str:
    """Describe how a child execution ended: the cause is then its description."""
    ended = f"{document['ExecutionArn']} ended {document.get('Status', 'without a status')}"
    if not document.get("Error"):
        return ended
    return f"{ended}: {document['Error']}: {_message(str(document.get('Cause', ''))) or 'no cause was given'}"
