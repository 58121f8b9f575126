"""The notification topics of applications, for messages without a release."""

from collections.abc import Sequence

from belay.aws.sns import Notifications
from belay.control.registrations import Registrations
from belay.control.topics import Topic
from belay.ledger.ledger import Ledger
from belay.notify.message import Message
from belay.notify.publication import told_on
from belay.release.place import AccountRegion


class ApplicationTopics:
    """Each application's own topic, or Belay's if it has none."""

    def __init__(self, registrations: Registrations, ledger: Ledger, sns: Notifications, default_topic: str) -> None:
        self._registrations = registrations
        self._ledger = ledger
        self._sns = sns
        self._default_topic = default_topic

    def own(self, application: str) -> str | None:
        """Return the ARN of an application's topic."""
        return self._registrations.topic_of(application)

    def publish(self, application: str, message: Message, places: Sequence[AccountRegion | None]) -> None:
        """Publish a message about an application; ``places`` as for ``Topic``."""
        Topic(self._sns, told_on(self.own(application), self._default_topic), self._ledger).publish(message, places)
