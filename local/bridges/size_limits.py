"""Gap: messages and parameters may have any size, and subjects any shape.

AWS refuses a subject of 100 characters or more or with a line break, a message over 256 KiB, and a standard parameter
over 4 KB, an advanced one over 8 KB (API_Publish and API_PutParameter). It can be removed once ministack refuses them.
"""

from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import sns, ssm

SUBJECT_CHARACTERS = 100
MESSAGE_BYTES = 256 * 1024
PARAMETER_BYTES = {"Standard": 4096, "Advanced": 8192}


def install() -> None:
    """Refuse what is too large."""
    publish = sns._publish
    put_parameter = ssm._put_parameter

    def publish_within_limits(parameters: Any) -> Any:
        subject, message = sns._p(parameters, "Subject"), sns._p(parameters, "Message")
        if subject and (len(subject) >= SUBJECT_CHARACTERS or not subject.isprintable()):
            return sns._error("InvalidParameter", "Invalid parameter: Subject", 400)
        if isinstance(message, str) and len(message.encode()) > MESSAGE_BYTES:
            return sns._error("InvalidParameter", "Invalid parameter: Message too long", 400)
        return publish(parameters)

    def put_parameter_within_limits(request: dict[str, Any]) -> Any:
        tier = request.get("Tier", "Standard")
        most = PARAMETER_BYTES.get(tier, PARAMETER_BYTES["Advanced"])
        if len(request.get("Value", "").encode()) > most:
            message = f"{tier} tier parameters support a maximum parameter value of {most} characters."
            return error_response_json("ValidationException", message, 400)
        return put_parameter(request)

    sns._publish = publish_within_limits
    ssm._put_parameter = put_parameter_within_limits
