"""Opens an upload: is it a release that may be deployed? Reads its directory, manifest and templates, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.clock import timestamp
from belay.aws.s3 import ArtifactBucket
from belay.aws.ssm import ParameterStore
from belay.control.admission import Admission
from belay.control.registrations import Registrations
from belay.control.topics import Topic
from belay.events.s3 import ObjectCreated
from belay.ledger.ledger import Ledger
from belay.notify.deployment import Deployment
from belay.notify.message import Message
from belay.notify.releases import release_held
from belay.observability import observed
from belay.release.key import application_of
from belay.release.records import ReleaseReference, Upload, upload_of
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    pause_parameter: str
    notification_topic_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the disposition of an upload: ACCEPTED with its release and stages, HELD, or IGNORED."""
    settings = read(Settings)
    created, execution = ObjectCreated.from_event(event["upload"]), event["execution"]
    application = application_of(created.key)
    if application is None:
        return disposition("IGNORED")
    upload = upload_of(application, created.bucket, created.key, created.version_id, created.size)
    ledger = Ledger(client("dynamodb"), settings.ledger_table)
    parameters = ParameterStore(client("ssm"))
    registrations = Registrations(parameters, client("s3"))
    if parameters.get_parameter(settings.pause_parameter) == "true":
        ledger.uploads.hold(upload, event["upload"], timestamp())
        topic = registrations.topic_of(application) or settings.notification_topic_arn
        Topic(client("sns"), topic, ledger).publish(held(upload, execution))
        return disposition("HELD")
    if not ledger.uploads.claim(upload, execution, timestamp()):
        return disposition("IGNORED")
    artifacts = ArtifactBucket(client("s3"), settings.artifact_bucket)
    admission = Admission(ledger, artifacts, registrations, client("s3"))
    return disposition("ACCEPTED", *admission.accept(upload, execution))


def held(upload: Upload, execution: str) -> Message:
    """Tell once that an upload waits for the pause to end; what it holds has not been looked at yet."""
    name = upload.key.rsplit("/", 1)[-1]
    return release_held(
        Deployment(upload.application, name, None, execution, upload.thread),
        why="releases are paused",
        until="when `belay resume` ends the pause",
    )


def disposition(name: str, release: ReleaseReference | None = None, stages: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what the machine assigns."""
    return {"disposition": name, "release": release and release.to_dict(), "stages": list(stages)}
