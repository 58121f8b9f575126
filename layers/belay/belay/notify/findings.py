"""Messages about what the re-validation of a deployed stage found, and found gone."""

from collections.abc import Sequence

from belay.notify.deployment import Deployment
from belay.notify.message import Message, MessageKind, ThreadState, Urgency, compose
from belay.policy.verdict import Finding
from belay.release.left_to_do import LeftToDo
from belay.release.reason import FoundInStages
from belay.wording import counted


def findings_appeared(
    deployment: Deployment, *, findings: Sequence[Finding], known: int, grave: bool, seen_at: str
) -> Message:
    """Report what the re-validation of a deployed stage found that was not there before.

    ``findings`` are the new ones; ``known`` counts those told before and still there; ``grave`` says
    whether one of the new ones breaks a policy that would have stopped a release. ``seen_at`` tells one occasion from
    the next: what has gone may come back.
    """
    found, was = counted(len(findings), "finding"), "was" if len(findings) == 1 else "were"
    return compose(
        MessageKind.FINDINGS_APPEARED,
        Urgency.CRITICAL if grave else Urgency.WARNING,
        deployment.about,
        "NEW FINDINGS",
        what=f"{deployment.where} was validated again: {found} that {was} not there last time.{_still(known)}",
        findings=[FoundInStages(each) for each in findings],
        left_to_do=[
            LeftToDo(
                "",
                "Find out who changed the group: CloudTrail records AuthorizeSecurityGroupIngress and "
                "AuthorizeSecurityGroupEgress.",
            ),
            LeftToDo(
                "", "Revert the change, add it to the template in a release, or have the operator waive the finding."
            ),
        ],
        look=deployment.look(),
        key=seen_at,
    )


def findings_gone(deployment: Deployment, *, gone: Sequence[Finding], left: int, seen_at: str) -> Message:
    """Report that findings of a re-validation are no longer there; ``left`` counts those that still are."""
    return compose(
        MessageKind.FINDINGS_GONE,
        Urgency.INFO,
        deployment.about,
        "FINDINGS GONE",
        what=f"{deployment.where} was validated again: the findings listed here are gone.{_still(left)}",
        findings=[FoundInStages(each) for each in gone],
        findings_title="Gone",
        otherwise="Nothing to do." if not left else "Nothing new to do.",
        look=deployment.look(),
        state=ThreadState.OPEN if left else ThreadState.CLOSED,
        key=seen_at,
        closes=frozenset() if left else frozenset({MessageKind.FINDINGS_APPEARED}),
    )


def _still(count: int) -> str:
    return f" {count} reported before {'is' if count == 1 else 'are'} still there." if count else ""
