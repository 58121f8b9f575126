"""Gap: no alarm is watched while a stack is deployed.

On AWS a rollback trigger that goes into ALARM, or whose alarm does not exist, rolls the whole operation back
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-rollback-triggers.html). Here the alarms are
checked once, when every resource is created, and not for the monitoring time after that. It can be removed once
ministack watches them.
"""

from typing import Any

from ministack.services import cloudwatch
from ministack.services.cloudformation import handlers, stacks


def install() -> None:
    """Check the triggers' alarms when an operation would otherwise have succeeded."""
    resolve = stacks._resolve_stack_outputs

    def resolve_unless_triggered(*arguments: Any) -> Any:
        outputs = resolve(*arguments)
        stack = handlers._resolve_stack(arguments[-1])
        for trigger in stack.get("RollbackConfiguration", {}).get("RollbackTriggers", []):
            _refuse(trigger["Arn"])
        return outputs

    stacks._resolve_stack_outputs = resolve_unless_triggered


def _refuse(arn: str) -> None:
    name = arn.rpartition(":alarm:")[2]
    alarm = cloudwatch._alarms.get(name) or cloudwatch._composite_alarms.get(name)
    if alarm is None:
        raise ValueError(f"The alarm of rollback trigger {arn} does not exist.")
    if alarm["StateValue"] == "ALARM":
        raise ValueError(f"Rollback trigger {arn} is in ALARM state.")
