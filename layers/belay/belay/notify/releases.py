"""Messages about one release: held, on its way, ended, taken back because a person asked."""

from collections.abc import Sequence
from dataclasses import replace

from belay.notify.deployment import Deployment
from belay.notify.message import Kind, Message, Severity, State, compose
from belay.notify.outcomes import OTHERWISE, SEVERITY, WHAT
from belay.release.records import Outcome
from belay.stack.cause import Cause


def deployment_started(
    deployment: Deployment, *, changes: Sequence[str], replaces: str | None = None, through: Sequence[str] = ()
) -> Message:
    """Tell that a release passed its gates and is on its way to the deployment's stage, its last.

    ``changes`` say what it will change, the riskiest first; ``replaces`` is the version that runs there now;
    ``through`` are the stages it goes through, in order, where there are several.
    """
    name = f"{deployment.application} {deployment.version}"
    way = ", then ".join(through) or deployment.where
    today = f"{deployment.where} runs {replaces}" if replaces else f"nothing was deployed to {deployment.where}"
    return compose(
        Kind.DEPLOYMENT_STARTED,
        Severity.INFO,
        replace(deployment.about, in_words=f"{name} ({way})"),
        "STARTED",
        what=f"{name} passed its gates and is on its way to {way}. Until then {today}.",
        findings=changes,
        findings_title="What it changes",
        otherwise="Nothing to do.",
        look=deployment.look(),
        closes=frozenset({Kind.RELEASE_HELD}),
    )


def release_held(deployment: Deployment, *, why: str, until: str, let_through: str = "") -> Message:
    """Tell that a release waits without harm: ``why``, and ``until`` what, as in ``until somebody resumes``.

    ``let_through`` is the command by which it goes on earlier, where there is one.
    """
    return compose(
        Kind.RELEASE_HELD,
        Severity.INFO,
        deployment.about,
        "HELD",
        what=f"{deployment.in_words} is held: {why}. Nothing is lost and nothing was changed.",
        otherwise=f"Nothing to do: it goes on by itself {until}.",
        findings=[f"It goes on earlier by: {let_through}"] if let_through else (),
        findings_title="If it cannot wait",
        look=deployment.look(),
        key=f"held-{deployment.stage}" if let_through else "held",
    )


def release_ended(
    outcome: Outcome,
    deployment: Deployment,
    *,
    what: str | None = None,
    cause: Cause | str | None = None,
    done: Sequence[str] = (),
    left_to_do: Sequence[str] = (),
    findings: Sequence[str] = (),
    changed: Sequence[str] = (),
    runs_now: str | None = None,
) -> Message:
    """Tell how a release ended.

    ``what`` says it in a sentence or two, and has a default for each outcome; ``cause`` as text may have several lines,
    one a problem; ``done`` are the steps taken, in order; ``findings`` what the gates and the live validation found, or
    ``changed`` what the release changed; ``runs_now`` is the version that the stage runs now.
    """
    return compose(
        Kind.RELEASE_ENDED,
        SEVERITY[outcome],
        deployment.about,
        outcome,
        outcome=outcome,
        what=" ".join(
            filter(None, (what or WHAT[outcome], f"{deployment.where} runs {runs_now}." if runs_now else ""))
        ),
        cause=cause,
        done=done,
        left_to_do=left_to_do,
        otherwise=OTHERWISE[outcome],
        findings=findings or changed,
        findings_title="Findings" if findings else "What changed",
        look=deployment.look(cause),
        key="ended",
        state=State.OPEN if outcome is Outcome.NEEDS_OPERATOR else State.CLOSED,
        closes=frozenset(
            {
                Kind.RELEASE_HELD,
                Kind.DEPLOYMENT_STARTED,
                Kind.APPROVAL_REQUESTED,
                Kind.RECOVERY_STARTED,
                Kind.PERSON_NEEDED,
            }
        ),
    )


def asked_rollback_ended(
    outcome: Outcome,
    deployment: Deployment,
    *,
    target: str | None,
    reason: str,
    done: Sequence[str] = (),
    left_to_do: Sequence[str] = (),
) -> Message:
    """Tell how a rollback ended that a person asked for.

    ``deployment`` names what was undone, ``target`` the version it went back to, None where nothing was before it;
    ``reason`` says who asked, and why.
    """
    goal = f"to {target}" if target else "to what was before"
    ended = {
        Outcome.ROLLED_BACK: f"{deployment.where} was brought back {goal}, as a person asked.",
        Outcome.NEEDS_OPERATOR: f"The way back {goal}, which a person asked for, needs a person to finish it.",
    }
    return release_ended(
        outcome, deployment, what=ended[outcome], cause=reason, done=done, left_to_do=left_to_do, runs_now=None
    )
