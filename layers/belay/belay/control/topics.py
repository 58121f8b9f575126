"""Telling on-call engineers and programs: each message once, with its place in its thread."""

from belay.aws.sns import Notifications
from belay.ledger.ledger import Ledger
from belay.notify.message import Message, in_thread
from belay.notify.publication import publish_arguments


class Topic:
    """One SNS topic to publish to; the ledger keeps which messages of a thread were told, and in which order."""

    def __init__(self, notifications: Notifications, arn: str, ledger: Ledger) -> None:
        self._notifications = notifications
        self._arn = arn
        self._ledger = ledger

    def publish(self, message: Message) -> None:
        """Publish with a body for each protocol, unless a message of the same key was told in its thread before.

        A function that dies right after SNS has taken the message tells it twice, under the same number.
        """
        thread = self._ledger.threads.number(message.thread, message.key)
        if message.key in thread.told:
            return
        numbered = in_thread(message, thread)
        self._notifications.publish(publish_arguments(numbered, self._arn))
        self._ledger.threads.told(message.thread, message.key)
