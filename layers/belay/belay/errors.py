"""Every fault that a room may raise and a state machine may catch by name.

A verdict is returned; a fault is raised. A state machine catches these class names first and ``States.ALL`` last, so a
name here is part of the machines' interface: each docstring says who raises it and what happens next.
"""

from collections.abc import Sequence
from typing import Final

_LONGEST: Final = 12_000


def _bounded(problems: Sequence[str]) -> str:
    message = "\n".join(problems)
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]}\n... and more"


class BelayError(Exception):
    """The common base: never raised itself."""


class InvalidRelease(BelayError):  # noqa: N818 - the outcome's own word reads better in a machine than "...Error"
    """What was uploaded is not an acceptable release.

    Raised by the ``release`` room with every problem found, one per line; a step stores them as a document and raises
    it again with the document's key, as JSON (``Reasons.refusing``). The release ends REJECTED, nothing changed. The
    message is truncated: a state machine stores 32,768 characters of a cause
    (https://docs.aws.amazon.com/step-functions/latest/apireference/API_TaskFailedEventDetails.html).
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__(_bounded(problems))
        self.problems = problems


class _ListedProblems(BelayError):  # noqa: N818
    """The base of faults with several problems: never raised itself."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class InvalidRegistration(_ListedProblems):
    """The operator's registration of an application or stage cannot be used.

    Raised by ``release.registration`` with every problem found, each with its path. The release ends REJECTED, nothing
    changed; the operator corrects the parameter and the release is uploaded again.
    """


class UnreadableTemplate(BelayError):  # noqa: N818
    """A document that should be a CloudFormation template cannot be read as one.

    Raised by ``template.loader`` with the file, the line and the column. The release ends REJECTED, nothing changed.
    """


class UnreadableChanges(BelayError):  # noqa: N818
    """A release's database changes, or files of SQL, cannot be read.

    Raised by the ``sql`` room with every problem found, each with the file, the line and the column. The release ends
    REJECTED, nothing changed. The message is truncated like that of :class:`InvalidRelease`.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(_bounded(problems))
        self.problems = list(problems)


class ReleaseSuperseded(BelayError):  # noqa: N818
    """A newer release of the application overtook this one, or the same version is already under way.

    Raised by ``open_release`` and by the steps before a stage is changed. The release ends ABORTED, nothing changed.
    """


class IllegalTransition(BelayError):  # noqa: N818
    """An attempt's state does not allow the transition (``release.life``), or is not known.

    Raised by the ledger, which recorded nothing. Another execution or a person moved the attempt: a machine catches it
    like any fault and opens an incident, or finds the open one.
    """


class LockLost(BelayError):  # noqa: N818
    """The stage's lock is no longer held: its fencing token has advanced.

    Raised by the ledger before every changing call. The execution stops changing things; the lock's new holder decides
    what happens next.
    """


class StackFailed(BelayError):  # noqa: N818
    """A stack operation that this release started failed.

    Raised by ``execute_wave``, ``delete_stacks`` and ``check_pipeline`` with the key of the document that says why, as
    JSON (``Reasons.failed``). An incident is opened.
    """


class ChangesFailed(BelayError):  # noqa: N818
    """A release's database changes could not be read or completely applied.

    Raised by ``plan_changes`` and ``apply_changes`` with the key of the document that says why, as JSON
    (``Reasons.changes_failed``). An incident is opened.
    """


class StackNotDeployable(BelayError):  # noqa: N818
    """A registered stack is in a status in which no change set can be created or executed.

    Raised by ``plan_stage`` with the status. An incident is opened, which recovers the stack or leaves it to a person.
    """


class SnapshotFailed(BelayError):  # noqa: N818
    """A database snapshot was refused or ended in a status other than available.

    Raised by ``snapshot_databases``, before anything changed. An incident is opened.
    """


class RestoreRefused(BelayError):  # noqa: N818
    """A database cannot currently be restored from a vault.

    Raised by ``belay vault restore`` before the step that would be wrong, with what a person must do.
    """


class AwsFault(BelayError):  # noqa: N818
    """AWS returned an error that Belay has no rule for.

    Raised by every gateway, with the operation, the code and AWS's message. Never a verdict: an incident is opened, or
    the release ends NEEDS_OPERATOR if nothing was changed.
    """

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation} answered {code}: {message}")
        self.operation = operation
        self.code = code
        self.message = message


class AccessDenied(AwsFault):
    """AWS denied the call because a permission is missing.

    Raised by every gateway. Not retried; the message says what to do: grant the action, then upload again.
    """


class Throttled(AwsFault):
    """AWS throttled the call, and botocore's own retries were used up.

    Raised by every gateway. Each state machine retries the task with backoff.
    """


class ServiceUnavailable(AwsFault):
    """AWS returned a server error or, if ``answered`` is false, did not respond.

    Raised by every gateway. Each state machine retries the task with backoff.
    """

    def __init__(self, operation: str, code: str, message: str, *, answered: bool = True) -> None:
        super().__init__(operation, code, message)
        self.answered = answered


def may_pass(fault: AwsFault) -> bool:
    """Whether a fault is transient; an unresponsive region may not be."""
    return isinstance(fault, Throttled) or (isinstance(fault, ServiceUnavailable) and fault.answered)


class InvalidRequest(AwsFault):
    """AWS called the request itself invalid (``ValidationError`` and the like).

    Raised by every gateway; a caller that sent a release's own template or parameters turns it into InvalidRelease.
    """


class InvalidEvent(BelayError):  # noqa: N818
    """What EventBridge delivered does not have the shape that AWS documents for its detail-type.

    Raised by the ``events`` room, naming the path in the event, what was expected and what was found. Nothing was
    started: the event goes to the dead-letter queue of its rule, whose alarm calls a person, and the sweep finds what
    it was about.
    """


class MissingDocument(BelayError):  # noqa: N818
    """A document that an earlier step wrote to the artifact bucket was deleted.

    Raised by the functions of a stage. The bucket was emptied: an incident is opened.
    """


class UnknownSchema(BelayError):  # noqa: N818
    """A document or record was written by a newer Belay than the one that reads it.

    Raised by the readers of documents and records. Nothing is changed by it; deploy the newer Belay again.
    """

    def __init__(self, what: str, found: int, known: int) -> None:
        super().__init__(f"{what} has schema {found}, and this Belay reads up to {known}: deploy the newer Belay again")


class UnreadableRecord(BelayError):  # noqa: N818
    """A document or record that Belay wrote is not as any version of Belay writes it.

    Raised by ``belay.documents``, with what was expected and found and where. The reader stops before it changes
    anything; the document was modified, or damaged in S3 or DynamoDB.
    """


class NotForecast(BelayError):  # noqa: N818
    """Database changes could not be tried on a copy, for a reason that is no verdict on them.

    Raised by the steps of ``forecast_changes``: there is no snapshot, the copy did not become available, the executor
    refused. The copy is deleted and the forecast is REVIEW, with this as its reason.
    """


class ExecutorFailed(BelayError):  # noqa: N818
    """An operator's database executor failed, or its response violates the protocol.

    Raised by ``aws.executors``, with the function and its response. It says nothing about the database: an operation
    may have begun, and a retry with its token shows it.
    """

    def __init__(self, function: str, found: str) -> None:
        super().__init__(f"the database executor {function} gave no answer: {found}")


class StagesNotValidated(_ListedProblems):
    """Deployed stages could not be re-validated, because of a fault of AWS's or of the registration.

    Raised by ``revalidate_stages`` after it has tried every stage, with one line for each that failed. Lambda retries
    twice; then the event goes to the dead-letter queue, whose alarm calls a person. It is no verdict.
    """


class CopiesNotTagged(_ListedProblems):
    """Copies of files for stages elsewhere could not be read, so that unneeded ones do not expire.

    Raised by ``tag_unneeded`` after it has read every other bucket, with one line for each that failed. Lambda retries
    twice; then the event goes to the dead-letter queue, whose alarm calls a person.
    """


class CopiesNotDeleted(_ListedProblems):
    """Copies of databases in other accounts or regions could not be listed or deleted.

    Raised by ``clean_copies`` after it has deleted what it could, with one line for each problem. Lambda retries twice;
    then the event goes to the dead-letter queue, whose alarm calls a person.
    """


class SnapshotsNotCleaned(_ListedProblems):
    """Unneeded snapshots could not be deleted, or too many are needed for the account's quota.

    Raised by ``clean_snapshots``, and by ``copy_to_vault`` for a vault, after it has deleted what it could, with one
    line for each problem. Lambda retries twice; then the event goes to the dead-letter queue, whose alarm calls a
    person, before a release is refused its snapshot.
    """


class InvalidActionConfiguration(BelayError):  # noqa: N818
    """A CodePipeline action's ``UserParameters``, or what they name, cannot be used.

    Raised by the ``pipeline`` room and the action functions, with what was expected and found. The job ends as a
    ConfigurationError; the pipeline's owner corrects its action.
    """


class ValidationFailed(BelayError):  # noqa: N818
    """What a CodePipeline action validated violates a policy, or could not be decided.

    Raised by the action functions with the findings in words. The job ends as JobFailed and stops the pipeline there.
    """


class IncidentEnded(BelayError):  # noqa: N818
    """Another execution has already ended the incident to be recovered.

    Raised by ``lock_stage``. The execution ends without doing anything.
    """


class RollbackFailed(BelayError):  # noqa: N818
    """A rollback requested by a pipeline needs a person to complete it.

    Raised by ``rollback_action``, with what is left to do. The job ends as JobFailed.
    """
