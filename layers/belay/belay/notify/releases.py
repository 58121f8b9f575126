"""Messages about one release: held, on its way, ended, rolled back because a person asked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from belay.notify.deployment import Deployment
from belay.notify.message import Message, MessageKind, ThreadState, Urgency, compose
from belay.notify.outcomes import URGENCY, otherwise, what_it_means
from belay.release.left_to_do import LeftToDo
from belay.release.reason import Reason
from belay.release.records import Outcome, ReleaseReference, Upload
from belay.release.waves import Waves, in_words


def deployment_started(
    deployment: Deployment, *, changes: Sequence[str], replaces: Mapping[str, str | None], through: Waves = ()
) -> Message:
    """Report that a release passed its gates and is on its way to the deployment's stage, its last.

    ``changes`` say what it will change, the riskiest first; ``replaces`` is what each stage of its last wave runs now;
    ``through`` are the stages it goes through, in order, those together that are deployed at the same time.
    """
    name = f"{deployment.application} {deployment.version}"
    way = in_words(through) or deployment.where
    today = " and ".join(f"{stage} runs {version}" for stage, version in replaces.items() if version)
    nothing = " and ".join(stage for stage, version in replaces.items() if not version)
    now = ", and ".join(filter(None, (today, f"nothing is deployed to {nothing}" if nothing else "")))
    return compose(
        MessageKind.DEPLOYMENT_STARTED,
        Urgency.INFO,
        replace(deployment.about, in_words=f"{name} ({way})"),
        "STARTED",
        what=f"{name} passed its gates and is being deployed to {way}. Currently, {now}.",
        lists={"changes": ("What it changes", changes)},
        otherwise="Nothing to do.",
        look=deployment.look(),
        closes=frozenset({MessageKind.RELEASE_HELD}),
    )


def release_held(deployment: Deployment, *, why: str, until: str, let_through: str = "") -> Message:
    """Report that a release waits without harm: ``why``, and ``until`` what, as in ``until somebody resumes``.

    ``let_through`` is the command by which it goes on earlier, where there is one.
    """
    return compose(
        MessageKind.RELEASE_HELD,
        Urgency.INFO,
        deployment.about,
        "HELD",
        what=f"{deployment.in_words} is held: {why}. Nothing is lost and nothing was changed.",
        otherwise=f"Nothing to do: it continues by itself {until}.",
        more={"If it cannot wait": [f"Let it continue now: {let_through}"]} if let_through else {},
        look=deployment.look(),
        key=f"held-{deployment.stage}" if let_through else "held",
    )


def upload_held(upload: Upload, execution: str) -> Message:
    """Report once that an upload waits for the pause to end; its content has not been checked yet."""
    return release_held(
        Deployment(upload.application, upload.file, None, execution, upload.thread),
        why="releases are paused",
        until="when `belay resume` ends the pause",
    )


def held_outside_windows(release: ReleaseReference, stage: str, *, why: str, until: str) -> Message:
    """Report until when a release waits outside a stage's windows, and how to let it continue."""
    return release_held(
        Deployment(release.application, release.version, stage, thread=release.thread),
        why=why,
        until=f"at {until}",
        let_through=f"belay override {release.application}/{release.version} --stage {stage} --comment WHY",
    )


def release_ended(
    outcome: Outcome,
    deployment: Deployment,
    *,
    what: str | None = None,
    reason: Reason | None = None,
    done: Sequence[str] = (),
    left_to_do: Sequence[LeftToDo] = (),
    changed: Sequence[str] = (),
    approvals: Sequence[str] = (),
    runs_now: str | None = None,
    together: Sequence[str] = (),
) -> Message:
    """Report how a release ended.

    ``what`` says it in a sentence or two, and has a default for each outcome; ``done`` are the steps taken, in order;
    ``changed`` is what the release changed, ``approvals`` say who approved it where; ``runs_now`` says what the stage
    runs now; ``together`` are the stages that the release came to last, at the same time.
    """
    meant = what_it_means(outcome, reason, deployment.stage or "anything")
    about, everywhere = deployment.about, f"{deployment.application} {deployment.version} in {' and '.join(together)}"
    return compose(
        MessageKind.RELEASE_ENDED,
        URGENCY[outcome],
        replace(about, in_words=everywhere) if outcome is Outcome.DEPLOYED and together else about,
        outcome,
        outcome=outcome,
        what=" ".join(filter(None, (what or meant, f"{deployment.where} runs {runs_now}." if runs_now else ""))),
        reason=reason,
        done=done,
        left_to_do=left_to_do,
        otherwise=otherwise(outcome, reason),
        lists={"changes": ("What changed", changed), "approvals": ("Approvals", approvals)},
        look=deployment.look(),
        key="ended",
        state=ThreadState.OPEN if outcome is Outcome.NEEDS_OPERATOR else ThreadState.CLOSED,
        closes=frozenset(
            {
                MessageKind.RELEASE_HELD,
                MessageKind.DEPLOYMENT_STARTED,
                MessageKind.APPROVAL_REQUESTED,
                MessageKind.RECOVERY_STARTED,
                MessageKind.PERSON_NEEDED,
            }
        ),
    )


def stage_ended(
    outcome: Outcome,
    deployment: Deployment,
    *,
    reason: Reason,
    done: Sequence[str] = (),
    left_to_do: Sequence[LeftToDo] = (),
    runs_now: str | None = None,
    others: Sequence[str] = (),
    ended: Outcome | None = None,
) -> Message:
    """Report how a stage ended that was recovered while the release is not over, or has just ``ended`` elsewhere.

    ``others`` are the stages of its wave that go on; without any, those that were deployed are rolled back now.
    """
    goes_on = f"The release continues in {' and '.join(others)}." if others else "Its wave is being rolled back."
    meant = f"The release failed in {deployment.where}. {f'The release has ended {ended}.' if ended else goes_on}"
    return compose(
        MessageKind.STAGE_ENDED,
        URGENCY[outcome],
        deployment.about,
        outcome,
        outcome=outcome,
        what=" ".join(filter(None, (meant, f"{deployment.where} runs {runs_now}." if runs_now else ""))),
        reason=reason,
        done=done,
        left_to_do=left_to_do,
        otherwise=f"Nothing to do in {deployment.where} now. Find the cause before this version is deployed again.",
        look=deployment.look(),
        key=f"ended-{deployment.stage}",
        state=ThreadState.OPEN,
    )


def asked_rollback_ended(
    outcome: Outcome,
    deployment: Deployment,
    *,
    target: str | None,
    reason: Reason,
    done: Sequence[str] = (),
    left_to_do: Sequence[LeftToDo] = (),
    runs_now: str | None = None,
) -> Message:
    """Report how a rollback ended that a person asked for.

    ``deployment`` names what was undone, ``target`` the version it went back to, None where nothing was before it;
    ``reason`` says who asked, and why; ``runs_now`` as in ``release_ended``.
    """
    goal = f"to {target}" if target else "to the state before"
    ended = {
        Outcome.ROLLED_BACK: f"{deployment.where} was rolled back {goal}, as requested.",
        Outcome.NEEDS_OPERATOR: f"The requested rollback {goal} needs a person to finish it.",
    }
    return release_ended(
        outcome,
        deployment,
        what=ended[outcome],
        reason=reason,
        done=done,
        left_to_do=left_to_do,
        runs_now=runs_now if outcome is Outcome.NEEDS_OPERATOR else None,
    )
