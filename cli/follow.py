"""Follows releases and rollbacks to their end, or until a person is needed: ``--wait``, ``--watch``, ``--until``."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from belay.errors import ServiceUnavailable, Throttled
from belay.notify.told import reason_lines
from belay.release.records import Outcome
from cli.options import Declaration, gathered
from cli.output import plain, reason_parts, tell
from cli.problems import REFUSED
from cli.views.followed import Followed
from cli.views.followed_lines import News, news, now_lines, still

LOOK_EVERY_SECONDS: Final = 2.0
MOST_MISSED: Final = 5
"""How many looks in a row may fail, each of them with botocore's own retries, before the command fails."""
QUIET: Final = timedelta(minutes=1)
"""After how long without news a log says what is still in progress, so that it does not look dead."""

UNTIL: Final = click.option(
    "--until",
    type=click.Choice(("approval", "end")),
    help="follow it until a person's answer is needed, with exit status 0, or to its end (default)",
)


@dataclass(frozen=True)
class Wait:
    """Whether a command follows what it has begun, and how far."""

    wait: bool
    until: str | None

    @property
    def wanted(self) -> bool:
        """Whether it follows: ``--until`` alone says so, too."""
        return self.wait or self.until is not None


def waits(good: Collection[Outcome]) -> Declaration:
    """Declare ``--wait`` and ``--until``; the command is passed ``wait``. Outcomes other than ``good`` end with 1."""
    told = f"follow it, line by line where there is no terminal; exit status 1 unless it ends {' or '.join(good)}"
    return gathered("wait", Wait, click.option("--wait", is_flag=True, help=told), UNTIL)


class FollowScreen:
    """Shows what is followed: on a terminal as it is now, elsewhere as a log of what happens."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._told: set[News] = set()
        self._spoke: datetime | None = None

    @contextmanager
    def open(self) -> Iterator[FollowScreen]:
        """Keep the live part of the terminal until the end."""
        if not self._console.is_terminal:
            yield self
            return
        with Live(console=self._console, auto_refresh=False, vertical_overflow="crop") as self._live:
            yield self
        self._live = None

    def show(self, seen: Sequence[Followed], now: datetime) -> None:
        """Show a look at everything that is followed."""
        if self._live is not None:
            lines = [Text(line.text, line.style, no_wrap=True, overflow="ellipsis") for line in now_lines(seen, now)]
            self._live.update(Text("\n").join(lines), refresh=True)
            return
        told = [each for each in news(seen) if each not in self._told]
        self._told.update(told)
        for each in told:
            self.say(each.line)
        if told or self._spoke is None:
            self._spoke = now
        elif now - self._spoke >= QUIET:
            for line in still(seen, now):
                self.say(f"{now.astimezone(UTC):%H:%M:%S}  {line}")
            self._spoke = now

    def say(self, text: str) -> None:
        """Write a line that stays."""
        self._console.print(Text(plain(text)), soft_wrap=True)
        self._console.file.flush()


def follow(look: Callable[[], Sequence[Followed]], console: Console, until: str | None = None) -> Sequence[Followed]:
    """Show what ``look`` finds until all of it is over, or with ``approval`` until a person is asked; return it.

    Throttling and outages are waited out: what is followed continues meanwhile.
    """
    with FollowScreen(console).open() as screen:
        try:
            return _followed(look, screen, until)
        except KeyboardInterrupt:
            screen.say("It continues in the background; `belay status --watch` follows it again.")
            raise


def _followed(look: Callable[[], Sequence[Followed]], screen: FollowScreen, until: str | None) -> Sequence[Followed]:
    missed = 0
    while True:
        try:
            seen = look()
        except (Throttled, ServiceUnavailable) as fault:
            missed += 1
            if missed == MOST_MISSED:
                raise
            screen.say(f"cannot be read at the moment: {fault}")
        else:
            missed = 0
            screen.show(seen, datetime.now(UTC))
            if all(each.over for each in seen) or (until == "approval" and any(each.asks for each in seen)):
                return seen
        time.sleep(LOOK_EVERY_SECONDS)


def finish(
    look: Callable[[], Followed],
    name: str,
    found: Mapping[str, Any],
    lines: Sequence[str],
    *,
    wait: Wait,
    output: str,
    good: Collection[Outcome],
) -> int:
    """Tell what a command has begun about ``name``, and follow it if that is asked for; return the exit status."""
    if not wait.wanted:
        tell(output, found, lines)
        return 0
    if output == "text":
        print(plain(lines[0]), flush=True)
    console = Console(stderr=output == "json", highlight=False)
    (seen,) = follow(lambda: [look()], console, wait.until)
    tell(output, {**found, **ended(seen)}, ended_lines(name, seen))
    return 0 if seen.outcome is None or seen.outcome in good else REFUSED


def ended(seen: Followed) -> dict[str, Any]:
    """Return how it ended, or what it waits for, for a JSON document."""
    asks = [
        {"stage": each.stage, "what": each.what, "who": each.who, "until": each.until, "answer": list(each.commands)}
        for each in seen.asks
    ]
    return {"outcome": seen.outcome, **reason_parts(seen.reason), "waits_for": asks}


def ended_lines(name: str, seen: Followed) -> list[str]:
    """Say how it ended, or what it waits for."""
    if seen.outcome is None:
        return [f"{name} waits for {each.what}" for each in seen.asks]
    return [f"{name}: {seen.outcome}", *reason_lines(seen.reason)]
