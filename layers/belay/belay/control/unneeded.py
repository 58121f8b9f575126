"""Tagging objects that are no longer needed; the buckets' lifecycle rules expire tagged ones.

S3 cannot know what a rollback may need, so no lifecycle rule goes by age alone.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import chain
from typing import TypeVar

from belay.aws.s3 import ArtifactBucket, ReleaseBucket, StoredVersion
from belay.control.alone import EachAlone
from belay.ledger.ledger import Ledger
from belay.release.key import application_of
from belay.release.needed import Needed
from belay.release.place import COPIES, artifact_key
from belay.release.records import upload_of

Found = TypeVar("Found")
Page = Callable[[tuple[str, str] | None], tuple[list[StoredVersion], tuple[str, str] | None]]


class Unneeded:
    """Scans every old version in the buckets, ``elsewhere`` last, and looks up in the ledger whether it is needed.

    Needed is what belongs to an open attempt or incident, to an incident that left stacks unstable, to what a stage or
    a stack left behind in it runs, and to the deployments that a rollback can return to.
    """

    def __init__(
        self,
        ledger: Ledger,
        artifacts: ArtifactBucket,
        releases: ReleaseBucket,
        elsewhere: Iterable[ArtifactBucket] = (),
    ) -> None:
        self._ledger = ledger
        self._artifacts = artifacts
        self._releases = releases
        self._elsewhere = elsewhere
        self.alone = EachAlone()
        self._asked_about: set[str] = set()

    def tag(self, before: datetime, enough_time: Callable[[], bool]) -> tuple[int, bool]:
        """Tag the unneeded versions that were created before a time.

        Returns how many, and whether there was time for all. A version that cannot be tagged, or a bucket that cannot
        be reached, does not block the others: ``alone`` collects the fault. A release that is deployed again meanwhile
        has new copies.
        """
        needed, tagged = self._under_way(), 0
        ours = self._tag_artifacts(self._artifacts, ("attempts/", "releases/"), before, needed)
        copies = (self._tag_artifacts(each, (COPIES,), before, needed) for each in self._each(self._elsewhere))
        for is_tagged in chain(ours, self._tag_uploads(before, needed), chain.from_iterable(copies)):
            tagged += is_tagged
            if not enough_time():
                return tagged, False
        return tagged, True

    def _tag_artifacts(
        self, bucket: ArtifactBucket, prefixes: Iterable[str], before: datetime, needed: Needed
    ) -> Iterator[bool]:
        """Tag what is unneeded in the artifact bucket, or in one with copies for the stages of another region."""

        def tag(version: StoredVersion) -> bool:
            key = artifact_key(version.key)
            self._add_deployed(key.split("/")[1], needed)
            unneeded = not needed.artifact(key)
            if unneeded:
                bucket.tag_unneeded(version.key, version.version_id)
            return unneeded

        for prefix in prefixes:
            yield from self._tag_each(bucket.name, partial(bucket.page, prefix), before, tag)

    def _tag_uploads(self, before: datetime, needed: Needed) -> Iterator[bool]:
        def tag(version: StoredVersion) -> bool:
            application = application_of(version.key)
            if application is None:
                return False
            self._add_deployed(application, needed)
            upload = upload_of(application, self._releases.name, version.key, version.version_id, version.size)
            unneeded = (application, upload.attempt) not in needed.attempts
            if unneeded:
                self._releases.tag_unneeded(version.key, version.version_id)
            return unneeded

        return self._tag_each(self._releases.name, self._releases.page, before, tag)

    def _tag_each(
        self, bucket: str, page: Page, before: datetime, tag: Callable[[StoredVersion], bool]
    ) -> Iterator[bool]:
        for version in self._each(_put_before(before, page), about=bucket):
            yield bool(self.alone.attempt(partial(tag, version), about=f"{bucket}: {version.key}"))

    def _each(self, found: Iterable[Found], about: str = "") -> Iterator[Found]:
        """Yield items until the source raises."""
        among = iter(found)
        while (each := self.alone.attempt(partial(next, among, None), about=about)) is not None:
            yield each

    def _under_way(self) -> Needed:
        needed, incidents = Needed(), self._ledger.incidents
        for each in self._ledger.attempts.open_ones():
            attempt = self._ledger.attempts.get(each.upload)
            needed.attempts.add((each.upload.application, each.upload.attempt))
            if attempt is not None and attempt.release is not None:
                needed.add(attempt.release)
        for held in self._ledger.uploads.held():
            needed.attempts.add((held.upload.application, held.upload.attempt))
        for opened in incidents.open_ones():
            record = incidents.get(opened.application, opened.incident)
            if record is not None:
                needed.add(record.incident.subject.origin)
        for watched in incidents.watched():
            needed.add(watched.incident.subject.origin)
        for (application, _), left in self._ledger.stages.mixed().items():
            attempts = chain(*(self._ledger.attempts.of_version(application, each.version) for each in left))
            for release in (each.release for each in attempts if each.release is not None):
                needed.add(release)
        return needed

    def _add_deployed(self, application: str, needed: Needed) -> None:
        """Add what the stages of an application run and can return to, when the application is first met."""
        if application in self._asked_about:
            return
        for stage in self._ledger.stages.of(application):
            runs = self._ledger.stages.runs(application, stage)
            for deployment in self._ledger.stages.history(application, stage):
                needed.add(deployment.release)
            if runs is not None:
                needed.add(runs.release)
        self._asked_about.add(application)


def _put_before(time: datetime, page: Page) -> Iterator[StoredVersion]:
    after: tuple[str, str] | None = None
    while True:
        versions, after = page(after)
        yield from (version for version in versions if version.put_at < time)
        if after is None:
            break
