"""Events that AWS CloudFormation sends through EventBridge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.errors import InvalidEvent
from belay.events.envelope import AwsEvent, read, read_optional, read_outer
from belay.stack.status import StackStatus


@dataclass(frozen=True, kw_only=True)
class StackStatusChange(AwsEvent):
    """A stack changed its status.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html; samples
    ``events/aws.cloudformation/stack_status_change.*.json``.

    ``reason`` is None if CloudFormation gives none (it then sends an empty text); ``client_request_token`` is None if
    the operation was started without one.
    """

    stack_id: str
    status: StackStatus
    reason: str | None
    client_request_token: str | None

    @property
    def is_of_its_place(self) -> bool:
        """Whether the stack is in the account and region that the event comes from.

        EventBridge sets an event's source; its detail may have been made up by the sender.
        """
        return self.stack_id.split(":")[3:5] == [self.region, self.account]

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "StackStatusChange":
        """Read the event. Raises ``InvalidEvent`` with the path."""
        return cls(
            **read_outer(event, "aws.cloudformation", "CloudFormation Stack Status Change"),
            stack_id=_stack_id(read(event, "detail", "stack-id", kind=str)),
            status=_status(read(event, "detail", "status-details", "status", kind=str)),
            reason=read_optional(event, "detail", "status-details", "status-reason", kind=str) or None,
            client_request_token=read_optional(event, "detail", "client-request-token", kind=str) or None,
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
