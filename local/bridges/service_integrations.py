"""Gap: a state machine's ``sns:publish`` loses the message's attributes, and failures cannot be caught by name.

AWS passes attributes on, names errors ``SNS.<exception>``, and fails ``events:putEvents`` with
``EventBridge.FailedEntry`` when an entry was not taken
(https://docs.aws.amazon.com/step-functions/latest/dg/connect-sns.html, connect-eventbridge.html). It can be removed
once ministack does the same.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from ministack.services import sns, stepfunctions

REFUSED = 400


def install() -> None:
    """Publish and put events as AWS's optimized integrations do."""
    put_events = stepfunctions._invoke_events_put_events

    def put_all_events(resource: str, arguments: dict[str, Any]) -> Any:
        result = put_events(resource, arguments)
        if result["FailedEntryCount"]:
            raise stepfunctions._ExecutionError("EventBridge.FailedEntry", json.dumps(result))
        return result

    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::sns:publish"] = _publish
    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::events:putEvents"] = put_all_events


def _publish(resource: str, arguments: dict[str, Any]) -> dict[str, str]:
    attributes = arguments.get("MessageAttributes") or {}
    text = {name: _text(value) for name, value in arguments.items() if name != "MessageAttributes"}
    status, _, body = sns._publish({**text, **_flattened(attributes)})
    if status >= REFUSED:
        code, message = (re.search(f"<{tag}>(.*?)</{tag}>", body.decode()) for tag in ("Code", "Message"))
        name = re.sub("Exception$", "", code[1] if code else "Sns")
        raise stepfunctions._ExecutionError(f"SNS.{name}Exception", message[1] if message else "")
    found = re.search("<MessageId>(.+?)</MessageId>", body.decode())
    return {"MessageId": found[1] if found else ""}


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else json.dumps(value)


def _flattened(attributes: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Message attributes as the query protocol spells them."""
    return {
        f"MessageAttributes.entry.{number}.{member}": value
        for number, (name, attribute) in enumerate(attributes.items(), 1)
        for member, value in {
            "Name": name,
            "Value.DataType": attribute["DataType"],
            "Value.StringValue": attribute["StringValue"],
        }.items()
    }
