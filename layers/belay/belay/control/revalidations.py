"""Validating deployed stages again: new findings are recorded in the ledger and announced once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from belay.aws.clock import timestamp
from belay.aws.s3 import ArtifactBucket
from belay.aws.sns import Notifications
from belay.control.alone import EachAlone
from belay.control.checks.live_groups import LiveGroupsCheck
from belay.control.live import live_stages
from belay.control.places import Places
from belay.control.registrations import Registrations
from belay.control.stage_checks import look, validation
from belay.control.topics import Topic
from belay.ledger.ledger import Ledger
from belay.notify.deployment import Deployment
from belay.notify.findings import findings_appeared, findings_gone
from belay.notify.message import Message
from belay.notify.publication import told_on
from belay.policy.revalidation import compare
from belay.policy.verdict import Report, Verdict
from belay.release.accepted import AcceptedRelease
from belay.release.records import ReleaseReference
from belay.release.registration import Stage
from belay.release.verification import DeployedStage, Occasion, Verification


@dataclass(frozen=True)
class Revalidations:
    """Validates stages with their last-known-good release; ``default_topic`` is for applications without their own."""

    ledger: Ledger
    artifacts: ArtifactBucket
    registrations: Registrations
    places: Places
    sns: Notifications
    default_topic: str
    alone: EachAlone = field(default_factory=EachAlone)

    def revalidate_each(self, stages: Iterable[Stage], today: date) -> dict[str, str]:
        """Validate stages; faults are isolated, and collected by ``alone``."""
        verdicts = {}
        for stage in stages:
            name = f"{stage.application}/{stage.name}"
            verdict = self.alone.attempt(partial(self.revalidate, stage, today), about=name, place=stage.place)
            if verdict is not None:
                verdicts[name] = verdict
        return verdicts

    def revalidate(self, stage: Stage, today: date) -> str:
        """Validate a stage and announce what is new. Returns the verdict, or why there is none.

        An ephemeral stage is empty between releases, and a stage locked by a release is validated by that release.
        """
        runs = self.ledger.stages.runs(stage.application, stage.name)
        if stage.ephemeral or runs is None:
            return "NOTHING DEPLOYED"
        lock = self.ledger.locks.get(stage.application, stage.name)
        if lock is not None and lock.held:
            return "A RELEASE IS IN PROGRESS"
        release = runs.release
        accepted = AcceptedRelease.from_dict(self.artifacts.require_json(release.document_key))
        standing = {
            stack.name: accepted.stack_name(stage.name, stack.name, release.attempt)
            for stack in accepted.manifest.stacks
        }
        live = live_stages(self.places.of(stage), self.artifacts)
        checks = validation(LiveGroupsCheck(live, release, accepted))
        deployed = DeployedStage(release.origin, stage, Occasion.REVALIDATED, standing, self.artifacts.name, today)
        _, report = look(checks, deployed, Verification(since=timestamp()))
        self._tell(stage, release, report)
        return str(report.verdict)

    def _tell(self, stage: Stage, release: ReleaseReference, report: Report) -> None:
        known = self.ledger.findings.standing(stage.application, stage.name)
        told = [name for name, item in known.items() if item.announced]
        comparison = compare(report, told)
        gone, about = [known[name].finding for name in comparison.gone], _about(stage, release)
        if gone:
            left = len(told) - len(gone)
            self._publish(stage, findings_gone(about, gone=gone, left=left, seen_at=timestamp()))
        for name in compare(report, list(known)).gone:
            self.ledger.findings.close(stage.application, stage.name, name)
        if not comparison.new:
            return
        for name, finding in comparison.new.items():
            self.ledger.findings.open(stage.application, stage.name, name, finding, timestamp())
        message = findings_appeared(
            about,
            seen_at=timestamp(),
            findings=list(comparison.new.values()),
            known=len(told) - len(comparison.gone),
            grave=any(finding.counts and finding.verdict is Verdict.FAIL for finding in comparison.new.values()),
        )
        self._publish(stage, message)
        for name in comparison.new:
            self.ledger.findings.announced(stage.application, stage.name, name)

    def _publish(self, stage: Stage, message: Message) -> None:
        topic = told_on(self.registrations.topic_of(stage.application), self.default_topic)
        Topic(self.sns, topic, self.ledger).publish(message, [stage.place])


def _about(stage: Stage, release: ReleaseReference) -> Deployment:
    """Name what is validated; all re-validations of a stage share one thread, whatever release is deployed."""
    thread = f"{stage.application}-{stage.name}-findings"
    return Deployment(release.application, release.version, stage.name, thread=thread)
