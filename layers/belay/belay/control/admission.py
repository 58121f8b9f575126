"""Admitting uploads: a release must be intact, allowed by its registration, and not superseded."""

from collections.abc import Sequence
from dataclasses import dataclass

from belay.aws.clock import timestamp
from belay.aws.kms import ValueKey
from belay.aws.s3 import ArtifactBucket, Buckets
from belay.control.places import Placing
from belay.control.reasons import Reasons
from belay.control.registrations import Registrations
from belay.control.stack_claims import StackClaims
from belay.errors import InvalidRelease
from belay.ledger.ledger import Ledger
from belay.release.accepted import AcceptedRelease
from belay.release.archive import MANIFEST, Archive, open_archive
from belay.release.attempt import refusal
from belay.release.lock import overtaken
from belay.release.manifest import ArchivedFiles, Manifest, digest, read_manifest, verify_members
from belay.release.records import ReleaseReference, Upload
from belay.release.registration import admit
from belay.release.waves import Waves
from belay.template.loader import load
from belay.template.no_echo import secret_parameters
from belay.template.sections import parameters, transforms


@dataclass(frozen=True)
class Admission:
    """Verifies uploads and claims their versions."""

    ledger: Ledger
    artifacts: ArtifactBucket
    registrations: Registrations
    key: ValueKey
    stack_claims: StackClaims
    buckets: Buckets
    placing: Placing

    def accept(self, upload: Upload) -> tuple[ReleaseReference, Waves]:
        """Return the upload's release and the waves of its stages.

        Raises ``InvalidRelease`` with every problem found, ``InvalidRegistration``, and ``ReleaseSuperseded`` if
        the same content is already under way. The problems are stored as a document of the attempt.
        """
        with Reasons(self.artifacts, upload).refusing():
            return self._accept(upload)

    def preview(self, upload: Upload, asked: Sequence[str]) -> tuple[ReleaseReference, tuple[str, ...]]:
        """Return the release that an upload would be, and those of the ``asked`` stages, in order; all lasting ones if
        none is asked.

        Its version need not be free, and it claims nothing. Raises as ``accept`` does.
        """
        with Reasons(self.artifacts, upload).refusing():
            archive = open_archive(self.buckets.uploaded(upload))
            release, accepted = self._verified(upload, archive, read_manifest(archive))
            self.stack_claims.refuse_others(accepted)
            stages = _asked(accepted, asked)
        self.artifacts.put_json(release.document_key, accepted.to_dict())
        return release, stages

    def _accept(self, upload: Upload) -> tuple[ReleaseReference, Waves]:
        archive = open_archive(self.buckets.uploaded(upload))
        manifest = read_manifest(archive)
        self.ledger.attempts.note_version(upload, str(manifest.version))
        release, accepted = self._verified(upload, archive, manifest)
        self.stack_claims.claim(accepted)
        self.artifacts.put_json(release.document_key, accepted.to_dict())
        head = self.ledger.attempts.accept(release, upload, accepted.application.waves, timestamp())
        if head is not None:
            raise refusal(release, head, self.ledger.attempts.of_id(release.application, head.attempt))
        return release, accepted.application.waves

    def _verified(
        self, upload: Upload, archive: Archive, manifest: Manifest
    ) -> tuple[ReleaseReference, AcceptedRelease]:
        """Check that an upload is intact, allowed by its registration, and not older than what its stages run."""
        verify_members(manifest, archive)
        release = ReleaseReference(
            upload.application, str(manifest.version), digest(archive.read(MANIFEST)), upload.attempt
        )
        accepted = self._registered(release, archive, manifest)
        self._refuse_overtaken(accepted)
        return release, accepted

    def _registered(self, release: ReleaseReference, archive: Archive, manifest: Manifest) -> AcceptedRelease:
        """Check a release against its application's registration, which it cannot widen."""
        text, stage_texts = self.registrations.texts(release.application)
        files = ArchivedFiles(archive, manifest)
        templates = {stack.template: load(files[stack.template], stack.template) for stack in manifest.stacks}
        accepted = AcceptedRelease.of(
            release.application,
            archive.read(MANIFEST).decode(),
            text,
            stage_texts,
            {path: parameters(document) for path, document in templates.items()},
        )
        accepted = self.placing.placed(accepted)
        admit(
            manifest,
            accepted.application,
            list(accepted.stages.values()),
            {path: transforms(document) for path, document in templates.items()},
        )
        secret = {path: secret_parameters(document) for path, document in templates.items()}
        accepted.refuse_secret_tables(secret)
        accepted.refuse_reading(files, release.attempt, self.artifacts.name, release.prefix)
        return accepted.with_secrets_encrypted(secret, self.key.encrypt)

    def _refuse_overtaken(self, accepted: AcceptedRelease) -> None:
        """Raise ``InvalidRelease`` if a newer version is deployed and the manifest does not allow a downgrade."""
        manifest = accepted.manifest
        for stage in accepted.stages:
            runs = self.ledger.stages.runs(accepted.application.name, stage)
            running = None if runs is None else runs.release.version
            if overtaken(manifest.version, running, downgrade=manifest.downgrade):
                raise InvalidRelease(
                    [
                        f"{stage} runs {running}, which is newer than {manifest.version}; to downgrade on "
                        "purpose, set `downgrade: true` in release.yaml"
                    ]
                )


def _asked(accepted: AcceptedRelease, asked: Sequence[str]) -> tuple[str, ...]:
    """Return the stages to plan for. Raises ``InvalidRelease`` for one that is not registered."""
    stages, name = accepted.application.stages, accepted.application.name
    unknown = [f"{name} has no stage {each}: it has {', '.join(stages)}" for each in asked if each not in stages]
    if unknown:
        raise InvalidRelease(unknown)
    return tuple(each for each in stages if each in asked or (not asked and not accepted.stages[each].ephemeral))
