"""The demo's output: the progress of each release, messages, a summary."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.progress import Execution
from local.demo_inbox import Received
from local.demo_scenarios import Scenario
from local.progress_screen import ProgressScreen


class Screen:
    """Writes to a terminal with color and a live footer, and to anything else as a plain log."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = ProgressScreen(console)

    def beside(self) -> Screen:
        """Return a screen for parallel work: it buffers its text until ``show``."""
        return Screen(Console(file=io.StringIO(), width=self._console.width, highlight=False))

    def show(self, other: Screen) -> None:
        """Write another screen's buffered text."""
        kept = other._console.file
        if isinstance(kept, io.StringIO):
            self.say(kept.getvalue())

    def say(self, text: str, style: str = "") -> None:
        """Write one paragraph."""
        self._console.print(Text(text, style), soft_wrap=True)

    @contextmanager
    def release(self, scenario: Scenario) -> Iterator[None]:
        """Write a heading for the progress of a release; a terminal shows the running states below it."""
        self.say(f"\n{scenario.application} {scenario.version} ({scenario.name})", "bold")
        self.say(scenario.tells)
        with self._progress.following():
            yield

    def progress(self, executions: Sequence[Execution]) -> None:
        """Write a line for each state that ended since the last call, and the running states."""
        self._progress.progress(executions)

    def messages(self, scenario: Scenario, messages: Iterable[Received]) -> None:
        """Write the on-call subscriber's messages about a release."""
        self.say(f"\n{scenario.application} {scenario.version} ({scenario.name})", "bold")
        for message in messages:
            self.say(f"\n  {message.subject}", "cyan")
            self.say("  " + "  ".join(f"{name}={value}" for name, value in sorted(message.attributes.items())), "dim")
            self.say("\n".join(f"    {line}" for line in message.text.splitlines()))

    def table(self, title: str, columns: Sequence[str], rows: Iterable[tuple[Sequence[str], bool]]) -> None:
        """Write a table; each row has a flag for whether it is as expected."""
        table = Table(*columns, title=title, title_justify="left", title_style="bold", box=SIMPLE, pad_edge=False)
        for cells, good in rows:
            table.add_row(*cells, style="green" if good else "bold red")
        self._console.print(table)
