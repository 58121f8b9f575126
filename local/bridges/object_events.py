"""Gap: S3's EventBridge events carry no ``version-id``.

In a versioned bucket AWS sends it, and it is the only way to read what was uploaded rather than a later version
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html). It can be removed once ministack sends it.
"""

import contextvars
import json
from typing import Any

from ministack.services import eventbridge, s3

_version: contextvars.ContextVar[str | None] = contextvars.ContextVar("s3_event_version", default=None)


def install() -> None:
    """Add the version of the object to every event S3 sends to EventBridge."""
    fire = s3._fire_s3_event
    dispatch = eventbridge._dispatch_event

    def fire_with_version(*args: Any, version_id: str | None = None, **kwargs: Any) -> None:
        token = _version.set(version_id)
        try:
            fire(*args, version_id=version_id, **kwargs)
        finally:
            _version.reset(token)

    def dispatch_with_version(event: dict[str, Any], view: Any = None) -> None:
        version = _version.get()
        if event["Source"] == "aws.s3" and version:
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event, view = {**event, "Detail": json.dumps(detail)}, None
        dispatch(event, view)

    s3._fire_s3_event = fire_with_version
    eventbridge._dispatch_event = dispatch_with_version
