"""Releases that wait outside a stage's windows, until these open or a person lets them continue."""

from dataclasses import dataclass

from belay.aws.clock import timestamp
from belay.aws.stepfunctions import Executions
from belay.control.endings import Endings
from belay.control.stage import StageContext
from belay.notify.releases import held_outside_windows
from belay.release.life import State


@dataclass(frozen=True)
class HeldReleases:
    """Holds releases, and announces that once."""

    endings: Endings
    executions: Executions

    def hold(self, run: StageContext, task_token: str, why: str, until: str) -> None:
        """Store a task's token for a person's override, and announce that the release waits.

        Raises ``ReleaseSuperseded``; checked once the token is stored, so that a newer release finds the token or is
        found.
        """
        ledger, release, stage, at = run.ledger, run.release, run.stage.name, timestamp()
        if ledger.holds.hold(release, stage, task_token=task_token, reason=why, until=until, now=at):
            detail = f"{why}; it continues at {until}"
            ledger.attempts.record(release, State.HELD, at, stage=stage, detail=detail)
        run.refuse_superseded()
        if ledger.holds.override(release, stage):
            # An override since the window was checked found no token.
            self.executions.send_task_success(task_token, {})
            return
        self.endings.topic_of(release).publish(held_outside_windows(release, stage, why=why, until=until), ())
