"""A message as SNS takes it."""

import json
from typing import Any

from belay.notify.lines import cut
from belay.notify.message import Message
from belay.notify.told import cause_lines

LARGEST_MESSAGE = 262_144
"""SNS: 256 KB for the message with its attributes, all protocols' bodies together
(https://docs.aws.amazon.com/sns/latest/api/API_Publish.html)."""

_ATTRIBUTES_ROOM = 2_048

_LONGEST_SMS = 140


def told_on(own: str | None, default: str) -> str:
    """Return the topic (an ARN) for a message about an application: its own, or else Belay's ``default``.

    Belay can publish only in its own account and region. A registration may name a topic elsewhere until an operator
    corrects it.
    """
    return own if own is not None and own.split(":")[:5] == default.split(":")[:5] else default


def publish_arguments(message: Message, topic_arn: str) -> dict[str, Any]:
    """The arguments of SNS Publish: readable text for people, JSON for programs, one line for SMS.

    A message that would still be too large for SNS goes out without its lists; its subject and the command to look
    closer stay
    (https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html describes
    ``MessageStructure=json``).
    """
    body = _body(message.text, dict(message.data), message.subject)
    if len(body.encode()) + _ATTRIBUTES_ROOM > LARGEST_MESSAGE:
        short = {key: value for key, value in message.data.items() if isinstance(value, str | int)}
        body = _body(cut(message.text, LARGEST_MESSAGE // 32), short, message.subject)
    return {
        "TopicArn": topic_arn,
        "Subject": message.subject,
        "MessageStructure": "json",
        "Message": body,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items()
        },
    }


def _body(text: str, data: dict[str, Any], subject: str) -> str:
    document = json.dumps(data | {"subject": subject, "text": text}, ensure_ascii=False, separators=(",", ":"))
    sms = ". ".join([subject, *cause_lines(data.get("cause"))])
    bodies = {"default": text, "email": text, "sms": cut(sms, _LONGEST_SMS)}
    return json.dumps(bodies | dict.fromkeys(("sqs", "lambda", "http", "https"), document), ensure_ascii=False)
