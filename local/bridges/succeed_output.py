"""Gap: a Succeed state's JSONata ``Output`` is ignored: the execution ends with the state's input.

https://docs.aws.amazon.com/step-functions/latest/dg/state-succeed.html. It can be removed once ministack evaluates it.
"""

from typing import Any

from ministack.services import stepfunctions


def install() -> None:
    """Evaluate ``Output`` when a Succeed state's output is produced."""
    apply_output_path = stepfunctions._apply_output_path

    def apply_output(state: dict[str, Any], data: Any, context: Any = None) -> Any:
        if state.get("Type") == "Succeed" and stepfunctions._state_query_language(state, context) == "JSONata":
            return stepfunctions._apply_jsonata_output(state, data, context, default=data)
        return apply_output_path(state, data, context)

    stepfunctions._apply_output_path = apply_output
