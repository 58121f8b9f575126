"""The clock by which databases and snapshots take their moment; a test can stop it to look at them in between."""

import time
from dataclasses import dataclass


@dataclass
class Clock:
    """Seconds that pass while it is not stopped."""

    behind: float = 0.0
    stopped_at: float | None = None

    def now(self) -> float:
        """The seconds by this clock; only their differences mean something."""
        return (time.monotonic() if self.stopped_at is None else self.stopped_at) - self.behind

    def stop(self) -> None:
        """Let no time pass from now on."""
        if self.stopped_at is None:
            self.stopped_at = time.monotonic()

    def go(self) -> None:
        """Let time pass again, from where it stood still."""
        if self.stopped_at is not None:
            self.behind += time.monotonic() - self.stopped_at
            self.stopped_at = None


clock = Clock()
