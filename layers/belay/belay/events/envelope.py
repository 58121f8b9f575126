"""The envelope of EventBridge events, and how to read an event of any shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict, TypeVar

from belay.errors import InvalidEvent

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class AwsEvent:
    """The fields of an event's envelope that Belay keeps.

    ``id`` is the same in every delivery of the same event; ``time`` is in UTC. The fields are those of
    https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html.
    """

    id: str
    account: str
    region: str
    time: datetime


class Outer(TypedDict):
    """The fields of ``AwsEvent``, by name."""

    id: str
    account: str
    region: str
    time: datetime


def read_outer(event: Mapping[str, Any], source: str, *detail_types: str) -> Outer:
    """Read the envelope of an event, which must come from ``source`` and have one of ``detail_types``.

    Raises ``InvalidEvent`` for anything else.
    """
    found = read(event, "source", kind=str), read(event, "detail-type", kind=str)
    if found[0] != source:
        raise InvalidEvent(f"source: expected {source}, found {found[0]!r}")
    if found[1] not in detail_types:
        raise InvalidEvent(f"detail-type: expected {' or '.join(detail_types)}, found {found[1]!r}")
    return {
        "id": read(event, "id", kind=str),
        "account": read(event, "account", kind=str),
        "region": read(event, "region", kind=str),
        "time": read_time(event, "time"),
    }


def read(event: Mapping[str, Any], *path: str, kind: type[T]) -> T:
    """Return the value at ``path``, which must exist and be of type ``kind``. Raises ``InvalidEvent`` with the path."""
    found = read_optional(event, *path, kind=kind)
    if found is None:
        raise InvalidEvent(f"{'.'.join(path)}: expected {_name(kind)}, found nothing")
    return found


def read_optional(event: Mapping[str, Any], *path: str, kind: type[T]) -> T | None:
    """Return the value at ``path``, or None if it, or anything on the way to it, is absent or null.

    Raises ``InvalidEvent`` with the path if it is of another type than ``kind``.
    """
    here: Any = event
    for depth, key in enumerate(path):
        if not isinstance(here, Mapping):
            raise InvalidEvent(f"{'.'.join(path[:depth]) or 'event'}: expected an object, found {_shown(here)}")
        here = here.get(key)
        if here is None:
            return None
    if not isinstance(here, kind) or (isinstance(here, bool) and kind is not bool):
        raise InvalidEvent(f"{'.'.join(path)}: expected {_name(kind)}, found {_shown(here)}")
    return here


def read_time(event: Mapping[str, Any], *path: str) -> datetime:
    """Return the ISO 8601 time at ``path``, in UTC. Raises ``InvalidEvent`` with the path."""
    text = read(event, *path, kind=str)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidEvent(f"{'.'.join(path)}: expected an ISO 8601 time, found {_shown(text)}") from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _name(kind: type) -> str:
    return {str: "text", int: "a whole number", list: "a list", dict: "an object"}.get(kind, kind.__name__)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."  # noqa: PLR2004 - enough to recognize the value
