"""Events that AWS CloudFormation sends through EventBridge."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from belay.errors import InvalidEvent
from belay.events.envelope import open_envelope, read, read_optional
from belay.stack.status import StackStatus


@dataclass(frozen=True)
class StackStatusChange:
    """A stack went into another status.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html; samples
    ``events/aws.cloudformation/stack_status_change.*.json``.

    ``reason`` is None where CloudFormation gives none (it sends an empty text then); ``client_request_token`` is None
    when the operation was started without one.
    """

    id: str
    stack_id: str
    status: StackStatus
    reason: str | None
    client_request_token: str | None
    account: str
    region: str
    time: datetime

    @property
    def stack_name(self) -> str:
        """The stack's name, the second part of its id."""
        return self.stack_id.split("/")[1]

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "StackStatusChange":
        """Read the event. Raises ``InvalidEvent``, naming the path."""
        envelope = open_envelope(event, "aws.cloudformation", "CloudFormation Stack Status Change")
        return cls(
            id=envelope.id,
            stack_id=_stack_id(read(event, "detail", "stack-id", kind=str)),
            status=_status(read(event, "detail", "status-details", "status", kind=str)),
            reason=read_optional(event, "detail", "status-details", "status-reason", kind=str) or None,
            client_request_token=read_optional(event, "detail", "client-request-token", kind=str) or None,
            account=envelope.account,
            region=envelope.region,
            time=envelope.time,
        )


def _stack_id(text: str) -> str:
    if not text.startswith("arn:") or len(text.split("/")) != 3:  # noqa: PLR2004 - arn...:stack/name/uuid
        raise InvalidEvent(f"detail.stack-id: expected arn:...:stack/<name>/<id>, found {text!r}")
    return text


def _status(text: str) -> StackStatus:
    try:
        return StackStatus(text)
    except ValueError:
        raise InvalidEvent(f"detail.status-details.status: expected a stack status, found {text!r}") from None
