"""Ending releases: an outcome is recorded once, and told once by whoever recorded it."""

from collections.abc import Sequence
from typing import Any

from belay.aws.clock import timestamp
from belay.aws.s3 import ArtifactBucket
from belay.aws.sns import Notifications
from belay.control.topics import Topic
from belay.ledger.ledger import Ledger
from belay.notify.deployment import Deployment
from belay.notify.message import Message
from belay.notify.releases import release_ended
from belay.notify.told import in_words
from belay.release.accepted import AcceptedRelease
from belay.release.left_to_do import LeftToDo
from belay.release.reason import Reason
from belay.release.records import Outcome, ReleaseReference, Upload
from belay.stack.plan import StagePlan
from belay.subject.incident import Incident


class Endings:
    """Records outcomes in the ledger and publishes them; ``default_topic`` is for applications without their own."""

    def __init__(self, ledger: Ledger, artifacts: ArtifactBucket, sns: Notifications, default_topic: str) -> None:
        self._ledger = ledger
        self._artifacts = artifacts
        self._sns = sns
        self._default_topic = default_topic

    def topic_of(self, release: ReleaseReference) -> Topic:
        """Return the topic of the release's application: its own where the registration names one."""
        document = self._artifacts.get_json(release.document_key)
        own = None if document is None else AcceptedRelease.from_dict(document).application.topic
        return Topic(self._sns, own or self._default_topic, self._ledger)

    def tell(self, incident: Incident, message: Message) -> None:
        """Tell something about an incident, on the topic that it was opened with."""
        Topic(self._sns, incident.subject.topic or self._default_topic, self._ledger).publish(message)

    def close_release(
        self,
        release: ReleaseReference,
        outcome: Outcome,
        *,
        reason: Reason | None,
        stage: str | None,
        done: Sequence[str] = (),
        left_to_do: Sequence[LeftToDo] = (),
    ) -> None:
        """Record a release's outcome and tell it, unless somebody has already."""
        record = self._ledger.releases.get(release.application, release.version) or {}
        if not self._ledger.releases.close(release, outcome, in_words(reason), timestamp()):
            return
        good = self._ledger.releases.last_known_good(release.application, stage) if stage else None
        deployment = Deployment(
            release.application,
            release.version,
            stage,
            record.get("execution"),
            release.thread,
        )
        self.topic_of(release).publish(
            release_ended(
                outcome,
                deployment,
                reason=reason,
                done=done,
                left_to_do=left_to_do,
                changed=self._changed(release, stage) if outcome is Outcome.DEPLOYED else (),
                runs_now=None if good is None else good["version"],
            )
        )
        self._close_upload(record, outcome, in_words(reason))
        self._ledger.releases.announced(release)

    def _changed(self, release: ReleaseReference, stage: str | None) -> list[str]:
        """Say what a release changed in its last stage, as its change sets said."""
        document = None if stage is None else self._artifacts.get_json(release.stage_key(stage, "plan.json"))
        return [] if document is None else StagePlan.from_dict(document).describe()

    def _close_upload(self, record: dict[str, Any], outcome: Outcome, reason: str) -> None:
        if "upload" in record:
            upload = Upload(**record["upload"])
            self._ledger.uploads.close(upload, outcome, reason, timestamp())
            self._ledger.uploads.announced(upload)

    def close_upload(
        self,
        upload: Upload,
        outcome: Outcome,
        *,
        reason: Reason | None,
        execution: str,
        topic: str | None,
        left_to_do: Sequence[LeftToDo] = (),
    ) -> None:
        """Record and tell the outcome of an upload that never became a release."""
        if not self._ledger.uploads.close(upload, outcome, in_words(reason), timestamp()):
            return
        version = self._ledger.uploads.version_of(upload) or upload.key.rsplit("/", 1)[-1]
        deployment = Deployment(upload.application, version, None, execution, upload.thread)
        Topic(self._sns, topic or self._default_topic, self._ledger).publish(
            release_ended(
                outcome,
                deployment,
                what=f"The upload s3://{upload.bucket}/{upload.key} became no release; nothing was changed.",
                left_to_do=left_to_do,
                reason=reason,
            )
        )
        self._ledger.uploads.announced(upload)
