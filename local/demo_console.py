"""What the demo shows: a line for each state that was left, what still runs (on a terminal), messages, a summary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.box import SIMPLE
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from local.demo_inbox import Received
from local.demo_progress import Execution, Step
from local.demo_scenarios import Scenario


class Screen:
    """Writes to a terminal with colour and a live footer, and to anything else as a plain log."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._shown: dict[str, int] = {}
        self._began = datetime.now(UTC)

    def say(self, text: str, style: str = "") -> None:
        """Write one paragraph as it is."""
        self._console.print(Text(text, style), soft_wrap=True)

    @contextmanager
    def release(self, scenario: Scenario) -> Iterator[None]:
        """Head the progress of a release; on a terminal keep what runs now below it."""
        self.say(f"\n{scenario.application} {scenario.version} ({scenario.name})", "bold")
        self.say(scenario.tells)
        self.say(_row("at", "machine", "stage", "state", "took"), "dim")
        self._shown, self._began = {}, datetime.now(UTC)
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, transient=True, refresh_per_second=8) as self._live:
            yield
        self._live = None

    def progress(self, executions: Sequence[Execution]) -> None:
        """Write a line for each state left since the last look, and what runs now."""
        for step in self._newly_left(executions):
            self._console.print(self._line(step), soft_wrap=True)
        if self._live:
            running = [step for execution in executions for step in execution.steps if not step.left]
            lines = [self._line(step) for step in running if not step.silent]
            self._live.update(Text("\n", "yellow").join(lines))

    def messages(self, scenario: Scenario, messages: Iterable[Received]) -> None:
        """Write out what the on-call subscriber received of a release."""
        self.say(f"\n{scenario.application} {scenario.version} ({scenario.name})", "bold")
        for message in messages:
            self.say(f"\n  {message.subject}", "cyan")
            self.say("  " + "  ".join(f"{name}={value}" for name, value in sorted(message.attributes.items())), "dim")
            self.say("\n".join(f"    {line}" for line in message.text.splitlines()))

    def table(self, title: str, columns: Sequence[str], rows: Iterable[tuple[Sequence[str], bool]]) -> None:
        """Write a table; each row comes with whether it is as it should be."""
        table = Table(*columns, title=title, title_justify="left", title_style="bold", box=SIMPLE, pad_edge=False)
        for cells, good in rows:
            table.add_row(*cells, style="green" if good else "bold red")
        self._console.print(table)

    def _newly_left(self, executions: Iterable[Execution]) -> list[Step]:
        new: list[Step] = []
        for execution in executions:
            left = [step for step in execution.steps if step.left]
            new += left[self._shown.get(execution.arn, 0) :]
            self._shown[execution.arn] = len(left)
        return sorted((step for step in new if not step.silent), key=lambda step: step.left or step.entered)

    def _line(self, step: Step) -> Text:
        now = datetime.now(UTC)
        at = max(((step.left or now) - self._began).total_seconds(), 0)
        return Text(_row(f"{at:.1f} s", step.machine, step.stage or "", step.state, f"{step.seconds(now):.1f} s"))


def _row(at: str, machine: str, stage: str, state: str, took: str) -> str:
    return f"  {at:>7}  {machine:<15} {stage:<11} {state:<22} {took:>7}"
