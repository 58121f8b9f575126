"""What no event told of: ends what was left, starts what was held, reminds, and counts old locks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

from belay.aws.clock import lease
from belay.aws.stepfunctions import Executions
from belay.control.approvals import Approvals
from belay.control.decisions import Decisions
from belay.control.failed_stacks import FailedStacks
from belay.control.unfinished import Unfinished
from belay.control.unhealthy import Unhealthy
from belay.ledger.incidents import OpenIncident
from belay.ledger.ledger import Ledger
from belay.release.attempt import HeldUpload, OpenAttempt
from belay.release.names import execution_name

Given = ParamSpec("Given")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Sweep:
    """One sweep. What one part meets hinders no other: it is kept in ``faults``."""

    ledger: Ledger
    executions: Executions
    unfinished: Unfinished
    failed_stacks: FailedStacks
    unhealthy: Unhealthy
    approvals: Approvals
    decisions: Decisions
    deploy_machine_arn: str
    faults: list[Exception] = field(default_factory=list)

    def run(self, now: datetime, *, paused: bool) -> dict[str, Any]:
        """Reconcile the ledger with what is really running; return what was done, part by part."""
        open_ones: list[OpenAttempt | OpenIncident] = [
            *self.ledger.attempts.open_ones(),
            *self.ledger.incidents.open_ones(),
        ]
        taken_up = [self._attempted(self.unfinished.take_up_dead, each) for each in open_ones]
        failed = self._attempted(self.failed_stacks.take_up_registered)
        held = [] if paused else self.ledger.uploads.held()
        for each in held:
            self._attempted(self.resume, each)
        asked = self.ledger.approvals.asked()
        reminded = [self._attempted(self.approvals.see_to, item, self.decisions, now) for item in asked]
        return {
            "taken_up": [*filter(None, taken_up)],
            "failed_stacks": failed,
            "resumed": len(held),
            "reminded": reminded.count(True),
            "healthy_again": self._attempted(self.unhealthy.close_healthy),
            "locks_held_past_expiry": self.left_behind(),
        }

    def _attempted(self, act: Callable[Given, Found], *args: Given.args, **named: Given.kwargs) -> Found | None:
        """Do one part of the sweep; what it raises, a mistake of ours too, is kept with the others' faults."""
        try:
            return act(*args, **named)
        except Exception as fault:
            self.faults.append(fault)
            return None

    def resume(self, held: HeldUpload) -> None:
        """Start a held upload. Held once more, it is started once more: a name used before would start nothing."""
        name = execution_name("held", held.upload.application, held.name)
        self.executions.start_execution(self.deploy_machine_arn, name, held.event)
        self.ledger.uploads.unhold(held)

    def left_behind(self) -> list[str]:
        """Return the locks that are held past their expiry."""
        return [f"{lock.application}#{lock.stage}" for lock in self.ledger.locks.held() if lock.expires_at < lease(0)]
