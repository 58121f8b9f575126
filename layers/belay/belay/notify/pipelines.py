"""Messages about a registered pipeline: why it failed, how the way back ended, what it wants told itself."""

from collections.abc import Sequence

from belay.notify.message import About, Kind, Message, Severity, State, compose
from belay.notify.outcomes import OTHERWISE, SEVERITY
from belay.release.records import Outcome


def pipeline_failed(
    application: str,
    stage: str,
    *,
    pipeline: str,
    execution: str,
    failure: str,
    cause: str,
    evidence: Sequence[str] = (),
    taken_back: Sequence[str] = (),
    by_codepipeline: bool = False,
    left_to_do: Sequence[str] = (),
    look: Sequence[str] = (),
    thread: str | None = None,
) -> Message:
    """Tell why an execution of a registered pipeline failed.

    ``failure`` tells this failure from a later one of the same execution; ``cause`` is the diagnosis in a sentence,
    ``evidence`` what it rests on, ``left_to_do`` the likely fix. ``taken_back`` are the stacks that are being brought
    back; where there are any, another message of the thread tells how that ended. ``by_codepipeline`` says that
    CodePipeline is configured to roll the stage back itself.
    """
    back = f" What it had deployed ({', '.join(taken_back)}) is being taken back." if taken_back else ""
    if by_codepipeline:
        back = " CodePipeline rolls the stage back itself, in an execution of its own."
    return compose(
        Kind.PIPELINE_FAILED,
        Severity.WARNING,
        About(application, f"{application} in {stage}, pipeline {pipeline}", stage=stage, thread=thread),
        "PIPELINE FAILED",
        what=f"The execution {execution} of the pipeline {pipeline} failed.{back}",
        cause=cause,
        left_to_do=left_to_do,
        otherwise="Nothing to do yet: the next message in this thread tells how the recovery ended."
        if taken_back
        else "Nothing to do on the stage. Correct the cause and release the change again.",
        findings=evidence,
        findings_title="Evidence",
        look=look,
        key=failure,
        state=State.OPEN if taken_back else State.CLOSED,
        pipeline=pipeline,
        execution=execution,
    )


def pipeline_recovered(
    application: str,
    stage: str,
    *,
    pipeline: str,
    execution: str,
    incident: str,
    outcome: Outcome,
    cause: str,
    done: Sequence[str] = (),
    left_to_do: Sequence[str] = (),
    thread: str | None = None,
) -> Message:
    """Tell how the way back from a failed execution of a pipeline ended: ROLLED_BACK or NEEDS_OPERATOR."""
    rolled_back = outcome is Outcome.ROLLED_BACK
    how = "was taken back" if rolled_back else "could not be taken back without a person"
    return compose(
        Kind.PIPELINE_RECOVERED,
        SEVERITY[outcome],
        About(application, f"{application} in {stage}, pipeline {pipeline}", stage=stage, thread=thread),
        outcome,
        outcome=outcome,
        what=f"What the execution {execution} of the pipeline {pipeline} had deployed to {stage} {how}.",
        cause=cause,
        done=done,
        left_to_do=left_to_do,
        otherwise=OTHERWISE[outcome]
        if not rolled_back
        else "Nothing to do now. Correct the cause, then release again.",
        key=incident,
        state=State.CLOSED if rolled_back else State.OPEN,
        closes=frozenset({Kind.PIPELINE_FAILED, Kind.PERSON_NEEDED}),
        pipeline=pipeline,
        execution=execution,
    )


def pipeline_notice(
    application: str, stage: str | None, *, text: str, severity: Severity, job: str, execution: str | None = None
) -> Message:
    """Tell what a pipeline's own action wants told; ``job`` is the action's, so that a retry tells nothing twice."""
    return compose(
        Kind.PIPELINE_NOTICE,
        severity,
        About(application, f"{application} in {stage}" if stage else application, stage=stage),
        "PIPELINE",
        what=text,
        otherwise="Nothing to do, unless the text says so.",
        key=job,
        state=State.CLOSED,
        execution=execution or "",
    )
