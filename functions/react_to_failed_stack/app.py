"""Opens an incident when CloudFormation says that a stack failed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.failed_stacks import FailedStacks
from belay.control.incidents import Incidents
from belay.control.places import Places
from belay.control.registrations import Registrations
from belay.events.cloudformation import StackStatusChange
from belay.ledger.ledger import Ledger
from belay.observability import logger, observed
from belay.release.place import Power
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    rollback_stage_machine_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Open the one incident of a failed deployment, or of a registered stack's failure that Belay did not cause."""
    settings, aws = read(Settings), own_aws()
    change = StackStatusChange.from_event(event)
    if not change.is_of_its_place:
        logger().warning("refused: the event names a stack of another account or region than it comes from")
        return {"incident": None}
    ledger = Ledger(aws.table(settings.ledger_table))
    artifacts = aws.artifacts(settings.artifact_bucket)
    executions = aws.executions
    failed_stacks = FailedStacks(
        ledger,
        Incidents(ledger, artifacts, executions, settings.rollback_stage_machine_arn),
        Registrations(aws.parameters, artifacts),
        Places(aws, Power.LOOK, "failed stack"),
    )
    incident = failed_stacks.take_up(change.stack_id, change.status, change.reason, change.client_request_token)
    return {"incident": incident}
