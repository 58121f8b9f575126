"""The files of a release where a stage reads them: elsewhere, in a bucket of the stage's region.

A Lambda function's code must be in the function's region
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html), and
another account can read only the files of its own stages.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from belay.aws.gateways import Aws
from belay.aws.s3 import ArtifactBucket
from belay.control.baselines import kept_in, kept_in_both
from belay.control.stage import StageContext
from belay.database.executor import ChangeDocument, StoredDocument, encoded, read_changes
from belay.errors import MissingDocument
from belay.release.records import Upload
from belay.stack.baseline import TemplatePointer

RESERVE_MILLISECONDS = 200_000
"""A file is copied only if this much time is left, more than the largest allowed file needs."""


@dataclass(frozen=True)
class StageFiles:
    """A bucket with the release's files below ``prefix``; ``artifacts`` itself for a stage at home."""

    run: StageContext
    bucket: ArtifactBucket
    prefix: str

    @classmethod
    def kept_by(cls, aws: Aws, run: StageContext) -> "StageFiles":
        """Return the files of a stage; ``aws`` are Belay's own account and region, which have the buckets."""
        name, prefix = run.accepted.files_of(run.stage.name, run.artifacts.name, run.release.prefix)
        place = run.stage.place
        return cls(run, run.artifacts if place is None else aws.in_region(place.region).artifacts(name), prefix)

    def url(self, path: str) -> str:
        """Return the TemplateURL of one of the release's files."""
        return self.bucket.url(f"{self.prefix}/{path}")

    def copy(self, enough_time: Callable[[], bool]) -> bool:
        """Copy the missing files, verifying each digest, while there is time. Returns whether all are there.

        Raises ``MissingDocument`` if a file was deleted from the artifact bucket, or is not what was accepted.
        """
        if self.run.stage.at_home:
            return True
        plan, bucket = self.run.release.is_plan, self.bucket
        has, put = (bucket.has_any_member, bucket.lend_member) if plan else (bucket.has_member, bucket.put_member)
        for path, sha256 in sorted(self.run.accepted.manifest.digests.items()):
            key = f"{self.prefix}/{path}"
            if has(key, sha256):
                continue
            if not enough_time():
                return False
            put(key, self._verified(path, sha256), sha256)
        return True

    def versions(self) -> dict[str, str]:
        """Return the version of each of the release's files by its key: as it was accepted, and of its copy."""
        accepted = self.run.artifacts.versions(self.run.release.prefix)
        return accepted if self.run.stage.at_home else accepted | self.bucket.versions(self.prefix)

    def keep(self, key: str, template: bytes) -> TemplatePointer:
        """Store a template for a rollback, under a key of the artifact bucket; return where CloudFormation reads it."""
        artifacts, place = self.run.artifacts, self.run.stage.place
        keep = kept_in(artifacts) if place is None else kept_in_both(artifacts, self.bucket, place)
        return keep(key, template)

    def upload(self, uploaded: Upload) -> Upload:
        """Return the uploaded zip where the stage's pipeline reads it; its copy has the attempt's name in its key."""
        place = self.run.stage.place
        if place is None:
            return uploaded
        key = place.key(self.run.release.stage_key(self.run.stage.name, "release.zip"))
        version = self.bucket.copy_upload(key, uploaded)
        return replace(uploaded, bucket=self.bucket.name, key=key, version_id=version)

    # -- what an executor reads ----------------------------------------------------------------------------------

    def below(self, directory: str) -> Iterator[tuple[str, StoredDocument]]:
        """Yield the current version of a file of the release, or of each file in a directory, with its path."""
        versions = self.bucket.versions(self.prefix)
        for path, sha256 in sorted(self.run.accepted.manifest.digests.items()):
            if path == directory or path.startswith(f"{directory}/"):
                key = f"{self.prefix}/{path}"
                yield path, StoredDocument(self.bucket.name, key, versions[key], sha256)

    def hand_over(self, name: str, document: ChangeDocument) -> StoredDocument:
        """Store database changes where the stage's executor reads them; at home for dry runs, without one."""
        bucket, key, data = self.run.artifacts, self.run.release.stage_key(self.run.stage.name, name), encoded(document)
        if self.run.stage.place is not None and not self.run.release.is_plan:
            bucket, key = self.bucket, self.run.stage.place.key(key)
        version = bucket.put_bytes(key, data)
        return StoredDocument(bucket.name, key, str(version), hashlib.sha256(data).hexdigest())

    def handed(self, stored: StoredDocument) -> ChangeDocument:
        """Return the database changes that were handed over. Raises ``MissingDocument`` if they were deleted."""
        data = self._named(stored.bucket).get_version(stored.key, stored.version_id)
        if data is None:
            raise MissingDocument(
                f"s3://{stored.bucket}/{stored.key} no longer exists, although an earlier step wrote it"
            )
        return read_changes(data, stored)

    def _named(self, bucket: str) -> ArtifactBucket:
        return self.run.artifacts if bucket == self.run.artifacts.name else self.bucket

    def _verified(self, path: str, sha256: str) -> Iterator[bytes]:
        """Yield a file's bytes; one that is not what was accepted raises before its end, so that nothing is written."""
        key, found = self.run.release.member_key(path), hashlib.sha256()
        held = b""
        for piece in self.run.artifacts.pieces(key):
            found.update(piece)
            if held:
                yield held
            held = piece
        if found.hexdigest() != sha256:
            raise MissingDocument(
                f"s3://{self.run.artifacts.name}/{key} has the SHA-256 {found.hexdigest()}, but {sha256} was accepted: "
                "upload the release again"
            )
        yield held
