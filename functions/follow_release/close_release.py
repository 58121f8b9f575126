"""Records and announces the one outcome of an upload."""

from collections.abc import Mapping
from typing import Any

from belay.control.endings import Endings
from belay.control.reasons import read_reason
from belay.control.upload_ends import UploadEnds
from belay.events.s3 import ObjectCreated
from belay.home import own_home
from belay.release.key import application_of
from belay.release.records import Outcome, Upload, upload_of
from belay.settings import DefaultTopic, read


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Close the release, or the upload that did not become one; returns the recorded outcome.

    An upload that another execution claimed is neither recorded nor announced: that execution does so.
    """
    home, settings = own_home(), read(DefaultTopic)
    endings = Endings(home.ledger, home.artifacts, home.aws.notifications, settings.notification_topic_arn)
    ends = UploadEnds(home.ledger, endings, home.registrations)
    outcome, reason = Outcome(event["outcome"]), read_reason(home.artifacts, event["reason"])
    return {"outcome": ends.close(upload_in(event["upload"]), event["execution"], outcome, reason)}


def upload_in(event: Mapping[str, Any]) -> Upload:
    """Return the upload that an S3 event is about."""
    created = ObjectCreated.from_event(event)
    application = application_of(created.key) or "unknown"
    return upload_of(application, created.bucket, created.key, created.version_id, created.size)
