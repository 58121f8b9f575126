"""The on-call subscriber: a queue that receives the topic's messages."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Received:
    """One message as received: ``text`` is for people, ``data`` for programs, ``attributes`` for filters."""

    subject: str
    text: str
    attributes: Mapping[str, str]
    sent: str
    data: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_envelope(cls, envelope: Mapping[str, Any]) -> Self:
        """Read what SNS sends to a queue without raw message delivery.

        https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html; Belay's JSON contains the text for people.
        """
        body, data = envelope["Message"], _document(envelope["Message"])
        return cls(
            subject=envelope.get("Subject", ""),
            text=str(data.get("text", body)),
            data=data,
            attributes={name: each["Value"] for name, each in envelope.get("MessageAttributes", {}).items()},
            sent=envelope["Timestamp"],
        )


def _document(body: str) -> Mapping[str, Any]:
    """Return Belay's JSON; empty for other messages, such as alarms."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) and "text" in document else {}


class Inbox:
    """A queue subscribed to the topic."""

    def __init__(self, sqs: Any, queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    @classmethod
    def subscribe(cls, sqs: Any, sns: Any, topic: str, name: str) -> Self:
        """Create the queue, allow the topic to send to it, and subscribe it."""
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
        """Receive all messages, waiting at most this many seconds for the one with this outcome."""
        deadline = time.monotonic() + seconds
        received: list[Received] = []
        while True:
            found = any(message.attributes.get("outcome") == outcome for message in received)
            wait = 0 if found or time.monotonic() > deadline else 1
            messages = self._sqs.receive_message(
                QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=wait
            ).get("Messages", [])
            for message in messages:
                received.append(Received.from_envelope(json.loads(message["Body"])))
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
            if not messages and not wait:
                return sorted(received, key=lambda message: message.sent)
