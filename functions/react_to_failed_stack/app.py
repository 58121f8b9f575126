"""Opens an incident when CloudFormation reports that a stack failed."""

from collections.abc import Mapping
from typing import Any

from belay.control.failed_stacks import FailedStacks
from belay.control.incidents import Incidents
from belay.control.places import Places
from belay.events.cloudformation import StackStatusChange
from belay.home import own_home
from belay.observability import logger, observed
from belay.release.place import Power
from belay.settings import RollbackMachine, read


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Open the one incident of a failed deployment, or of a registered stack's failure that Belay did not cause."""
    home, settings = own_home(), read(RollbackMachine)
    change = StackStatusChange.from_event(event)
    if not change.is_of_its_place:
        logger().warning("refused: the event names a stack of another account or region than it comes from")
        return {"incident": None}
    executions = home.aws.executions
    failed_stacks = FailedStacks(
        home.ledger,
        Incidents(home.ledger, home.artifacts, executions, settings.rollback_stage_machine_arn),
        home.registrations,
        Places(home.aws, Power.LOOK, "failed stack"),
    )
    incident = failed_stacks.take_up(change.stack_id, change.status, change.reason, change.client_request_token)
    return {"incident": incident}
