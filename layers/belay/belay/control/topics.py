"""Notifying on-call engineers and programs: each message once, numbered in its thread, and kept as it was sent."""

from collections.abc import Sequence

from belay.aws.clock import timestamp
from belay.aws.log import log_fault
from belay.aws.sns import Notifications
from belay.ledger.ledger import Ledger
from belay.notify.message import Message, in_thread, with_credentials
from belay.notify.publication import publish_arguments
from belay.notify.sent import as_sent
from belay.release.place import AccountRegion


class Topic:
    """One SNS topic to publish to; the ledger records which messages of a thread were sent, and in which order."""

    def __init__(self, notifications: Notifications, arn: str, ledger: Ledger) -> None:
        self._notifications = notifications
        self._arn = arn
        self._ledger = ledger

    def publish(self, message: Message, places: Sequence[AccountRegion | None]) -> None:
        """Publish with a body for each protocol, unless a message with the same key was sent in its thread before.

        ``places`` are the accounts and regions of the resources that it is about, None for Belay's own.
        A function that crashes right after publishing sends the message twice, under the same number.
        """
        thread = self._ledger.threads.number(message.thread, message.key)
        if message.key in thread.told:
            return
        # A topic is in Belay's own account, where its readers' credentials are.
        told = with_credentials(message, places, self._arn.split(":")[4])
        arguments = publish_arguments(in_thread(told, thread), self._arn)
        self._notifications.publish(arguments)
        self._keep(message, arguments["Message"])
        self._ledger.threads.told(message.thread, message.key)

    def _keep(self, message: Message, bodies: str) -> None:
        """Store what was sent. A fault is only logged: the message must not be sent again for it."""
        try:
            self._ledger.messages.keep(message.thread, as_sent(message, bodies, self._arn, timestamp()))
        except Exception:
            log_fault(f"the message {message.key} of the thread {message.thread} was sent, but could not be kept")
