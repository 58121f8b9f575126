"""Opens an upload: is it a release that may be deployed? Reads its directory, manifest and templates, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import timestamp
from belay.control.admission import Admission
from belay.control.stack_claims import StackClaims
from belay.control.topics import Topic
from belay.events.s3 import ObjectCreated
from belay.home import own_home
from belay.notify.deployment import Deployment
from belay.notify.message import Message
from belay.notify.releases import release_held
from belay.release.key import application_of
from belay.release.records import ReleaseReference, Upload, upload_of
from belay.release.waves import Waves
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    pause_parameter: str
    notification_topic_arn: str
    value_key_id: str
    files_buckets: str


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the disposition of an upload: ACCEPTED with its release and its waves, HELD, or IGNORED."""
    home, settings = own_home(), read(Settings)
    created, execution = ObjectCreated.from_event(event["upload"]), event["execution"]
    application = application_of(created.key)
    if application is None:
        return disposition("IGNORED")
    upload = upload_of(application, created.bucket, created.key, created.version_id, created.size)
    aws, ledger, artifacts = home.aws, home.ledger, home.artifacts
    if aws.parameters.get_parameter(settings.pause_parameter) == "true":
        ledger.uploads.hold(upload, event["upload"], timestamp())
        topic = home.registrations.topic_of(application) or settings.notification_topic_arn
        Topic(aws.notifications, topic, ledger).publish(held(upload, execution))
        return disposition("HELD")
    if not ledger.attempts.claim(upload, execution, timestamp()):
        return disposition("IGNORED")
    key, stack_claims = aws.value_key(settings.value_key_id), StackClaims(ledger, artifacts, aws.region)
    admission = Admission(ledger, artifacts, home.registrations, key, stack_claims, aws, settings.files_buckets)
    return disposition("ACCEPTED", *admission.accept(upload))


def held(upload: Upload, execution: str) -> Message:
    """Announce once that an upload waits for the pause to end; its content has not been checked yet."""
    return release_held(
        Deployment(upload.application, upload.file, None, execution, upload.thread),
        why="releases are paused",
        until="when `belay resume` ends the pause",
    )


def disposition(name: str, release: ReleaseReference | None = None, waves: Waves = ()) -> dict[str, Any]:
    """Return what the machine assigns."""
    return {"disposition": name, "release": release and release.to_dict(), "waves": [[*wave] for wave in waves]}
