"""Uploads that wait for a pause to end: kept with their events, and announced once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import timestamp
from belay.control.application_topics import ApplicationTopics
from belay.ledger.ledger import Ledger
from belay.notify.releases import upload_held
from belay.release.records import Upload


@dataclass(frozen=True)
class HeldUploads:
    """Keeps uploads until the sweep finds that the pause has ended, and starts them again."""

    ledger: Ledger
    topics: ApplicationTopics

    def hold(self, upload: Upload, event: Mapping[str, Any], execution: str) -> None:
        """Keep an upload with its event, and announce that it waits; ``execution`` opened it."""
        self.ledger.uploads.hold(upload, event, timestamp())
        self.topics.publish(upload.application, upload_held(upload, execution), ())
