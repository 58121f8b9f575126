"""What to do about an execution of a registered pipeline, decided from its current state, not from an event."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from belay.pipeline.execution import PipelineExecution, PipelineStatus
from belay.release.registration import Pipeline

PREPARED = "PREPARED"
GOOD = "GOOD"
SENT = "SENT"


class Act(StrEnum):
    """What can be done."""

    PREPARE = "PREPARE"
    """Take snapshots of the stage's databases and record its stacks' baselines."""
    ANSWER_FAILURE = "ANSWER_FAILURE"
    """Diagnose, notify, and roll back what was deployed."""
    SEND_TO_VAULT = "SEND_TO_VAULT"
    """Have its snapshots copied to the stage's vault."""
    RECORD_GOOD = "RECORD_GOOD"
    """Record what was deployed as the stage's last known good state."""


@dataclass(frozen=True)
class Due:
    """One thing to do, and the mark that the ledger gets when it is done, so that it is done once."""

    act: Act
    mark: str


def due(
    seen: PipelineExecution, registered: Pipeline, done: Collection[str], *, by_release: bool, has_vault: bool = False
) -> tuple[Due, ...]:
    """Return what to do now, in this order.

    ``done`` are the marks of what was done before. A failure is identified by its action execution, because an
    execution whose stage is retried may fail again. ``by_release`` is true if a release of Belay's own runs the
    execution, whose state machine then handles the end. STOPPED, CANCELLED and SUPERSEDED are not failures.
    """
    found = []
    if _can_be_prepared(seen, registered):
        found.append(Due(Act.PREPARE, PREPARED))
    elif seen.status is PipelineStatus.FAILED and not by_release:
        failed = seen.first_failure
        found.append(Due(Act.ANSWER_FAILURE, f"FAILURE {failed.id if failed else ''}"))
    elif seen.status is PipelineStatus.SUCCEEDED and not by_release:
        found.append(Due(Act.RECORD_GOOD, GOOD))
    if has_vault and (PREPARED in done or seen.status.terminal or seen.entered(registered.deployment_stage)):
        # All snapshots there will be have been started, including an Invoke action's.
        found.append(Due(Act.SEND_TO_VAULT, SENT))
    return tuple(each for each in found if each.mark not in done)


def _can_be_prepared(seen: PipelineExecution, registered: Pipeline) -> bool:
    """Return whether the deployment has not begun, so that a snapshot shows the state before it."""
    return (
        not seen.status.terminal
        and seen.entered(registered.pre_deployment_stage)
        and not seen.entered(registered.deployment_stage)
    )


def rolls_back_by_itself(structure: Mapping[str, Any], stage: str) -> bool:
    """Whether CodePipeline is configured to roll back a failed stage (``onFailure`` of GetPipeline).

    https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-rollback-auto.html
    """
    found: Mapping[str, Any] = next((each for each in structure["stages"] if each["name"] == stage), {})
    return bool(found.get("onFailure", {}).get("result") == "ROLLBACK")
