"""Notifications that SNS sends to a function subscribed to a topic."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.errors import InvalidEvent
from belay.events.envelope import read, read_optional


@dataclass(frozen=True, kw_only=True)
class Notification:
    """One notification; ``message`` is the body for the protocol ``lambda``, ``subject`` may be empty.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html; sample ``events/aws.sns/notification.json``.
    """

    message: str
    subject: str

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "Notification":
        """Read the event, which always has one record. Raises ``InvalidEvent`` with the path for anything else."""
        records = read(event, "Records", kind=list)
        if len(records) != 1 or not isinstance(records[0], dict):
            raise InvalidEvent(f"Records: expected one record, found {len(records)}")
        return cls(
            message=read(records[0], "Sns", "Message", kind=str),
            subject=read_optional(records[0], "Sns", "Subject", kind=str) or "",
        )
