"""Announces that a release passed its gates and its deployment begins."""

from collections.abc import Mapping
from typing import Any

from belay.control.endings import Endings
from belay.home import own_home
from belay.notify.deployment import Deployment
from belay.notify.releases import deployment_started
from belay.release.accepted import AcceptedRelease
from belay.release.differences import differences
from belay.release.records import ReleaseReference
from belay.settings import DefaultTopic, read


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Publish the one message at the beginning of a deployment."""
    home, settings = own_home(), read(DefaultTopic)
    release = ReleaseReference.from_dict(event["release"])
    ledger, artifacts = home.ledger, home.artifacts
    accepted = AcceptedRelease.from_dict(artifacts.require_json(release.document_key))
    waves, last = accepted.application.waves, accepted.application.stages[-1]
    runs = ledger.stages.runs(release.application, last)
    deployed = None if runs is None else artifacts.read(runs.release.document_key, AcceptedRelease.from_dict)
    attempt = ledger.attempts.get(release)
    execution = None if attempt is None else attempt.execution
    message = deployment_started(
        Deployment(release.application, release.version, last, execution, release.thread),
        changes=differences(accepted.manifest, None if deployed is None else deployed.manifest),
        replaces={each: ledger.stages.in_words(release.application, each) for each in waves[-1]},
        through=waves,
    )
    endings = Endings(ledger, artifacts, home.aws.notifications, settings.notification_topic_arn)
    endings.topic_of(release).publish(message, ())
    return {}
