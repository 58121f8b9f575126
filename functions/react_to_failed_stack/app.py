"""Opens an incident when CloudFormation says that a registered stack failed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.cloudformation import Stacks
from belay.aws.dynamodb import Ledger
from belay.aws.incidents import Incidents
from belay.aws.registrations import Registrations
from belay.aws.s3 import ArtifactBucket
from belay.aws.ssm import ParameterStore
from belay.aws.stepfunctions import Executions
from belay.events.cloudformation import StackStatusChange
from belay.observability import observed
from belay.release.ledger import ReleaseReference
from belay.rollback.incident import foreign_incident
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    rollback_stage_machine_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Open the one incident of a deployment that failed, or of a registered stack that somebody else broke."""
    settings = read(Settings)
    change = StackStatusChange.from_event(event)
    ledger = Ledger(client("dynamodb"), settings.ledger_table)
    incidents = Incidents(
        ledger,
        ArtifactBucket(client("s3"), settings.artifact_bucket),
        Executions(client("stepfunctions")),
        settings.rollback_stage_machine_arn,
    )
    operation = ledger.operation(change.stack_id, change.client_request_token or "")
    if operation is None:
        return {"incident": open_foreign(change, incidents)}
    if operation["purpose"] != "deploy":
        return {"incident": None}
    release = ReleaseReference.from_dict(operation["release"])
    return {"incident": incidents.open_for_release(release, operation["stage"], reason_of(change))}


def open_foreign(change: StackStatusChange, incidents: Incidents) -> str | None:
    """Open the incident of a registered stack's failure; one that nobody registered is not Belay's to tell about."""
    registrations = Registrations(ParameterStore(client("ssm")), client("s3"))
    for stage in registrations.stages():
        for stack, registered in stage.stacks.items():
            if registered.name == change.stack_name and not stage.ephemeral:
                topic = registrations.topic_of(stage.application)
                return incidents.open(foreign_incident(stage, stack, change, reason_of(change), topic))
    return None


def reason_of(change: StackStatusChange) -> str:
    """Say what failed first, from the stack's own events; what CloudFormation said where they tell nothing."""
    cause = Stacks(client("cloudformation")).first_cause(change.stack_id, change.client_request_token)
    words = change.reason or "CloudFormation gave no reason" if cause is None else cause.in_words()
    return f"{change.stack_name} is {change.status}: {words}"
