"""Announces that a release passed its gates and its deployment begins."""

from collections.abc import Mapping
from typing import Any

from belay.aws.s3 import ArtifactBucket
from belay.control.endings import Endings
from belay.home import own_home
from belay.notify.deployment import Deployment
from belay.notify.releases import deployment_started
from belay.observability import observed
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import Runs
from belay.release.differences import differences
from belay.release.manifest import Manifest
from belay.release.records import ReleaseReference
from belay.settings import DefaultTopic, read


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Publish the one message at the beginning of a deployment."""
    home, settings = own_home(), read(DefaultTopic)
    release = ReleaseReference.from_dict(event["release"])
    ledger, artifacts = home.ledger, home.artifacts
    accepted = AcceptedRelease.from_dict(artifacts.require_json(release.document_key))
    waves = accepted.application.waves
    last = waves[-1][-1]
    runs = ledger.stages.runs(release.application, last)
    attempt = ledger.attempts.get(release)
    execution = None if attempt is None else attempt.execution
    message = deployment_started(
        Deployment(release.application, release.version, last, execution, release.thread),
        changes=differences(accepted.manifest, deployed(runs, artifacts)),
        replaces={each: ledger.stages.in_words(release.application, each) for each in waves[-1]},
        through=waves,
    )
    endings = Endings(ledger, artifacts, home.aws.notifications, settings.notification_topic_arn)
    endings.topic_of(release).publish(message)
    return {}


def deployed(runs: Runs | None, artifacts: ArtifactBucket) -> Manifest | None:
    """Return the manifest of the running release, if its document still exists."""
    document = None if runs is None else artifacts.get_json(runs.release.document_key)
    return None if document is None else AcceptedRelease.from_dict(document).manifest
