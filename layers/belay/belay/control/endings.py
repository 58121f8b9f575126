"""Closing releases: an outcome is recorded once and announced once."""

from collections.abc import Mapping, Sequence

from belay.aws.clock import timestamp
from belay.aws.metrics import emit
from belay.aws.s3 import ArtifactBucket
from belay.aws.sns import Notifications
from belay.control.on_call import OnCall
from belay.control.topics import Topic
from belay.ledger.ledger import Ledger
from belay.notify.deployment import Deployment
from belay.notify.message import Message
from belay.notify.publication import told_on
from belay.notify.releases import release_ended, stage_ended
from belay.notify.told import in_words
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import Attempt
from belay.release.ending import Close, conclusion, outcome_of_stage
from belay.release.left_to_do import Choice, LeftToDo
from belay.release.place import StagePlace
from belay.release.reason import Reason, WaveEnd
from belay.release.records import Outcome, ReleaseReference
from belay.release.waves import wave_of
from belay.stack.command_line import failed_events_command
from belay.stack.plan import StagePlan
from belay.subject import measures
from belay.subject.incident import Incident


class Endings:
    """Records outcomes in the ledger and publishes them; ``default_topic`` is for applications without their own."""

    def __init__(self, ledger: Ledger, artifacts: ArtifactBucket, sns: Notifications, default_topic: str) -> None:
        self._ledger = ledger
        self._artifacts = artifacts
        self._sns = sns
        self._default_topic = default_topic

    def topic_of(self, release: ReleaseReference) -> Topic:
        """Return the topic of the release's application, or the default."""
        accepted = self._artifacts.read(release.document_key, AcceptedRelease.from_dict)
        own = None if accepted is None else accepted.application.topic
        return self._topic(own)

    def tell(self, incident: Incident, message: Message) -> None:
        """Announce something about an incident, on the topic it was opened with."""
        self._topic(incident.subject.topic).publish(message, [incident.place])

    def supersede(self, application: str, stage: str, why: str) -> None:
        """Close what incidents left to a person in a stage that has changed since."""
        OnCall(self._ledger, self._sns, self._default_topic).supersede(application, stage, why)

    def close(
        self,
        attempt: Attempt,
        outcome: Outcome,
        *,
        reason: Reason | None,
        topic: str | None = None,
        done: Sequence[str] = (),
        left_to_do: Sequence[LeftToDo] = (),
    ) -> bool:
        """Record an attempt's outcome and announce it. False if that was done.

        ``topic`` is the application's, for an upload that did not become a release.
        """
        now = timestamp()
        if not self._ledger.attempts.close(attempt, outcome, reason, now):
            return False
        release, upload, last = attempt.release, attempt.upload, _last_wave(attempt)
        stage = last[-1] if last and outcome is Outcome.DEPLOYED else attempt.stage
        plans = self._plans(release) if outcome is Outcome.DEPLOYED and release is not None else {}
        what: str | None = f"The upload s3://{upload.bucket}/{upload.key} is not a release; nothing was changed."
        if release is not None:
            well = bool(last) and all(each.outcome is Outcome.DEPLOYED for each in attempt.stages)
            stopped_after = outcome is Outcome.ABORTED and well
            what = f"The release was stopped once it was deployed to {' and '.join(last)}." if stopped_after else None
        left = [*left_to_do, *_undeleted(plans)]
        if outcome is Outcome.NEEDS_OPERATOR and release is not None and not left:
            left = _left_in(reason, release) if isinstance(reason, WaveEnd) else [once_more(attempt)]
        message = release_ended(
            outcome,
            Deployment(attempt.application, attempt.name, stage, attempt.execution, upload.thread),
            what=what,
            reason=reason,
            done=done,
            left_to_do=left,
            changed=_changed({each: plans[each] for each in last if each in plans}),
            approvals=self._approvals(release) if outcome is Outcome.DEPLOYED and release is not None else (),
            runs_now=self._runs_now(attempt, stage, last),
            together=last,
        )
        to = self._topic(topic) if release is None else self.topic_of(release)
        to.publish(message, [] if release is None else self._places(release, last))
        self._ledger.attempts.announced(attempt)
        emit(measures.ended(attempt, outcome, now))
        return True

    def stage_recovered(  # noqa: PLR0917 - all are parts of one end
        self,
        release: ReleaseReference,
        stage: str,
        outcome: Outcome,
        reason: Reason,
        done: Sequence[str] = (),
        left_to_do: Sequence[LeftToDo] = (),
    ) -> None:
        """Record that an incident has ended a stage, unless that was done.

        The release ends with the last stage of its wave. If others continue, are rolled back because of this one, or
        have ended the release meanwhile, only the end of the stage is announced.
        """
        self._ledger.attempts.end_stage(
            release, stage, outcome, reason, good=False, fencing=None, now=timestamp(), recovered=True
        )
        attempt = self._ledger.attempts.required(release)
        accepted = self._accepted(release)
        application = accepted.application
        concluded = conclusion(attempt, application)
        others = [each.stage for each in attempt.under_way if each.stage != stage]
        if outcome_of_stage(attempt, stage) is not outcome and not others:
            # The attempt has left the stage or not entered it, and is in no other: nothing else ends it.
            concluded = Close(outcome, reason)
        if isinstance(concluded, Close):
            told = self.close(attempt, concluded.outcome, reason=concluded.reason, done=done, left_to_do=left_to_do)
            if told or len(wave_of(application.waves, stage)) == 1:
                return
        self.topic_of(release).publish(
            stage_ended(
                outcome,
                Deployment(attempt.application, attempt.name, stage, attempt.execution, release.thread),
                reason=reason,
                done=done,
                left_to_do=left_to_do,
                runs_now=self._ledger.stages.in_words(attempt.application, stage),
                others=[each.stage for each in attempt.under_way],
                ended=concluded.outcome if isinstance(concluded, Close) else None,
            ),
            [accepted.stages[stage].place],
        )

    def _runs_now(self, attempt: Attempt, stage: str | None, stages: Sequence[str]) -> str | None:
        """Say what a stage runs, and then the others of these: ``1.2.0, us runs 1.3.0``."""
        if stage is None:
            return None
        first = self._ledger.stages.in_words(attempt.application, stage)
        others = [each for each in stages if each != stage]
        runs = {each: self._ledger.stages.in_words(attempt.application, each) or "nothing" for each in others}
        told = [f"{each} runs {what}" for each, what in runs.items()]
        return ", ".join((first or "nothing", *told)) if told else first

    def _places(self, release: ReleaseReference, stages: Sequence[str]) -> list[StagePlace | None]:
        """Return where stages are; none are known if the release's document was deleted."""
        accepted = self._artifacts.read(release.document_key, AcceptedRelease.from_dict)
        return [] if accepted is None else [accepted.stages[each].place for each in stages]

    def _topic(self, own: str | None) -> Topic:
        return Topic(self._sns, told_on(own, self._default_topic), self._ledger)

    def _approvals(self, release: ReleaseReference) -> list[str]:
        asked = self._ledger.approvals.of_attempt(release)
        return [f"{each.stage}: {each.answer.in_words}" for each in asked if each.answer]

    def _plans(self, release: ReleaseReference) -> dict[str, StagePlan]:
        stages = self._accepted(release).application.stages
        kept = {
            name: self._artifacts.read(release.stage_key(name, "plan.json"), StagePlan.from_dict) for name in stages
        }
        return {name: plan for name, plan in kept.items() if plan is not None}

    def _accepted(self, release: ReleaseReference) -> AcceptedRelease:
        return AcceptedRelease.from_dict(self._artifacts.require_json(release.document_key))


def _last_wave(attempt: Attempt) -> tuple[str, ...]:
    """Return the stages that an attempt entered last, together, as they are registered."""
    if not attempt.stages:
        return ()
    return tuple(each for each in wave_of(attempt.waves, attempt.stages[-1].stage) if attempt.in_stage(each))


def _changed(plans: Mapping[str, StagePlan]) -> list[str]:
    """Say what a release changed, for each stage if they are several."""
    if len(plans) == 1:
        return [line for plan in plans.values() for line in plan.describe()]
    return [f"{stage}: {line}" for stage, plan in plans.items() for line in plan.describe()]


def once_more(attempt: Attempt) -> LeftToDo:
    """Leave to a person an interrupted release, of which no recovery says what is left to do."""
    name = f"{attempt.application}/{attempt.version}"
    ways = (
        Choice("deploy it again", "nothing is lost: what is up to date is left as it is", f"belay retry {name}"),
        Choice("leave it", "nothing is lost, but stages that it did not reach stay as they are"),
    )
    what = "check every stack of the stage, then decide whether it is deployed again"
    return LeftToDo(attempt.stage or "", what, "it was interrupted.", look=f"belay show {name}", choices=ways)


def _left_in(wave: WaveEnd, release: ReleaseReference) -> list[LeftToDo]:
    """Leave to a person what the stages of a wave left, as announced when each ended."""
    look = f"belay show {release.application}/{release.version}"
    ended = [each for each in wave.stages if each.outcome is Outcome.NEEDS_OPERATOR]
    return [LeftToDo(each.stage, "do the remaining work there", in_words(each.reason), look=look) for each in ended]


def _undeleted(plans: Mapping[str, StagePlan]) -> list[LeftToDo]:
    """Return what CloudFormation could not delete after an otherwise complete update."""
    return [
        LeftToDo(
            f"{stage}/{stack.stack}",
            f"delete {each}",
            "the update is complete, and nothing refers to it any more",
            look=failed_events_command(stack.stack_id or stack.stack_name),
        )
        for stage, plan in plans.items()
        for stack in plan.stacks
        for each in stack.undeleted
    ]
