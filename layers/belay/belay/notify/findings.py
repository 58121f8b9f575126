"""Messages about what the re-validation of a deployed stage found, and found gone."""

from collections.abc import Sequence

from belay.notify.deployment import Deployment
from belay.notify.message import Kind, Message, Severity, State, compose


def findings_appeared(
    deployment: Deployment, *, findings: Sequence[str], known: int, grave: bool, seen_at: str
) -> Message:
    """Tell what the re-validation of a deployed stage found that was not there before.

    ``findings`` are the new ones, a line each; ``known`` counts those told before and still there; ``grave`` says
    whether one of the new ones breaks a policy that would have stopped a release. ``seen_at`` tells one occasion from
    the next: what has gone may come back.
    """
    found, was = ("1 finding", "was") if len(findings) == 1 else (f"{len(findings)} findings", "were")
    before = f" {known} told before {'is' if known == 1 else 'are'} still there." if known else ""
    return compose(
        Kind.FINDINGS_APPEARED,
        Severity.CRITICAL if grave else Severity.WARNING,
        deployment.about,
        "NEW FINDINGS",
        what=f"{deployment.where} was validated again: {found} that {was} not there the last time.{before}",
        findings=findings,
        left_to_do=[
            "Find out who changed the group: CloudTrail has AuthorizeSecurityGroupIngress and ...Egress.",
            "Take the change back, bring it into the template by a release, or let the operator waive it.",
        ],
        look=deployment.look(),
        key=seen_at,
    )


def findings_gone(deployment: Deployment, *, gone: Sequence[str], left: int, seen_at: str) -> Message:
    """Tell that findings of a re-validation are no longer there; ``left`` counts those that still are."""
    rest = f" {left} told before {'is' if left == 1 else 'are'} still there." if left else ""
    return compose(
        Kind.FINDINGS_GONE,
        Severity.INFO,
        deployment.about,
        "FINDINGS GONE",
        what=f"{deployment.where} was validated again: what is listed here is no longer there.{rest}",
        findings=gone,
        findings_title="Gone",
        otherwise="Nothing to do." if not left else "Nothing new to do.",
        look=deployment.look(),
        state=State.OPEN if left else State.CLOSED,
        key=seen_at,
        closes=frozenset() if left else frozenset({Kind.FINDINGS_APPEARED}),
    )
