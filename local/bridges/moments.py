"""The clock for the transient statuses of databases and snapshots; a test can stop it to observe them."""

import time
from dataclasses import dataclass


@dataclass
class Clock:
    """Seconds that pass while it is not stopped."""

    behind: float = 0.0
    stopped_at: float | None = None

    def now(self) -> float:
        """The seconds by this clock; only their differences are meaningful."""
        return (time.monotonic() if self.stopped_at is None else self.stopped_at) - self.behind

    def stop(self) -> None:
        """Stop time."""
        if self.stopped_at is None:
            self.stopped_at = time.monotonic()

    def go(self) -> None:
        """Resume time where it stopped."""
        if self.stopped_at is not None:
            self.behind += time.monotonic() - self.stopped_at
            self.stopped_at = None


clock = Clock()
