"""Messages about what failed: being taken back, waiting for a person, stable again."""

import shlex
from collections.abc import Sequence

from belay.notify.deployment import Deployment
from belay.notify.message import About, Kind, Message, Severity, State, compose
from belay.stack.cause import Cause
from belay.stack.command_line import failed_events_command


def recovery_started(deployment: Deployment, *, cause: Cause | str | None, steps: Sequence[str]) -> Message:
    """Tell that something failed in a lasting stage and is being taken back; ``steps`` are the plan, in order."""
    return compose(
        Kind.RECOVERY_STARTED,
        Severity.WARNING,
        deployment.about,
        "FAILED, BEING TAKEN BACK",
        what=f"{deployment.in_words} failed. {deployment.where} is being brought back to what it was.",
        cause=cause,
        findings=steps,
        findings_title="What is being done",
        otherwise="Nothing to do yet: the next message in this thread tells how the recovery ended.",
        look=deployment.look(cause),
        key=f"recovery-{deployment.stage}",
    )


def person_needed(
    deployment: Deployment,
    *,
    why: str,
    left_to_do: Sequence[str],
    cause: Cause | str | None = None,
    done: Sequence[str] = (),
    severity: Severity = Severity.CRITICAL,
) -> Message:
    """Tell that something waits for a person: ``why``, and what that person is to do.

    ``severity`` is WARNING where waiting does no harm, as with an approval.
    """
    return compose(
        Kind.PERSON_NEEDED,
        severity,
        deployment.about,
        "A PERSON IS NEEDED",
        what=why,
        cause=cause,
        done=done,
        left_to_do=left_to_do,
        look=deployment.look(cause),
    )


def foreign_stack_failed(
    application: str,
    stage: str,
    *,
    stack: str,
    stack_id: str,
    status: str,
    cause: Cause | str | None = None,
    done: Sequence[str] = (),
    left_to_do: Sequence[str] = (),
    thread: str | None = None,
) -> Message:
    """Tell that a registered stack failed under somebody else's hands: no release of Belay's did that."""
    name = stack_id.split("/")[1] if "/" in stack_id else stack_id
    return compose(
        Kind.FOREIGN_STACK_FAILED,
        Severity.CRITICAL if left_to_do else Severity.WARNING,
        About(application, f"{application} in {stage}, stack {stack}, not by a release", stage=stage, thread=thread),
        status,
        what=f"The stack {name} went {status} under an operation that somebody else started, not a release.",
        cause=cause,
        done=done,
        left_to_do=left_to_do,
        otherwise="Nothing to do now. Whoever started the operation will want to know the cause.",
        look=[f"belay status {shlex.quote(application)}", failed_events_command(stack_id)],
        key="foreign",
        state=State.OPEN if left_to_do else State.CLOSED,
        closes=frozenset({Kind.RECOVERY_STARTED}),
        stack=stack,
        stack_id=stack_id,
        status=status,
    )


def healthy_again(
    application: str, stage: str, *, thread: str, stacks: Sequence[str], version: str | None = None
) -> Message:
    """Tell that the stacks that an incident left to a person are stable again; ``stacks`` say each with its status."""
    return compose(
        Kind.HEALTHY_AGAIN,
        Severity.INFO,
        About(application, f"{application}{f' {version}' if version else ''} in {stage}", version, stage, thread),
        "HEALTHY AGAIN",
        what="Every stack that the incident had left to a person is stable again. This closes it.",
        findings=stacks,
        findings_title="Stacks",
        otherwise="Nothing to do, unless the message that is closed here asked for more than stacks.",
        look=[f"belay status {shlex.quote(application)}"],
        state=State.CLOSED,
        closes=frozenset({Kind.RELEASE_ENDED, Kind.FOREIGN_STACK_FAILED, Kind.PERSON_NEEDED, Kind.PIPELINE_RECOVERED}),
    )
