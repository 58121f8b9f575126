"""Uploads whose events were missed: S3 sends none in the first minutes after EventBridge was enabled for a bucket."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from belay.aws.s3 import ReleaseBucket, StoredVersion
from belay.aws.stepfunctions import Executions
from belay.control.alone import EachAlone
from belay.errors import ServiceUnavailable, Throttled
from belay.events.s3 import object_created
from belay.ledger.ledger import Ledger
from belay.release.attempt import UploadsLook
from belay.release.key import application_of
from belay.release.names import execution_name
from belay.release.records import Upload, upload_of


class MissedUploads:
    """Scans the release bucket's object versions, a page at a time, for zips that are not in the ledger.

    At the end it starts over, covering 300 pages, 300,000 versions, a day. Only uploads since the previous scan began
    are compared with the ledger: records of refused uploads expire.
    """

    def __init__(self, ledger: Ledger, bucket: ReleaseBucket, executions: Executions, machine_arn: str) -> None:
        self._ledger = ledger
        self._bucket = bucket
        self._executions = executions
        self._machine = machine_arn

    def look(self, time: datetime, known: Iterable[Upload], alone: EachAlone) -> list[str]:
        """Scan the next page and start what was missed, oldest first. Returns their attempts.

        ``known`` are uploads that are or were held. One that cannot be started does not block the others; the page is
        scanned again if the fault may be transient.
        """
        look, before = self._ledger.uploads.look() or UploadsLook.first(time), len(alone.faults)
        versions, after = self._bucket.page(look.after)
        recent = sorted((each for each in versions if each.put_at >= look.since), key=lambda each: each.put_at)
        held = {each.identity for each in known}
        started = [alone.attempt(partial(self._start_missed, each, held), about=each.key) for each in recent]
        if not any(isinstance(each, Throttled | ServiceUnavailable) for each in alone.faults[before:]):
            self._ledger.uploads.note_look(look.next(after, time))
        return [each for each in started if each is not None]

    def _start_missed(self, version: StoredVersion, held: set[str]) -> str | None:
        application = application_of(version.key)
        if application is None:
            return None
        upload = upload_of(application, self._bucket.name, version.key, version.version_id, version.size)
        if upload.identity in held or self._ledger.attempts.get(upload) is not None:
            return None
        return self._start(upload, version)

    def _start(self, upload: Upload, version: StoredVersion) -> str:
        name = execution_name("missed", upload.application, upload.attempt)
        _, _, _, region, account, *_ = self._machine.split(":")
        event = object_created(upload, etag=version.etag, at=version.put_at, account=account, region=region)
        self._executions.start_execution(self._machine, name, event)
        return upload.attempt
