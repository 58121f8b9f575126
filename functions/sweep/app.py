"""Sees every five minutes what no event told of: ends what was left, starts what was held, counts old locks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from belay.aws.clients import client
from belay.aws.clock import lease, now
from belay.aws.cloudformation import Stacks
from belay.aws.s3 import ArtifactBucket
from belay.aws.ssm import ParameterStore
from belay.aws.stepfunctions import Executions
from belay.control.approvals import Approvals
from belay.control.closing import Closing
from belay.control.decisions import Decisions
from belay.control.endings import Endings
from belay.control.failed_stacks import FailedStacks
from belay.control.incidents import Incidents
from belay.control.registrations import Registrations
from belay.control.unfinished import Unfinished
from belay.control.unhealthy import Unhealthy
from belay.ledger.ledger import Ledger
from belay.observability import count, observed
from belay.release.names import execution_name
from belay.settings import read

Given = ParamSpec("Given")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    notification_topic_arn: str
    pause_parameter: str
    deploy_release_machine_arn: str
    rollback_stage_machine_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Reconcile the ledger with what is really running.

    What one part meets hinders no other; in the end all of it is raised together, as an ``ExceptionGroup``.
    """
    settings = read(Settings)
    faults: list[Exception] = []
    executions = Executions(client("stepfunctions"))
    ledger = Ledger(client("dynamodb"), settings.ledger_table)
    artifacts = ArtifactBucket(client("s3"), settings.artifact_bucket)
    parameters = ParameterStore(client("ssm"))
    incidents = Incidents(ledger, artifacts, executions, settings.rollback_stage_machine_arn)
    endings = Endings(ledger, artifacts, client("sns"), settings.notification_topic_arn)
    registrations = Registrations(parameters, client("s3"))
    stacks = Stacks(client("cloudformation"))
    unhealthy = Unhealthy(ledger, stacks, client("sns"), settings.notification_topic_arn)
    closing = Closing(ledger, stacks, endings, unhealthy)
    unfinished = Unfinished(ledger, endings, incidents, artifacts, registrations, closing)
    failed_stacks = FailedStacks(ledger, incidents, registrations, stacks)
    taken_up = [attempted(faults, unfinished.take_up_dead, item) for item in ledger.open_items()]
    failed = attempted(faults, failed_stacks.take_up_registered)
    held = ledger.uploads.held() if parameters.get_parameter(settings.pause_parameter) != "true" else []
    for item in held:
        attempted(faults, resume, item, ledger, executions, settings.deploy_release_machine_arn)
    approvals, decisions = Approvals(ledger, artifacts, endings), Decisions(ledger, executions)
    reminded = [attempted(faults, approvals.see_to, item, decisions, now()) for item in ledger.approvals.asked()]
    healthy_again = attempted(faults, unhealthy.close_healthy)
    left_behind = [f"{lock.application}#{lock.stage}" for lock in ledger.locks.held() if lock.expires_at < lease(0)]
    count("LocksHeldPastExpiry", len(left_behind))
    if faults:
        raise ExceptionGroup("the sweep did what it could; the rest is tried again in five minutes", faults)
    return {
        "taken_up": [*filter(None, taken_up)],
        "failed_stacks": failed,
        "resumed": len(held),
        "reminded": reminded.count(True),
        "healthy_again": healthy_again,
        "locks_held_past_expiry": left_behind,
    }


def attempted(
    faults: list[Exception], act: Callable[Given, Found], *args: Given.args, **named: Given.kwargs
) -> Found | None:
    """Do one part of the sweep; what it raises, a mistake of ours too, is kept with the others' faults."""
    try:
        return act(*args, **named)
    except Exception as fault:
        faults.append(fault)
        return None


def resume(item: Mapping[str, Any], ledger: Ledger, executions: Executions, machine_arn: str) -> None:
    """Start a held upload. Held once more, it is started once more: a name used before would start nothing."""
    name = execution_name("held", item["upload"]["application"], str(item["SK"]))
    executions.start_execution(machine_arn, name, item["event"])
    ledger.uploads.unhold(dict(item))
