"""Opens an upload: is it a release that may be deployed? Reads its directory, manifest and templates, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import timestamp
from belay.control.admission import Admission
from belay.control.application_topics import ApplicationTopics
from belay.control.held_uploads import HeldUploads
from belay.control.places import Placing
from belay.control.stack_claims import StackClaims
from belay.events.s3 import ObjectCreated
from belay.home import own_home
from belay.release.key import application_of
from belay.release.records import ReleaseReference, upload_of
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
        topics = ApplicationTopics(home.registrations, ledger, aws.notifications, settings.notification_topic_arn)
        HeldUploads(ledger, topics).hold(upload, event["upload"], execution)
        return disposition("HELD")
    if not ledger.attempts.claim(upload, execution, timestamp()):
        return disposition("IGNORED")
    key, stack_claims = aws.value_key(settings.value_key_id), StackClaims(ledger, artifacts, aws.region)
    placing = Placing(aws, settings.files_buckets)
    admission = Admission(ledger, artifacts, home.registrations, key, stack_claims, aws.buckets, placing)
    return disposition("ACCEPTED", *admission.accept(upload))


def disposition(name: str, release: ReleaseReference | None = None, waves: Waves = ()) -> dict[str, Any]:
    """Return what the machine assigns."""
    return {"disposition": name, "release": release and release.to_dict(), "waves": [[*wave] for wave in waves]}
