"""Gap: an event whose target does not exist is dropped, and a function gets an event only once.

EventBridge sends an event that it cannot deliver to the target's dead-letter queue, with the reason
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html), and invokes functions asynchronously:
Lambda retries, and then uses the function's own dead-letter queue. It can be removed once ministack does both.
"""

import json
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.services import eventbridge, lambda_svc, sns, sqs, stepfunctions


def install() -> None:
    """Check whether a target exists before invoking it, and invoke functions asynchronously."""
    invoke = eventbridge._invoke_target

    def invoke_or_keep(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        if _exists(target["Arn"]):
            invoke(target, event, rule, view)
        elif "DeadLetterConfig" in target:
            _send_dead_letter(target, rule, (view or eventbridge._pattern_event_view(event)).event_with_detail())

    eventbridge._invoke_target = invoke_or_keep
    eventbridge._dispatch_to_lambda = _invoke_function


def _invoke_function(arn: str, payload: str) -> None:
    function, configuration, _ = lambda_svc._get_func_record_for_ref(arn)
    lambda_svc.invoke_async_with_retry(
        lambda_svc._execution_record_for_config(function, configuration), json.loads(payload)
    )


def _exists(arn: str) -> bool:
    try:
        service = parse_arn(arn).service
    except ArnParseError:
        return False
    match service:
        case "lambda":
            return lambda_svc._get_func_record_for_ref(arn)[0] is not None
        case "states":
            return stepfunctions._resolve_state_machine_arn(arn) is not None
        case "sqs":
            return sqs._queue_by_arn(arn) is not None
        case "sns":
            return arn in sns._topics
        case _:
            return True


def _send_dead_letter(target: dict[str, Any], rule: dict[str, Any], event: dict[str, Any]) -> None:
    why = {
        "ERROR_CODE": "NO_RESOURCE",
        "ERROR_MESSAGE": f"The target {target['Arn']} does not exist.",
        "RULE_ARN": rule["Arn"],
        "TARGET_ARN": target["Arn"],
    }
    send(target["DeadLetterConfig"]["Arn"], json.dumps(event), why)


def send(queue_arn: str, body: str, attributes: dict[str, str]) -> None:
    """Put a message with text attributes into a queue; one that does not exist gets nothing, as on AWS."""
    queue = sqs._queue_by_arn(queue_arn)
    if queue is not None:
        typed = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        sqs._act_send_message({"MessageBody": body, "MessageAttributes": typed}, queue["url"])
