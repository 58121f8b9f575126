"""Notifying people of registrations that cannot be read, once, and again when they are corrected."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

from belay.aws.ssm import APPLICATIONS
from belay.control.topics import Topic
from belay.ledger.ledger import Ledger
from belay.ledger.registrations import UnreadableRegistration
from belay.notify.message import Message
from belay.notify.registrations import registration_corrected


class Unreadable:
    """Publishes to Belay's own topic: the application's own may be the unreadable part."""

    def __init__(self, ledger: Ledger, topic: Topic) -> None:
        self._ledger = ledger
        self._topic = topic

    def tell(self, found: tuple[str, Sequence[str]], now: datetime, message: Callable[..., Message]) -> None:
        """Announce a parameter's problems, unless these were announced; different ones are announced again."""
        parameter, problems = found
        digest = hashlib.sha256("\n".join(problems).encode()).hexdigest()[:16]
        at = now.isoformat(timespec="milliseconds")
        noted = self._ledger.registrations.note_unreadable(parameter, digest, at)
        told = message(*_path(parameter), parameter=parameter, problems=problems, since=noted.since)
        self._topic.publish(told, ())

    def tell_corrected(self, known: UnreadableRegistration) -> None:
        """Announce that a parameter can be read again, or was deleted."""
        message = registration_corrected(*_path(known.parameter), parameter=known.parameter, since=known.since)
        self._topic.publish(message, ())
        self._ledger.registrations.forget(known)


def _path(parameter: str) -> tuple[str, str]:
    """Return the application and stage that a parameter registers; the stage is empty for the application's own."""
    application, _, stage = parameter.removeprefix(APPLICATIONS).partition("/")
    return application, stage
