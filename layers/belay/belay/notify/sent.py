"""A message as it was sent."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from belay.notify.message import Message

NOT_KEPT: Final = "(a link that answers: not kept)"


@dataclass(frozen=True)
class SentMessage:
    """A message as people and programs received it: ``document`` is what docs/message.schema.json describes.

    ``at`` is when it was sent (ISO 8601 in UTC), ``topic`` the ARN of the topic that it was sent to.
    """

    at: str
    topic: str
    document: Mapping[str, Any]

    @property
    def number(self) -> int:
        """Its number in its thread, from 1."""
        return int(self.document["sequence"])

    @property
    def subject(self) -> str:
        """The subject of the mail."""
        return str(self.document["subject"])

    @property
    def text(self) -> str:
        """What people read."""
        return str(self.document["text"])


def as_sent(message: Message, bodies: str, topic: str, at: str) -> SentMessage:
    """Return what was sent; ``bodies`` is the JSON that SNS took, from which whatever is ``withheld`` is left out."""
    document = json.loads(bodies)["https"]
    if message.withheld:
        document = re.sub(re.escape(message.withheld) + r'[^\s"\\]*', NOT_KEPT, document)
    return SentMessage(at, topic, json.loads(document))
