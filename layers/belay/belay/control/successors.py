"""Continuing waiting releases: executions of an older Belay are replaced by new ones, without asking anyone again."""

from dataclasses import dataclass
from typing import Final

from belay.aws.s3 import ArtifactBucket
from belay.aws.stepfunctions import Executions
from belay.ledger.ledger import Ledger
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import Attempt
from belay.release.ending import outcome_of_stage
from belay.release.names import stage_suffix, successor_of
from belay.release.records import ReleaseReference
from belay.release.waves import wave_of

WAITING: Final = ("RequestApproval", "WaitForWindow")
"""The states of deploy_stage that only wait, without a lock, in all versions so far."""

_PARENT = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"


@dataclass(frozen=True)
class Successors:
    """Starts executions of ``machine``, the currently deployed deploy_release."""

    ledger: Ledger
    artifacts: ArtifactBucket
    executions: Executions
    machine: str

    def continue_stage(self, execution: str) -> str | None:
        """Continue a stage's execution that waits for an answer or a window.

        Returns the successor; None if the release has ended or belongs to another attempt by now, or if another stage
        of its wave does more than wait, or was not entered yet: its execution would end with the release's. One that
        waits according to the ledger may hold its lock by now, so its execution is checked. The successor continues
        every waiting stage. It starts first, so that one execution always exists, and the release's own execution is
        stopped before the stages', whose end it would treat as a failure. A rerun after a crash does the rest.
        """
        document = self.executions.input(execution)
        release, stage, parent = ReleaseReference.from_dict(document["release"]), document["stage"], document[_PARENT]
        attempt = self.ledger.attempts.get(release)
        if attempt is None:
            return None
        waves = AcceptedRelease.from_dict(self.artifacts.require_json(release.document_key)).application.waves
        machine, before = execution.rpartition(":")[0], stage_suffix(release.attempt, parent)
        own = {each: f"{machine}:{release.attempt}-{each}{before}" for each in wave_of(waves, stage)}
        name, suffix = successor_of(release.attempt, parent)
        if attempt.execution.endswith(f":{name}"):
            successor = attempt.execution
        else:
            waiting = [each for each in own if outcome_of_stage(attempt, each) is None]
            others = [each for each in waiting if each != stage]
            if not attempt.waits_in(stage) or not all(self._only_waits(attempt, each, own[each]) for each in others):
                return None
            begun = self.executions.input(parent)
            continues = {
                "upload": begun["continues"]["upload"] if "continues" in begun else begun,
                "release": release.to_dict(),
                "waves": [waiting, *([*wave] for wave in waves[waves.index(wave_of(waves, stage)) + 1 :])],
                "suffix": suffix,
            }
            successor = self.executions.start_execution(self.machine, name, {"continues": continues})
        if not self.ledger.attempts.continue_in(release, parent, successor):
            self._stop(successor, "the release has ended")
            return None
        for each in (parent, *own.values()):
            self._stop(each, f"continued by {successor}")
        return successor

    def _only_waits(self, attempt: Attempt, stage: str, execution: str) -> bool:
        """Whether an attempt waits in a stage, and its execution there does nothing else."""
        waits = attempt.waits_in(stage) and self.executions.running(execution)
        state = self.executions.state(execution) if waits else None
        return state is not None and state[0] in WAITING

    def _stop(self, execution: str, cause: str) -> None:
        if self.executions.running(execution):
            self.executions.stop_execution(execution, error="Continued", cause=cause)
