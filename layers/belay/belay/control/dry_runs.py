"""Dry runs: planning in a stage while no deployment or recovery is active there; dry runs never block one."""

from dataclasses import dataclass, replace
from datetime import datetime

from belay.aws.stepfunctions import Executions
from belay.control.stage_locks import StageLocks
from belay.errors import InvalidRelease
from belay.events.s3 import ObjectCreated
from belay.ledger.ledger import Ledger
from belay.release.dry_run import DryRun
from belay.release.key import planned_application_of
from belay.release.lock import Claim
from belay.release.records import Upload, upload_of


@dataclass(frozen=True)
class DryRuns:
    """Which dry run has which stage.

    A stage has a separate slot for dry runs, which one takes once the stage's lock is free. Releases and recoveries
    ignore the slot: they take the lock when their turn comes, and a dry run that finds it taken reports that and ends.
    So only changes advance the lock's fencing token, and a dry run never invalidates an approval.
    """

    ledger: Ledger
    executions: Executions

    def enter(self, wanted: DryRun) -> str:
        """Take a stage's slot for a dry run. Returns who holds the stage or the slot; empty once this run has it."""
        application, stage = wanted.release.application, wanted.stage
        lock = self.ledger.locks.get(application, stage)
        if lock is not None and lock.held:
            label = f"the plan of {wanted.release.version}"
            claim = Claim(application, stage, wanted.release.attempt, label, wanted.execution)
            return StageLocks(self.ledger, self.executions).holder(claim)
        standing = self.ledger.dry_runs.enter(wanted)
        return "" if standing.execution == wanted.execution else standing.in_words

    def clean(self, left: DryRun, machine_arn: str, now: datetime) -> str | None:
        """Have another execution delete what a dry run left, once an hour. Returns its name; None if the run is active.

        With a fixed name it would be started only once, and might fail.
        """
        if self.executions.running(left.execution, left.since):
            return None
        application, name = left.release.application, f"clean-{left.release.attempt}-{left.stage}-{now:%m%d%H}"
        document = {"clean": {"application": application, "stage": left.stage}}
        self.executions.start_execution(machine_arn, name, document)
        return name

    def take_up(self, application: str, stage: str, execution: str) -> DryRun | None:
        """Let an execution clean up for a dry run that has ended. Returns that run; None if there is none."""
        left = self.ledger.dry_runs.of(application, stage)
        if left is None or left.execution == execution:
            return left
        ended = not self.executions.running(left.execution, left.since)
        return replace(left, execution=execution) if ended and self.ledger.dry_runs.take_up(left, execution) else None


def planned_upload(created: ObjectCreated, bucket: str, execution: str) -> Upload:
    """Return the upload that an execution of plan_release (an ARN) is to plan.

    The event is untrusted input. Raises ``InvalidRelease`` unless it names an upload to be planned in Belay's own
    bucket, and the execution is named after it, so that no two plan the same upload.
    """
    application = planned_application_of(created.key)
    if application is None or created.bucket != bucket:
        place = f"s3://{bucket}/plans/<application>/<name>.zip"
        raise InvalidRelease([f"expected an upload to {place}, found s3://{created.bucket}/{created.key}"])
    upload = upload_of(application, bucket, created.key, created.version_id, created.size)
    name = execution.rpartition(":")[2]
    if name != upload.attempt:
        raise InvalidRelease([f"the plan of this upload is named {upload.attempt}; its execution is {name}"])
    return upload
