"""Notifying on-call engineers and programs: each message once, numbered in its thread."""

from belay.aws.sns import Notifications
from belay.ledger.ledger import Ledger
from belay.notify.message import Message, in_thread
from belay.notify.publication import publish_arguments


class Topic:
    """One SNS topic to publish to; the ledger records which messages of a thread were sent, and in which order."""

    def __init__(self, notifications: Notifications, arn: str, ledger: Ledger) -> None:
        self._notifications = notifications
        self._arn = arn
        self._ledger = ledger

    def publish(self, message: Message) -> None:
        """Publish with a body for each protocol, unless a message with the same key was sent in its thread before.

        A function that crashes right after publishing sends the message twice, under the same number.
        """
        thread = self._ledger.threads.number(message.thread, message.key)
        if message.key in thread.told:
            return
        numbered = in_thread(message, thread)
        self._notifications.publish(publish_arguments(numbered, self._arn))
        self._ledger.threads.told(message.thread, message.key)
