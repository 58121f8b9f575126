"""Messages about what failed: being rolled back, waiting for a person, stable again."""

import shlex
from collections.abc import Sequence
from typing import Final

from belay.notify.deployment import Deployment
from belay.notify.message import About, Message, MessageKind, ThreadState, Urgency, compose
from belay.release.left_to_do import LeftToDo
from belay.release.reason import PersonDecided, Reason
from belay.stack.command_line import failed_events_command
from belay.stack.stack_id import name_of_stack


def recovery_started(deployment: Deployment, *, reason: Reason | None, steps: Sequence[str]) -> Message:
    """Report that a lasting stage is being rolled back; ``steps`` are the plan, in order.

    Something failed there, or ``reason`` is what a person decided.
    """
    decided = isinstance(reason, PersonDecided)
    happened = "is being rolled back because of what a person did" if decided else "failed and is being rolled back"
    return compose(
        MessageKind.RECOVERY_STARTED,
        Urgency.WARNING,
        deployment.about,
        "ROLLING BACK" if decided else "FAILED, ROLLING BACK",
        what=f"{deployment.in_words} {happened}.",
        reason=reason,
        lists={"steps": ("What is being done", steps)},
        otherwise="Nothing to do yet: the next message in this thread reports how the recovery ended.",
        look=deployment.look(),
        key=f"recovery-{deployment.stage}",
    )


def person_needed(
    deployment: Deployment,
    *,
    why: str,
    left_to_do: Sequence[LeftToDo],
    reason: Reason | None = None,
    done: Sequence[str] = (),
    urgency: Urgency = Urgency.CRITICAL,
) -> Message:
    """Report that something waits for a person: ``why``, and what that person is to do.

    ``urgency`` is WARNING where waiting does no harm, as with an approval.
    """
    return compose(
        MessageKind.PERSON_NEEDED,
        urgency,
        deployment.about,
        "A PERSON IS NEEDED",
        what=why,
        reason=reason,
        done=done,
        left_to_do=left_to_do,
        look=deployment.look(),
    )


def foreign_stack_failed(
    application: str,
    stage: str,
    *,
    stack: str,
    stack_id: str,
    status: str,
    reason: Reason | None = None,
    done: Sequence[str] = (),
    left_to_do: Sequence[LeftToDo] = (),
    thread: str | None = None,
) -> Message:
    """Report that a registered stack failed in an operation that Belay did not start."""
    name = name_of_stack(stack_id)
    return compose(
        MessageKind.FOREIGN_STACK_FAILED,
        Urgency.CRITICAL if left_to_do else Urgency.WARNING,
        About(application, f"{application} in {stage}, stack {stack}, not by Belay", stage=stage, thread=thread),
        status,
        what=f"The stack {name} is {status}. It failed in an operation that Belay did not start.",
        reason=reason,
        done=done,
        left_to_do=left_to_do,
        otherwise="Nothing to do now. Tell the person who started the operation what caused it to fail.",
        look=[f"belay status {shlex.quote(application)}"],
        look_there=[failed_events_command(stack_id)],
        key="foreign",
        state=ThreadState.OPEN if left_to_do else ThreadState.CLOSED,
        closes=frozenset({MessageKind.RECOVERY_STARTED}),
        stack=stack,
        stack_id=stack_id,
        status=status,
    )


def healthy_again(
    application: str,
    stage: str,
    *,
    incident: str,
    thread: str,
    stacks: Sequence[str],
    version: str | None = None,
    left_to_do: Sequence[LeftToDo] = (),
    more: bool = False,
) -> Message:
    """Report that the stacks that an incident left to a person are stable again; ``stacks`` say each with its status.

    ``left_to_do`` is what a person made them stable without; ``more`` says that the incident left more than stacks.
    With either, it stays open until somebody closes it.
    """
    stays = bool(left_to_do) or more
    rest = "It stays open until somebody closes it" if stays else "This closes the incident"
    return compose(
        MessageKind.HEALTHY_AGAIN,
        Urgency.WARNING if stays else Urgency.INFO,
        About(application, f"{application}{f' {version}' if version else ''} in {stage}", version, stage, thread),
        "STABLE AGAIN, NOT CHECKED" if left_to_do else "STABLE AGAIN, MORE LEFT TO DO" if more else "HEALTHY AGAIN",
        what=f"All stacks that the incident left to a person are stable again. {rest}.",
        left_to_do=[
            *left_to_do,
            *([LeftToDo("", "Do what else the incident left, then close it", then=_show(incident))] if more else []),
        ],
        lists={"stacks": ("Stacks", stacks)},
        otherwise="Nothing to do.",
        look=[_show(incident), f"belay status {shlex.quote(application)}"],
        state=ThreadState.OPEN if stays else ThreadState.CLOSED,
        closes=frozenset() if stays else _CLOSED,
        incident=incident,
    )


def incident_acknowledged(deployment: Deployment, incident: str, *, by: str, at: str, comment: str) -> Message:
    """Report that somebody (an ARN) is on an incident since a time, and what they say about it."""
    return compose(
        MessageKind.INCIDENT_ACKNOWLEDGED,
        Urgency.INFO,
        deployment.about,
        "ACKNOWLEDGED",
        what=f"{by} is on the incident {incident} of {deployment.in_words}{_saying(comment)}",
        otherwise=f"Nothing to do, unless you can help {by}.",
        look=[_show(incident)],
        key=f"acknowledged-{at}",
        incident=incident,
        by=by,
    )


def incident_closed(deployment: Deployment, incident: str, *, by: str, why: str, mixed: str | None = None) -> Message:
    """Report that what an incident left is done, according to a person (an ARN) or Belay, and why.

    ``mixed`` says what the stage's stacks run, if that is not the same.
    """
    application, stage = deployment.application, deployment.stage or ""
    still = LeftToDo(
        stage,
        "bring its stacks to one version",
        f"it runs {mixed}",
        look=f"belay rollback {shlex.quote(application)} {shlex.quote(stage)} --plan",
    )
    return compose(
        MessageKind.INCIDENT_CLOSED,
        Urgency.WARNING if mixed else Urgency.INFO,
        deployment.about,
        "CLOSED",
        what=f"{by} closed the incident {incident} of {deployment.in_words}{_saying(why)}",
        left_to_do=[still] if mixed else [],
        otherwise="Nothing to do.",
        look=[_show(incident)],
        key="closed",
        state=ThreadState.CLOSED,
        closes=_CLOSED,
        incident=incident,
        by=by,
    )


def _saying(comment: str) -> str:
    return f": {comment}" if comment else "."


def _show(incident: str) -> str:
    return f"belay incident show {shlex.quote(incident)}"


_CLOSED: Final = frozenset(
    {
        MessageKind.RELEASE_ENDED,
        MessageKind.FOREIGN_STACK_FAILED,
        MessageKind.PERSON_NEEDED,
        MessageKind.PIPELINE_RECOVERED,
        MessageKind.HEALTHY_AGAIN,
        MessageKind.INCIDENT_ACKNOWLEDGED,
    }
)
"""What the end of an incident settles."""
