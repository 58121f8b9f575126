"""When a stage may be changed: windows in local time, and freezes.

A window is open at the times its registration names, in the stage's time zone. A time that a clock change skips is
the moment of the change; one that occurs twice is open both times. A freeze lasts from its first moment to its last,
whatever the clocks do.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from belay.release.document import Fields, Node

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_TIME: Final = re.compile(r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)|24:00")
_TIME_RULE: Final = 'a time of day in quotes, from "00:00" to "24:00"'
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2})?")
_MOMENT_RULE: Final = 'a date or a time such as "2026-12-18" or "2026-12-18T09:00"'
_ZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")
_A_DAY: Final = 24 * 60
_LOOKS_EVERY: Final = timedelta(minutes=15)
"""Clocks change on quarter hours of UTC, so checking each of them misses no opening."""
_LOOKS_AHEAD: Final = timedelta(days=200)
_MOST_FREEZE: Final = timedelta(days=60)
"""A release that is held longer should be uploaded again; ``deploy_stage`` ends one after 120 days of holds."""


@dataclass(frozen=True)
class Window:
    """Hours of some days of the week (0 is Monday) in minutes; if the end is earlier, it is on the next day."""

    days: frozenset[int]
    opens: int
    closes: int

    def open_at(self, day: int, minute: int) -> bool:
        """Whether the window is open at this minute of a day of the week."""
        if self.opens < self.closes:
            return day in self.days and self.opens <= minute < self.closes
        return (day in self.days and minute >= self.opens) or ((day - 1) % 7 in self.days and minute < self.closes)


@dataclass(frozen=True)
class Freeze:
    """A period in local time in which a stage is not changed, and why."""

    begins: datetime
    ends: datetime
    reason: str


@dataclass(frozen=True)
class Held:
    """Why a stage must not be changed now, and from when it may be, in UTC."""

    why: str
    until: datetime


@dataclass(frozen=True)
class Calendar:
    """The windows and freezes of a stage in its time zone. Without any, it may be changed at any time."""

    timezone: str = "UTC"
    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()

    @property
    def registered(self) -> bool:
        """Whether there is anything that could hold a release."""
        return bool(self.windows or self.freezes)

    def held(self, now: datetime) -> Held | None:
        """Return why and until when nothing may be changed, or None if it may be changed now.

        ``until`` is the first moment within a window and outside every freeze, at most 200 days from now.
        """
        why = self._closed(now)
        if why is None:
            return None
        moment = now
        while self._closed(moment) is not None and moment < now + _LOOKS_AHEAD:
            moment = self._next(moment)
        return Held(why, moment)

    def in_words(self, moment: datetime) -> str:
        """``2026-03-02 09:00 (Europe/Berlin)``."""
        return f"{moment.astimezone(ZoneInfo(self.timezone)):%Y-%m-%d %H:%M} ({self.timezone})"

    def _closed(self, moment: datetime) -> str | None:
        for freeze in self.freezes:
            begins, ends = self._span(freeze)
            if begins <= moment < ends:
                return f"there is a freeze until {self.in_words(ends)}: {freeze.reason}"
        local = moment.astimezone(ZoneInfo(self.timezone))
        minute = local.hour * 60 + local.minute
        if self.windows and not any(window.open_at(local.weekday(), minute) for window in self.windows):
            return "no deployment window is open"
        return None

    def _next(self, moment: datetime) -> datetime:
        """Return the next moment at which a window may open: a freeze's end, a quarter of an hour, a window's time."""
        for begins, ends in map(self._span, self.freezes):
            if begins <= moment < ends:
                return ends
        local = moment.astimezone(ZoneInfo(self.timezone))
        minute = local.hour * 60 + local.minute
        seconds = local.second + local.microsecond / 1_000_000
        to_opening = min(((window.opens - minute) % _A_DAY or _A_DAY for window in self.windows), default=_A_DAY)
        opening = moment + timedelta(minutes=to_opening, seconds=-seconds)
        past = (moment - datetime.min.replace(tzinfo=UTC)) % _LOOKS_EVERY
        return min(opening, moment - past + _LOOKS_EVERY)

    def _span(self, freeze: Freeze) -> tuple[datetime, datetime]:
        """Return a freeze's first and last moment in UTC: of times that occur twice, the first and the second."""
        zone = ZoneInfo(self.timezone)
        begins = freeze.begins.replace(tzinfo=zone, fold=0).astimezone(UTC)
        return begins, freeze.ends.replace(tzinfo=zone, fold=1).astimezone(UTC)


ALWAYS_OPEN: Final = Calendar()


def read_calendar(stage: Fields) -> Calendar:
    """Read a registered stage's ``timezone``, ``windows`` and ``freezes``; problems are recorded."""
    zone = stage["timezone"]
    return Calendar(
        timezone=_timezone(zone) if zone.present else "UTC",
        windows=tuple(_window(item) for item in stage["windows"].items()),
        freezes=tuple(_freeze(item) for item in stage["freezes"].items()),
    )


def _timezone(node: Node) -> str:
    name = node.text(_ZONE, "the name of a time zone, such as Europe/Berlin")
    try:
        ZoneInfo(name or "UTC")
    except (ValueError, OSError, KeyError):
        node.note("there is no such time zone; https://www.iana.org/time-zones has their names")
        return "UTC"
    return name or "UTC"


def _window(node: Node) -> Window:
    fields = node.fields(["from", "until"], ["days"])
    days = fields["days"]
    named = (
        [item.one_of(DAYS, "monday") for item in days.items(f"a list of {', '.join(DAYS)}")] if days.present else DAYS
    )
    window = Window(frozenset(map(DAYS.index, named)), _minutes(fields["from"]), _minutes(fields["until"]))
    if not window.days:
        days.wrong("at least one day")
    if window.opens % _A_DAY == window.closes:
        fields["until"].note("the window ends when it begins")
    return window


def _minutes(node: Node) -> int:
    text = node.text(_TIME, _TIME_RULE)
    if not text:
        return 0
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _freeze(node: Node) -> Freeze:
    fields = node.fields(["from", "until", "reason"])
    begins, ends = _moment(fields["from"]), _moment(fields["until"])
    if begins and ends and not begins < ends <= begins + _MOST_FREEZE:
        fields["until"].note(f"expected a time after the freeze's first, at most {_MOST_FREEZE.days} days later")
    return Freeze(begins or datetime.min, ends or datetime.min, fields["reason"].text(None, "why"))


def _moment(node: Node) -> datetime | None:
    text = node.text(_MOMENT, _MOMENT_RULE)
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        node.wrong(_MOMENT_RULE)
        return None
