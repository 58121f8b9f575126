"""Shows progress: a line for each completed state and, on a terminal, the current states below."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.live import Live
from rich.text import Text

from cli.progress import Execution, ProgressStep


class ProgressScreen:
    """Writes to a terminal with a live footer, and elsewhere as a plain log."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._shown: dict[str, int] = {}
        self._began = datetime.now(UTC)

    @contextmanager
    def following(self, began: datetime | None = None) -> Iterator[None]:
        """Print the heading; times are relative to ``began``, by default now."""
        self._shown, self._began = {}, began or datetime.now(UTC)
        self._console.print(Text(row("at", "machine", "stage", "state", "took"), "dim"), soft_wrap=True)
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, transient=True, refresh_per_second=8) as self._live:
            yield
        self._live = None

    def progress(self, executions: Sequence[Execution]) -> None:
        """Write a line for each state completed since the last call, and the current states."""
        for step in self._newly_left(executions):
            self._console.print(Text(self._line(step)), soft_wrap=True)
        if self._live:
            lasting = [step for execution in executions for step in execution.steps if not step.left]
            lines = [Text(self._line(step)) for step in lasting if not step.silent]
            self._live.update(Text("\n", "yellow").join(lines))

    def _newly_left(self, executions: Iterable[Execution]) -> list[ProgressStep]:
        new: list[ProgressStep] = []
        for execution in executions:
            left = [step for step in execution.steps if step.left]
            new += left[self._shown.get(execution.arn, 0) :]
            self._shown[execution.arn] = len(left)
        return sorted((step for step in new if not step.silent), key=lambda step: step.left or step.entered)

    def _line(self, step: ProgressStep) -> str:
        now = datetime.now(UTC)
        at = max(((step.left or now) - self._began).total_seconds(), 0)
        return row(f"{at:.1f} s", step.machine, step.stage or "", step.state, f"{step.seconds(now):.1f} s")


def row(at: str, machine: str, stage: str, state: str, took: str) -> str:
    """Return one line of the progress."""
    return f"  {at:>7}  {machine:<15} {stage:<11} {state:<22} {took:>7}"
