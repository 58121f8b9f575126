"""Executions of registered pipelines: looked up on every event, recorded, and handled once."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from belay.aws.clock import lease, now, timestamp
from belay.aws.pipelines import Pipelines
from belay.aws.rds import Databases
from belay.aws.s3 import ArtifactBucket
from belay.aws.stepfunctions import Executions
from belay.control.alone import EachAlone
from belay.control.application_topics import ApplicationTopics
from belay.control.baselines import Keep, kept_in, kept_in_both
from belay.control.diagnoses import Diagnoses
from belay.control.incidents import Incidents
from belay.control.pipeline_recovery import PipelineRecovery
from belay.control.pipeline_stacks import PipelineStacks
from belay.control.places import Places
from belay.control.snapshots import StageSnapshots
from belay.control.vaults import Sender
from belay.ledger.ledger import Ledger
from belay.ledger.pipelines import GoodExecution
from belay.notify.pipelines import pipeline_failed
from belay.pipeline.execution import PipelineExecution, origin_of
from belay.pipeline.hint import Hint
from belay.pipeline.reaction import Act, Due, due, rolls_back_by_itself
from belay.release.life import Occurrence
from belay.release.origin import Origin
from belay.release.place import StagePlace
from belay.release.records import ReleaseReference
from belay.release.registration import Pipeline, Stage

_CLAIMED_SECONDS = 310
_LOOKED_BACK = timedelta(days=2)


@dataclass(frozen=True)
class FollowedPipelines:
    """The pipelines of stages, each followed in its stage's account and region.

    ``files_buckets`` is the prefix, before the region, of the names of the buckets with files for stages elsewhere.
    """

    places: Places
    ledger: Ledger
    artifacts: ArtifactBucket
    files_buckets: str
    incidents: Incidents
    topics: ApplicationTopics

    def follow(self, hint: Hint, stages: Iterable[Stage]) -> list[str]:
        """Look up the executions that an event is about, for the stages of their pipeline. Returns their ids.

        A fault in one stage or execution does not affect the others; all are raised at the end, as an
        ``ExceptionGroup``.
        """
        looked_at: list[str] = []
        alone = EachAlone()
        for stage in stages:
            pipeline = stage.pipeline
            if pipeline is not None and hint.pipeline in (None, pipeline.name) and self._happened_at(hint, stage):
                there, in_place = self._at(stage), alone.at(stage.place)
                found = in_place.attempt(partial(there.asked_about, hint, stage, pipeline)) or []
                for execution in found:
                    in_place.attempt(partial(there.look, stage, pipeline, execution))
                looked_at += found
        if alone.faults:
            raise ExceptionGroup(f"{len(alone.faults)} pipelines could not be followed", alone.faults)
        return looked_at

    def _happened_at(self, hint: Hint, stage: Stage) -> bool:
        """Whether an event comes from a stage's account and region: pipelines elsewhere may have the same name."""
        where = stage.place or self.places.home
        return hint.account is None or (hint.region, hint.account) == (where.region, where.account)

    def _at(self, stage: Stage) -> "PipelineExecutions":
        home, there = self.places.home, self.places.of(stage)
        stacks = PipelineStacks(there.stacks, self.artifacts, self.ledger, self._keep(stage.place))
        diagnoses = Diagnoses(there.builds, there.logs, there.deployments, there.stacks)
        recovery = PipelineRecovery(stacks, self.incidents, self.topics)
        failures = PipelineFailures(there.pipelines, diagnoses, recovery, self.topics)
        return PipelineExecutions(
            there.pipelines, self.ledger, stacks, there.databases, failures, home.executions, home.region
        )

    def _keep(self, place: StagePlace | None) -> Keep:
        elsewhere = self.places.home.elsewhere(place)
        if elsewhere is None:
            return kept_in(self.artifacts)
        bucket = self.places.home.in_region(elsewhere.region).artifacts(f"{self.files_buckets}{elsewhere.region}")
        return kept_in_both(self.artifacts, bucket, elsewhere)


@dataclass(frozen=True)
class PipelineExecutions:
    """Looks up executions of pipelines in one account and region, and does what is due.

    ``home_region`` is Belay's own.
    """

    pipelines: Pipelines
    ledger: Ledger
    stacks: PipelineStacks
    databases: Databases
    failures: "PipelineFailures"
    executions: Executions
    home_region: str

    def asked_about(self, hint: Hint, stage: Stage, pipeline: Pipeline) -> list[str]:
        """Return the ids of the executions of a stage's pipeline that an event is about."""
        if hint.missed:
            return self._missed(stage, pipeline)
        followed = self.ledger.pipelines.followed(stage.application, stage.name)
        return [*followed] if hint.execution is None else [hint.execution]

    def _missed(self, stage: Stage, pipeline: Pipeline) -> list[str]:
        """Return the ids of the executions whose events may have been missed.

        These are the ones whose end was not seen, and those that changed since the pipeline was first watched and have
        another status in the ledger. What ended before the pipeline was registered is ignored.
        """
        arn = stage.pipeline_arn(self.home_region)
        since = self.ledger.pipelines.watch(stage.application, stage.name, arn, timestamp())
        waiting = dict.fromkeys(self.ledger.pipelines.followed(stage.application, stage.name))
        changed = self.pipelines.changed_since(pipeline.name, max(datetime.fromisoformat(since), now() - _LOOKED_BACK))
        for execution, status in changed:
            recorded = self.ledger.pipelines.get(stage.application, stage.name, execution)
            if recorded is None or recorded.status != status:
                waiting[execution] = None
        return list(waiting)

    def look(self, stage: Stage, pipeline: Pipeline, execution: str) -> PipelineExecution | None:
        """Record an execution's current state, and do what is due. Returns the state; None if it does not exist."""
        seen = self.pipelines.get_execution(pipeline.name, execution)
        if seen is None:
            self.ledger.pipelines.unfollow(stage.application, stage.name, execution)
            return None
        deploying = seen.entered(pipeline.deployment_stage)
        record = self.ledger.pipelines.record(stage.application, stage.name, seen, deploying=deploying, now=timestamp())
        if not seen.status.terminal:
            self.ledger.pipelines.follow(stage.application, stage.name, seen.id, deploying=deploying)
        ran_by = record.release
        todo = due(seen, pipeline, record.done, by_release=ran_by is not None, has_vault=stage.vault is not None)
        done = [self._do(each, stage, pipeline, seen, ran_by) for each in todo]
        if record.task_token is not None and (seen.status.terminal or seen.waiting_approval is not None):
            # The release that runs it does this itself.
            self.executions.send_task_success(record.task_token, {"look_in": 0})
        if all(done) and seen.status.terminal:
            self.ledger.pipelines.unfollow(stage.application, stage.name, seen.id)
        return seen

    def _do(
        self, todo: Due, stage: Stage, pipeline: Pipeline, seen: PipelineExecution, ran_by: ReleaseReference | None
    ) -> bool:
        """Do one task unless it is claimed or done. Returns whether this call did it."""
        claimed = self.ledger.pipelines.claim(
            stage.application, stage.name, seen.id, todo.mark, now=lease(0), until=lease(_CLAIMED_SECONDS)
        )
        if not claimed:
            return False
        done = False
        try:
            match todo.act:
                case Act.PREPARE:
                    done = self._prepare(stage, seen, ran_by)
                case Act.ANSWER_FAILURE:
                    done = self.failures.answer(stage, pipeline, seen)
                case Act.SEND_TO_VAULT:
                    done = self._send_to_vault(stage, seen, ran_by)
                case Act.RECORD_GOOD:
                    done = self._record_good(stage, seen)
        finally:
            self.ledger.pipelines.settle(stage.application, stage.name, seen.id, todo.mark if done else None)
        return done

    def _prepare(self, stage: Stage, seen: PipelineExecution, ran_by: ReleaseReference | None) -> bool:
        """Capture the stacks and start the snapshots; done once all are available, possibly in a later call."""
        origin = _origin(stage, seen, ran_by)
        self.stacks.capture(origin, stage)
        snapshots = StageSnapshots(self.databases).bring_on(origin, stage, f"{seen.pipeline}/{seen.id}")
        if ran_by is not None and snapshots.ready and snapshots.states:
            self.ledger.attempts.note(
                ran_by, Occurrence.PIPELINE_SNAPSHOTS, timestamp(), stage=stage.name, detail=snapshots.in_words()
            )
        return snapshots.ready

    def _send_to_vault(self, stage: Stage, seen: PipelineExecution, ran_by: ReleaseReference | None) -> bool:
        """Have the snapshots copied to the vault; done once none is still being taken, possibly in a later call."""
        sender = Sender(
            stage,
            _origin(stage, seen, ran_by),
            execution=f"{seen.pipeline}/{seen.id}",
            taken_by=f"{seen.pipeline}/",
            topic=self.failures.topics.own(stage.application),
            pipeline="" if ran_by else seen.pipeline,
        )
        sent = sender.send(self.databases, self.ledger, now())
        return sent.ready

    def _record_good(self, stage: Stage, seen: PipelineExecution) -> bool:
        arn = stage.pipeline_arn(self.home_region)
        good = GoodExecution(seen.pipeline, seen.id, seen.revisions, seen.as_of, timestamp(), arn)
        self.stacks.capture(good.kept_under(stage.application), stage)
        self.ledger.pipelines.record_good(stage.application, stage.name, good)
        return True


def _origin(stage: Stage, seen: PipelineExecution, ran_by: ReleaseReference | None) -> Origin:
    """Return what the snapshots and captured stacks of an execution belong to."""
    return origin_of(stage.application, seen.pipeline, seen.id) if ran_by is None else ran_by.origin


@dataclass(frozen=True)
class PipelineFailures:
    """Handles failed executions: diagnosed, announced once, and rolled back if they had begun to deploy."""

    pipelines: Pipelines
    diagnoses: Diagnoses
    recovery: PipelineRecovery
    topics: ApplicationTopics

    def answer(self, stage: Stage, pipeline: Pipeline, seen: PipelineExecution) -> bool:
        """Open an incident if the deployment stage failed, and announce why the execution failed."""
        diagnosis = self.diagnoses.of(seen)
        own = diagnosis.stage == pipeline.deployment_stage and rolls_back_by_itself(
            self.pipelines.get_pipeline(pipeline.name), pipeline.deployment_stage
        )
        taken_back: tuple[str, ...] = ()
        if diagnosis.stage == pipeline.deployment_stage and not own:
            reason = replace(diagnosis.reason, evidence=())
            taken_back = self.recovery.take_back(stage, seen, failure=diagnosis.failure, reason=reason)
        message = pipeline_failed(
            stage.application,
            stage.name,
            pipeline=pipeline.name,
            execution=seen.id,
            failure=diagnosis.failure,
            reason=diagnosis.reason,
            taken_back=taken_back,
            by_codepipeline=own,
            thread=origin_of(stage.application, pipeline.name, seen.id).thread,
        )
        self.topics.publish(stage.application, message, [stage.place])
        return True
