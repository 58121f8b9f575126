"""Copying a release's files to the artifact bucket, checking each digest."""

from collections.abc import Callable

from belay.aws.s3 import ArtifactBucket, Buckets
from belay.control.reasons import Reasons
from belay.ledger.ledger import Ledger
from belay.release.archive import open_archive
from belay.release.manifest import read_manifest, stream_verified
from belay.release.records import ReleaseReference, Upload


class ReleaseCopies:
    """Copies releases in pieces that fit a function's time limit."""

    def __init__(self, ledger: Ledger, artifacts: ArtifactBucket, buckets: Buckets) -> None:
        self._ledger = ledger
        self._artifacts = artifacts
        self._buckets = buckets

    def copy(
        self, release: ReleaseReference, first: int, enough_time: Callable[[], bool], planned: Upload | None = None
    ) -> tuple[int, bool]:
        """Copy members starting at index ``first``, at least one, while there is time for the largest.

        The ledger has a release's upload; a dry run's is passed as ``planned``. Returns how many are copied, and
        whether that is all. Raises ``InvalidRelease``.
        """
        with Reasons(self._artifacts, release).refusing():
            return self._copy(release, planned or self._ledger.attempts.required(release).upload, first, enough_time)

    def _copy(
        self, release: ReleaseReference, upload: Upload, first: int, enough_time: Callable[[], bool]
    ) -> tuple[int, bool]:
        archive = open_archive(self._buckets.uploaded(upload))
        manifest = read_manifest(archive)
        paths = sorted(manifest.digests)
        copied = first
        while copied < len(paths):
            path = paths[copied]
            key, sha256 = release.member_key(path), manifest.digests[path]
            if release.is_plan and not self._artifacts.has_any_member(key, sha256):
                self._artifacts.lend_member(key, stream_verified(archive, manifest, path), sha256)
            elif not release.is_plan and not self._artifacts.has_member(key, sha256):
                self._artifacts.put_member(key, stream_verified(archive, manifest, path), sha256)
            copied += 1
            if not enough_time():
                break
        return copied, copied == len(paths)
