"""Continuing waiting releases: executions of an older Belay are replaced by new ones; nobody is asked again."""

from collections.abc import Sequence
from dataclasses import dataclass

from belay.aws.s3 import ArtifactBucket
from belay.aws.stepfunctions import Executions
from belay.ledger.ledger import Ledger
from belay.release.accepted import AcceptedRelease
from belay.release.names import stage_suffix, successor_of
from belay.release.records import ReleaseReference
from belay.release.waves import wave_of

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
        of its wave does not only wait: its execution would end with the release's. The successor continues every stage
        that waits. It starts first, so that one execution always exists, and the release's own execution is stopped
        before the stages', whose end it would treat as a failure. Repeated after a crash, it does what is left.
        """
        document = self.executions.input(execution)
        release, stage, parent = ReleaseReference.from_dict(document["release"]), document["stage"], document[_PARENT]
        attempt = self.ledger.attempts.get(release)
        if attempt is None or not all(each.state.waits for each in attempt.under_way):
            return None
        waiting = [each.stage for each in attempt.under_way]
        name, suffix = successor_of(release.attempt, parent)
        if attempt.execution.endswith(f":{name}"):
            successor = attempt.execution
        else:
            begun = self.executions.input(parent)
            continues = {
                "upload": begun["continues"]["upload"] if "continues" in begun else begun,
                "release": release.to_dict(),
                "waves": self._waves_left(release, stage, waiting),
                "suffix": suffix,
            }
            successor = self.executions.start_execution(self.machine, name, {"continues": continues})
        if not self.ledger.attempts.continue_in(release, parent, successor):
            self._stop(successor, "the release has ended")
            return None
        machine, before = execution.rpartition(":")[0], stage_suffix(release.attempt, parent)
        for each in (parent, *(f"{machine}:{release.attempt}-{one}{before}" for one in waiting)):
            self._stop(each, f"continued by {successor}")
        return successor

    def _waves_left(self, release: ReleaseReference, stage: str, waiting: Sequence[str]) -> list[list[str]]:
        """Return the stages that wait, and then the waves after theirs."""
        waves = AcceptedRelease.from_dict(self.artifacts.require_json(release.document_key)).application.waves
        return [[*waiting], *([*wave] for wave in waves[waves.index(wave_of(waves, stage)) + 1 :])]

    def _stop(self, execution: str, cause: str) -> None:
        if self.executions.running(execution):
            self.executions.stop_execution(execution, error="Continued", cause=cause)
