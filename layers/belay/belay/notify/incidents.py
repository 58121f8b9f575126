"""Messages about what failed: being rolled back, waiting for a person, stable again."""

import shlex
from collections.abc import Sequence

from belay.notify.deployment import Deployment
from belay.notify.message import About, Message, MessageKind, ThreadState, Urgency, compose
from belay.release.left_to_do import LeftToDo
from belay.release.reason import PersonDecided, Reason
from belay.stack.command_line import failed_events_command


def recovery_started(deployment: Deployment, *, reason: Reason | None, steps: Sequence[str]) -> Message:
    """Tell that a lasting stage is being rolled back; ``steps`` are the plan, in order.

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
    """Tell that something waits for a person: ``why``, and what that person is to do.

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
    """Tell that a registered stack failed in an operation that Belay did not start."""
    name = stack_id.split("/")[1] if "/" in stack_id else stack_id
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
        look=[f"belay status {shlex.quote(application)}", failed_events_command(stack_id)],
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
    thread: str,
    stacks: Sequence[str],
    version: str | None = None,
    left_to_do: Sequence[LeftToDo] = (),
) -> Message:
    """Tell that the stacks that an incident left to a person are stable again; ``stacks`` say each with its status.

    ``left_to_do`` is what a person made them stable without.
    """
    return compose(
        MessageKind.HEALTHY_AGAIN,
        Urgency.WARNING if left_to_do else Urgency.INFO,
        About(application, f"{application}{f' {version}' if version else ''} in {stage}", version, stage, thread),
        "STABLE AGAIN, NOT CHECKED" if left_to_do else "HEALTHY AGAIN",
        what="All stacks that the incident left to a person are stable again. This closes the incident.",
        left_to_do=left_to_do,
        lists={"stacks": ("Stacks", stacks)},
        otherwise="Nothing to do, unless an earlier message in this thread asked for more than repairing stacks.",
        look=[f"belay status {shlex.quote(application)}"],
        state=ThreadState.CLOSED,
        closes=frozenset(
            {
                MessageKind.RELEASE_ENDED,
                MessageKind.FOREIGN_STACK_FAILED,
                MessageKind.PERSON_NEEDED,
                MessageKind.PIPELINE_RECOVERED,
            }
        ),
    )
