"""Ends an incident: the release gets its outcome, people are told, the stage is free again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.clock import timestamp
from belay.aws.cloudformation import Stacks
from belay.control.endings import Endings
from belay.control.recovered_stacks import RecoveredStacks
from belay.control.recovery import Recovery
from belay.control.topics import Topic
from belay.control.unhealthy import Unhealthy
from belay.notify.deployment import Deployment
from belay.notify.incidents import foreign_stack_failed
from belay.notify.releases import asked_rollback_ended
from belay.observability import observed
from belay.release.reason import in_words
from belay.release.records import Outcome
from belay.rollback.services import left_stopped
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    notification_topic_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Record and tell how the recovery ended; ``reason`` is set where the recovery itself failed."""
    settings = read(Settings)
    recovery = Recovery.enter({**event, "fencing": None}, settings.ledger_table, settings.artifact_bucket)
    outcome, stacks = Outcome(event["outcome"]), Stacks(client("cloudformation"))
    if recovery.incident.foreign:
        end_foreign(recovery, stacks, outcome, event, settings.notification_topic_arn)
    elif recovery.incident.asked_by:
        end_asked(recovery, stacks, outcome, event, settings.notification_topic_arn)
    elif recovery.incident.pipeline is not None:
        end_pipeline(recovery, outcome, event, settings.notification_topic_arn)
    else:
        end_release(recovery, stacks, outcome, event, settings.notification_topic_arn)
    unlock(recovery, event)
    return {"outcome": outcome}


def end_release(
    recovery: Recovery, stacks: Stacks, outcome: Outcome, event: Mapping[str, Any], default_topic: str
) -> None:
    """Give the release its outcome, then the incident: the release's own machines wait for that."""
    incident, ledger = recovery.incident, recovery.ledger
    RecoveredStacks.of(recovery).discard_change_sets()
    Endings(ledger, recovery.artifacts, client("sns"), default_topic).close_release(
        incident.release,
        outcome,
        reason=incident.reason,
        stage=incident.stage,
        done=done(recovery),
        left_to_do=left_to_do(recovery, event),
    )
    if outcome is Outcome.NEEDS_OPERATOR:
        stack_ids = RecoveredStacks.of(recovery).stack_ids()
        Unhealthy(ledger, stacks, client("sns"), default_topic).watch(incident, stack_ids)
    ledger.incidents.close(incident.release.application, incident.name, outcome, incident.reason, timestamp())
    ledger.incidents.announced(incident.release.application, incident.name)


def end_pipeline(recovery: Recovery, outcome: Outcome, event: Mapping[str, Any], default_topic: str) -> None:
    """Tell how the way back from what a pipeline had deployed ended, once."""
    incident, ledger = recovery.incident, recovery.ledger
    Endings(ledger, recovery.artifacts, client("sns"), default_topic).close_pipeline(
        incident, outcome, reason=incident.reason, done=recovery.done(), left_to_do=left_to_do(recovery, event)
    )


def end_foreign(
    recovery: Recovery, stacks: Stacks, outcome: Outcome, event: Mapping[str, Any], default_topic: str
) -> None:
    """Tell about a stack that failed under somebody else's hands, once."""
    incident, ledger = recovery.incident, recovery.ledger
    application, stack_id = incident.release.application, str(incident.stack_id)
    if not ledger.incidents.close(application, incident.name, outcome, incident.reason, timestamp()):
        return
    description = stacks.describe_stack(stack_id)
    message = foreign_stack_failed(
        application,
        incident.stage,
        stack=str(incident.stack),
        stack_id=stack_id,
        status="DELETED" if description is None else description["StackStatus"],
        cause=incident.reason,
        done=recovery.done(),
        left_to_do=left_to_do(recovery, event),
        thread=incident.name,
    )
    Topic(client("sns"), incident.topic or default_topic, ledger).publish(message)
    if outcome is Outcome.NEEDS_OPERATOR:
        Unhealthy(ledger, stacks, client("sns"), default_topic).watch(incident, [stack_id])
    ledger.incidents.announced(application, incident.name)


def end_asked(
    recovery: Recovery, stacks: Stacks, outcome: Outcome, event: Mapping[str, Any], default_topic: str
) -> None:
    """Tell whoever asked how it ended; what the stage was brought back to is its last-known-good release again."""
    incident, ledger = recovery.incident, recovery.ledger
    if "announced" in recovery.record:
        return
    if outcome is Outcome.ROLLED_BACK and incident.target is not None:
        ledger.releases.went_back(incident.target, incident.stage, timestamp())
    ledger.incidents.close(recovery.application, incident.name, outcome, incident.reason, timestamp())
    message = asked_rollback_ended(
        outcome,
        Deployment(recovery.application, incident.release.version, incident.stage, thread=incident.thread),
        target=None if incident.target is None else incident.target.version,
        reason=incident.reason,
        done=done(recovery),
        left_to_do=left_to_do(recovery, event),
    )
    Topic(client("sns"), incident.topic or default_topic, ledger).publish(message)
    if outcome is Outcome.NEEDS_OPERATOR:
        stack_ids = RecoveredStacks.of(recovery).stack_ids()
        Unhealthy(ledger, stacks, client("sns"), default_topic).watch(incident, stack_ids)
    ledger.incidents.announced(recovery.application, incident.name)


def unlock(recovery: Recovery, event: Mapping[str, Any]) -> None:
    """Give the stage's lock back last: who waits for it to recover the same must find the incident ended."""
    if event["fencing"] is not None:
        incident = recovery.incident
        recovery.ledger.locks.release(incident.release.application, incident.stage, int(event["fencing"]))


def done(recovery: Recovery) -> list[str]:
    """Say what was done, in order, and what there is to say about it."""
    return [*recovery.done(), *(each.in_words() for each in recovery.plan().remarks if not each.follow_up)]


def left_to_do(recovery: Recovery, event: Mapping[str, Any]) -> list[str]:
    """Say what a person must do: what the plan left, and what stopped the recovery itself, where something did."""
    plan = recovery.plan()
    later = [each for each in plan.remarks if each.follow_up]
    left = [each.in_words() for each in (*plan.left_to_do, *later)]
    if event["reason"] is None:
        return left
    stopped = (
        f"The recovery stopped: {in_words(event['reason'])}. Look at each stack before anything is deployed again."
    )
    return [*left, stopped, *plan.undone(), *left_stopped(recovery.record["noted"])]
