"""The on-call subscriber: a queue that receives what the topic tells people and programs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

_SECTIONS: Final = {
    "what": "What happened",
    "cause": "First cause",
    "findings": "Findings",
    "done": "What was done",
    "left_to_do": "Left to do",
    "look": "Look closer",
}
"""The parts of a message for programs, and what a person calls them."""


@dataclass(frozen=True)
class Received:
    """One message as the subscriber got it: ``text`` is readable, ``attributes`` are what subscriptions filter by."""

    subject: str
    text: str
    attributes: Mapping[str, str]
    sent: str

    @classmethod
    def from_envelope(cls, envelope: Mapping[str, Any]) -> Self:
        """Read what SNS hands to a queue without raw delivery.

        https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
        """
        return cls(
            subject=envelope.get("Subject", ""),
            text=readable(envelope["Message"]),
            attributes={name: each["Value"] for name, each in envelope.get("MessageAttributes", {}).items()},
            sent=envelope["Timestamp"],
        )


def readable(body: str) -> str:
    """Write out a message for programs, a JSON document, as a person would read it; leave other text as it is."""
    try:
        document = json.loads(body)
    except ValueError:
        return body
    if not isinstance(document, dict):
        return body
    lines = []
    for key, title in _SECTIONS.items():
        told = document.get(key) or []
        told = told.splitlines() if isinstance(told, str) else told
        lines += [f"{'' if number else f'{title}:':<15}{line}" for number, line in enumerate(told)]
    return "\n".join(lines) or body


class Inbox:
    """A queue subscribed to the topic."""

    def __init__(self, sqs: Any, queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    @classmethod
    def subscribe(cls, sqs: Any, sns: Any, topic: str, name: str) -> Self:
        """Make the queue, let the topic send to it, and subscribe it."""
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return cls(sqs, url)

    def receive(self, outcome: str, seconds: float) -> list[Received]:
        """Take out every message there is, waiting for the one that tells this outcome for at most so many seconds."""
        deadline = time.monotonic() + seconds
        received: list[Received] = []
        while True:
            told = any(message.attributes.get("outcome") == outcome for message in received)
            wait = 0 if told or time.monotonic() > deadline else 1
            messages = self._sqs.receive_message(
                QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=wait
            ).get("Messages", [])
            for message in messages:
                received.append(Received.from_envelope(json.loads(message["Body"])))
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
            if not messages and not wait:
                return sorted(received, key=lambda message: message.sent)
