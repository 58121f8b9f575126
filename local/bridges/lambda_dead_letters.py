"""Gap: a function's dead-letter queue gets the envelope that only an on-failure destination gets.

AWS sends a dead-letter queue the event itself, with the error in the message's attributes
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html). It can be removed once ministack
does.
"""

import json
from typing import Any

from ministack.services import lambda_svc

from local.bridges import event_targets


def install() -> None:
    """Distinguish dead-letter queues from on-failure destinations."""
    route = lambda_svc._route_async_failure

    def route_failure(target_arn: str, function_name: str, event: Any, result: dict[str, Any]) -> None:
        configuration = lambda_svc._functions.get(function_name, {}).get("config", {})
        dead_letters = (configuration.get("DeadLetterConfig") or {}).get("TargetArn")
        if target_arn != dead_letters or ":sqs:" not in target_arn:
            route(target_arn, function_name, event, result)
            return
        failure = result.get("body") or {}
        why = {"RequestID": failure.get("requestId", "-"), "ErrorCode": "200", "ErrorMessage": str(failure)[:1024]}
        event_targets.send(target_arn, json.dumps(event), why)

    lambda_svc._route_async_failure = route_failure
