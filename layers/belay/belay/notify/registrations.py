"""Messages about registrations: one that cannot be read, one that was corrected."""

import shlex
from collections.abc import Sequence

from belay.notify.message import About, Message, MessageKind, ThreadState, Urgency, compose
from belay.release.left_to_do import LeftToDo


def registration_unreadable(
    application: str, stage: str, *, parameter: str, problems: Sequence[str], since: str
) -> Message:
    """Report that the registration of an application, or of its ``stage`` where one is named, cannot be read.

    ``since`` distinguishes one occasion from the next: the same mistake may come back.
    """
    stacks = f"its stacks in {stage}" if stage else "its stacks"
    return compose(
        MessageKind.REGISTRATION_UNREADABLE,
        Urgency.WARNING,
        _about(application, stage),
        "CANNOT BE READ",
        what=f"The parameter {parameter} in Parameter Store is not a valid registration. Until it is corrected, every "
        f"upload of {application} is rejected, and failures of {stacks} in operations that Belay did not "
        "start go unnoticed.",
        findings=problems,
        findings_title="Problems",
        left_to_do=[
            LeftToDo(
                parameter,
                "correct the problems listed here",
                look=f"aws ssm get-parameter --name {shlex.quote(parameter)} --with-decryption",
            )
        ],
        key=since,
    )


def stacks_shared(application: str, stage: str, *, parameter: str, problems: Sequence[str], since: str) -> Message:
    """Report that a stage registers another stage's stacks; ``since`` as in ``registration_unreadable``."""
    return compose(
        MessageKind.STACKS_SHARED,
        Urgency.WARNING,
        _about(application, stage),
        "SHARES A STACK",
        what="Two stages deploy over each other, and a rollback of one brings back what the other replaced. "
        f"{application} can still be deployed there if it was before; any other release is rejected.",
        findings=problems,
        findings_title="Stacks",
        left_to_do=[LeftToDo(parameter, "register a stack of another name, in one of the stages", look="belay stacks")],
        key=since,
    )


def registration_corrected(application: str, stage: str, *, parameter: str, since: str) -> Message:
    """Report that a parameter that was wrong ``since`` a time is correct again."""
    return compose(
        MessageKind.REGISTRATION_CORRECTED,
        Urgency.INFO,
        _about(application, stage),
        "CORRECTED",
        what=f"The parameter {parameter} in Parameter Store is a valid registration again, or was removed.",
        otherwise=f"Nothing to do. Rejected uploads of {application} can be retried.",
        look=[f"belay list {shlex.quote(application)}"],
        key=since,
        state=ThreadState.CLOSED,
        closes=frozenset({MessageKind.REGISTRATION_UNREADABLE, MessageKind.STACKS_SHARED}),
    )


def _about(application: str, stage: str) -> About:
    in_words = f"The registration of {application}" + (f" in {stage}" if stage else "")
    thread = f"registration/{application}" + (f"/{stage}" if stage else "")
    return About(application, in_words, stage=stage or None, thread=thread)
