"""Records who uploaded a release, from CloudTrail's data events of the release bucket."""

from collections.abc import Mapping
from typing import Any

from belay.approval.principal import Principal
from belay.aws.clock import timestamp
from belay.events.cloudtrail import ObjectWritten
from belay.home import own_home
from belay.observability import observed
from belay.release.key import application_of
from belay.release.records import upload_of


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Store the principal of the upload.

    A failed request is ignored, and so is one without a principal or an object version: the author of one version of a
    key did not upload all of them.
    """
    home = own_home()
    written = ObjectWritten.from_event(event)
    application = application_of(written.key)
    if application is None or written.error is not None or not written.arn or written.version_id is None:
        return {"recorded": False}
    upload = upload_of(application, written.bucket, written.key, written.version_id, 0)
    home.ledger.uploads.record_uploader(upload, Principal(written.arn, written.principal_id), timestamp())
    return {"recorded": True}
