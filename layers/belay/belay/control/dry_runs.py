"""Planning in a stage while nobody deploys or recovers there: second to everybody, and never waited for."""

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
    """Who plans where.

    A plan takes the place that a stage has for plans, once the stage's lock is free. A release and a recovery do not
    look at that place: they take the lock when their turn comes, and a plan that finds it taken says so and ends. So
    the lock's fencing token tells of changes alone, and no approval is lost to a plan.
    """

    ledger: Ledger
    executions: Executions

    def enter(self, wanted: DryRun) -> str:
        """Take a stage's place for a plan. Returns who has the stage or the place; nothing if this plan has it now."""
        application, stage = wanted.release.application, wanted.stage
        lock = self.ledger.locks.get(application, stage)
        if lock is not None and lock.held:
            label = f"the plan of {wanted.release.version}"
            claim = Claim(application, stage, wanted.release.attempt, label, wanted.execution)
            return StageLocks(self.ledger, self.executions).holder(claim)
        standing = self.ledger.dry_runs.enter(wanted)
        return "" if standing.execution == wanted.execution else standing.in_words

    def clean(self, left: DryRun, machine_arn: str, now: datetime) -> str | None:
        """Have what a plan left deleted by another execution, once an hour. Returns its name; None if the plan goes on.

        It would be started once alone if its name did not change, and might fail.
        """
        if self.executions.running(left.execution, left.since):
            return None
        application, name = left.release.application, f"clean-{left.release.attempt}-{left.stage}-{now:%m%d%H}"
        document = {"clean": {"application": application, "stage": left.stage}}
        self.executions.start_execution(machine_arn, name, document)
        return name

    def take_up(self, application: str, stage: str, execution: str) -> DryRun | None:
        """Let an execution finish the plan of one that has ended. Returns that plan; None if there is none."""
        left = self.ledger.dry_runs.of(application, stage)
        if left is None or left.execution == execution:
            return left
        ended = not self.executions.running(left.execution, left.since)
        return replace(left, execution=execution) if ended and self.ledger.dry_runs.take_up(left, execution) else None


def planned_upload(created: ObjectCreated, bucket: str, execution: str) -> Upload:
    """Return the upload that an execution of plan_release (an ARN) is to plan.

    A person wrote the event. Raises ``InvalidRelease`` unless it names an upload to be planned in Belay's own bucket,
    and unless the execution is named after that: so no two plan one upload.
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
