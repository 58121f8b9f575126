"""Continuing waiting releases: executions of an older Belay are replaced by new ones; nobody is asked again."""

from dataclasses import dataclass

from belay.aws.s3 import ArtifactBucket
from belay.aws.stepfunctions import Executions
from belay.ledger.ledger import Ledger
from belay.release.accepted import AcceptedRelease
from belay.release.names import successor_of
from belay.release.records import ReleaseReference

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

        Returns the successor; None if the release has ended or belongs to another attempt by now. The successor starts
        first, so that one execution always exists, and the release's own execution is stopped before the stage's,
        whose end it would treat as a failure. Repeated after a crash, it does what is left.
        """
        document = self.executions.input(execution)
        release, stage, parent = ReleaseReference.from_dict(document["release"]), document["stage"], document[_PARENT]
        accepted = AcceptedRelease.from_dict(self.artifacts.require_json(release.document_key))
        begun = self.executions.input(parent)
        name, suffix = successor_of(release.attempt, parent)
        continues = {
            "upload": begun["continues"]["upload"] if "continues" in begun else begun,
            "release": release.to_dict(),
            "stages": [*accepted.application.stages],
            "index": accepted.application.stages.index(stage),
            "suffix": suffix,
        }
        successor = self.executions.start_execution(self.machine, name, {"continues": continues})
        if not self.ledger.attempts.continue_in(release, parent, successor):
            self._stop(successor, "the release has ended")
            return None
        for each in (parent, execution):
            self._stop(each, f"continued by {successor}")
        return successor

    def _stop(self, execution: str, cause: str) -> None:
        if self.executions.running(execution):
            self.executions.stop_execution(execution, error="Continued", cause=cause)
