"""SNS: telling on-call engineers and programs."""

from typing import Any

from belay.aws.dynamodb import Ledger
from belay.aws.faults import translated
from belay.notify.message import Message, in_thread, publish_arguments


class Topic:
    """One SNS topic to publish to; the ledger keeps which messages of a thread were told, and in which order."""

    def __init__(self, client: Any, arn: str, ledger: Ledger) -> None:
        self._client = client
        self._arn = arn
        self._ledger = ledger

    def publish(self, message: Message) -> None:
        """Publish with a body for each protocol, unless a message of the same key was told in its thread before.

        A function that dies right after SNS has taken the message tells it twice, under the same number.
        """
        thread = self._ledger.number_message(message.thread, message.key)
        if message.key in thread.told:
            return
        numbered = in_thread(message, thread.number_of(message.key), thread.keys)
        with translated("SNS.Publish"):
            self._client.publish(**publish_arguments(numbered, self._arn))
        self._ledger.told_message(message.thread, message.key)


class ChatTopic:
    """The topic that Amazon Q Developer in chat applications reads."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, body: str) -> None:
        """Publish one body for every protocol."""
        with translated("SNS.Publish"):
            self._client.publish(TopicArn=self._arn, Message=body)
