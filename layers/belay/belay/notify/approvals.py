"""The message that asks for an approval, and the one that reminds of it."""

from collections.abc import Mapping, Sequence

from belay.notify.deployment import Deployment
from belay.notify.message import Message, MessageKind, Urgency, compose
from belay.release.left_to_do import LeftToDo


def approval_requested(
    deployment: Deployment,
    *,
    what: str,
    until: str,
    changes: Sequence[str],
    more: Mapping[str, Sequence[str]],
    answers: Sequence[LeftToDo],
    report: str,
    reminder: bool = False,
) -> Message:
    """Ask people to approve a release in a stage, or remind them that it was asked.

    ``changes`` say what it would change, the riskiest first; ``more`` are other things to know, by their titles;
    ``answers`` say how to answer, ``report`` is the command that opens the full report. ``until`` says when it is
    too late.
    """
    return compose(
        MessageKind.APPROVAL_REQUESTED,
        Urgency.WARNING,
        deployment.about,
        "STILL WAITING FOR APPROVAL" if reminder else "APPROVAL NEEDED",
        what=f"{what} Without an answer by {until}, it ends ABORTED.",
        lists={"changes": ("Changes, the riskiest first", changes)},
        more=more,
        left_to_do=[LeftToDo("", "Read the report", then=report), *answers],
        look=deployment.look(),
        key=f"{deployment.stage}{'-reminder' if reminder else ''}",
    )
