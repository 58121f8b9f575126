"""Messages about a registered pipeline: why it failed, how its rollback ended, what its own actions say."""

from collections.abc import Sequence

from belay.notify.message import About, Message, MessageKind, ThreadState, Urgency, compose
from belay.notify.outcomes import OTHERWISE, URGENCY
from belay.release.left_to_do import LeftToDo
from belay.release.reason import PipelineFailure, Reason
from belay.release.records import Outcome


def pipeline_failed(
    application: str,
    stage: str,
    *,
    pipeline: str,
    execution: str,
    failure: str,
    reason: PipelineFailure,
    taken_back: Sequence[str] = (),
    by_codepipeline: bool = False,
    thread: str | None = None,
) -> Message:
    """Report why an execution of a registered pipeline failed.

    ``failure`` tells this failure from a later one of the same execution. ``taken_back`` are the stacks that are being
    rolled back; if there are any, another message of the thread reports how that ended. ``by_codepipeline`` says
    that CodePipeline is configured to roll the stage back itself.
    """
    back = f" What it had deployed ({', '.join(taken_back)}) is being rolled back." if taken_back else ""
    if by_codepipeline:
        back = " CodePipeline rolls the stage back itself, in a separate execution."
    return compose(
        MessageKind.PIPELINE_FAILED,
        Urgency.WARNING,
        About(application, f"{application} in {stage}, pipeline {pipeline}", stage=stage, thread=thread),
        "PIPELINE FAILED",
        what=f"The execution {execution} of the pipeline {pipeline} failed.{back}",
        reason=reason,
        left_to_do=reason.left_to_do,
        otherwise="Nothing to do yet: the next message in this thread reports how the recovery ended."
        if taken_back
        else "Nothing to do on the stage. Correct the cause and release the change again.",
        look_there=reason.look,
        key=failure,
        state=ThreadState.OPEN if taken_back else ThreadState.CLOSED,
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
    reason: Reason,
    done: Sequence[str] = (),
    left_to_do: Sequence[LeftToDo] = (),
    thread: str | None = None,
) -> Message:
    """Report how the rollback of a failed execution of a pipeline ended: ROLLED_BACK or NEEDS_OPERATOR."""
    rolled_back = outcome is Outcome.ROLLED_BACK
    how = "was rolled back" if rolled_back else "could not be rolled back without a person"
    return compose(
        MessageKind.PIPELINE_RECOVERED,
        URGENCY[outcome],
        About(application, f"{application} in {stage}, pipeline {pipeline}", stage=stage, thread=thread),
        outcome,
        outcome=outcome,
        what=f"What the execution {execution} of the pipeline {pipeline} had deployed to {stage} {how}.",
        reason=reason,
        done=done,
        left_to_do=left_to_do,
        otherwise=OTHERWISE[outcome]
        if not rolled_back
        else "Nothing to do now. Correct the cause, then release again.",
        key=incident,
        state=ThreadState.CLOSED if rolled_back else ThreadState.OPEN,
        closes=frozenset({MessageKind.PIPELINE_FAILED, MessageKind.PERSON_NEEDED}),
        pipeline=pipeline,
        execution=execution,
    )


def pipeline_notice(
    application: str, stage: str | None, *, text: str, urgency: Urgency, job: str, execution: str | None = None
) -> Message:
    """Report what a pipeline's own action says; ``job`` is the action's, so that a retry sends nothing twice."""
    return compose(
        MessageKind.PIPELINE_NOTICE,
        urgency,
        About(application, f"{application} in {stage}" if stage else application, stage=stage),
        "PIPELINE",
        what=text,
        otherwise="Nothing to do, unless the text says so.",
        key=job,
        state=ThreadState.CLOSED,
        execution=execution or "",
    )
