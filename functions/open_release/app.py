"""Opens an upload: is it a release that may be deployed? Reads its directory, manifest and templates, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.clock import timestamp
from belay.aws.s3 import ArtifactBucket, UploadedObject
from belay.aws.ssm import ParameterStore
from belay.control.registrations import Registrations
from belay.control.topics import Topic
from belay.errors import InvalidRelease
from belay.events.s3 import ObjectCreated
from belay.ledger.ledger import Ledger
from belay.notify.deployment import Deployment
from belay.notify.releases import release_held
from belay.observability import observed
from belay.release.accepted import AcceptedRelease
from belay.release.archive import MANIFEST, Archive, open_archive
from belay.release.key import application_of
from belay.release.lock import overtaken
from belay.release.manifest import Manifest, digest, read_manifest, read_verified, verify_members
from belay.release.records import ReleaseReference, Upload, refusal, upload_of
from belay.release.registration import admit
from belay.settings import read
from belay.template.loader import load
from belay.template.sections import parameters, transforms


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
    created = ObjectCreated.from_event(event["upload"])
    application = application_of(created.key)
    if application is None:
        return disposition("IGNORED")
    upload = upload_of(application, created.bucket, created.key, created.version_id, created.size)
    ledger = Ledger(client("dynamodb"), settings.ledger_table)
    parameter_store = ParameterStore(client("ssm"))
    if parameter_store.get_parameter(settings.pause_parameter) == "true":
        ledger.uploads.hold(upload, event["upload"], timestamp())
        tell_held(upload, event["execution"], ledger, settings.notification_topic_arn)
        return disposition("HELD")
    if not ledger.uploads.claim(upload, event["execution"], timestamp()):
        return disposition("IGNORED")
    return accept(upload, event["execution"], ledger, ArtifactBucket(client("s3"), settings.artifact_bucket))


def tell_held(upload: Upload, execution: str, ledger: Ledger, default_topic: str) -> None:
    """Tell once that an upload waits for the pause to end; what it holds has not been looked at yet."""
    registrations = Registrations(ParameterStore(client("ssm")), client("s3"))
    name = upload.key.rsplit("/", 1)[-1]
    message = release_held(
        Deployment(upload.application, name, None, execution, upload.thread),
        why="releases are paused",
        until="when `belay resume` ends the pause",
    )
    Topic(client("sns"), registrations.topic_of(upload.application) or default_topic, ledger).publish(message)


def disposition(name: str, release: ReleaseReference | None = None, stages: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what the machine assigns."""
    return {"disposition": name, "release": release and release.to_dict(), "stages": list(stages)}


def accept(upload: Upload, execution: str, ledger: Ledger, artifacts: ArtifactBucket) -> dict[str, Any]:
    """Verify an upload and claim its version. Raises ``InvalidRelease`` and its like with every problem found."""
    archive = open_archive(UploadedObject(client("s3"), upload.bucket, upload.key, upload.version_id, upload.size))
    manifest = read_manifest(archive)
    ledger.uploads.note_version(upload, str(manifest.version))
    verify_members(manifest, archive)
    accepted = registered(upload.application, archive, manifest)
    refuse_overtaken(accepted, ledger)
    release = ReleaseReference(
        upload.application, str(manifest.version), digest(archive.read(MANIFEST)), upload.attempt
    )
    artifacts.put_json(release.document_key, accepted.to_dict())
    standing = ledger.releases.claim(release, upload, execution, timestamp())
    if standing is not None:
        raise refusal(release, standing)
    ledger.releases.record(release, None, "ACCEPTED", timestamp())
    return disposition("ACCEPTED", release, accepted.application.stages)


def registered(application: str, archive: Archive, manifest: Manifest) -> AcceptedRelease:
    """Hold a release against its application's registration, which it cannot widen."""
    text, stage_texts = Registrations(ParameterStore(client("ssm")), client("s3")).texts(application)
    templates = {
        stack.template: load(read_verified(archive, manifest, stack.template), stack.template)
        for stack in manifest.stacks
    }
    accepted = AcceptedRelease.of(
        application,
        archive.read(MANIFEST).decode(),
        text,
        stage_texts,
        {path: parameters(document) for path, document in templates.items()},
    )
    admit(
        manifest,
        accepted.application,
        list(accepted.stages.values()),
        {path: transforms(document) for path, document in templates.items()},
    )
    return accepted


def refuse_overtaken(accepted: AcceptedRelease, ledger: Ledger) -> None:
    """Raise ``InvalidRelease`` where a newer version is deployed and the manifest does not ask for a downgrade."""
    manifest = accepted.manifest
    for stage in accepted.stages:
        good = ledger.releases.last_known_good(accepted.application.name, stage)
        if good is not None and overtaken(manifest.version, good["version"], downgrade=manifest.downgrade):
            raise InvalidRelease(
                [
                    f"{stage} runs {good['version']}, which is newer than {manifest.version}; to go back on purpose, "
                    "say `downgrade: true` in release.yaml"
                ]
            )
