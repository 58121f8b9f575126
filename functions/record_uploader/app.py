"""Records who uploaded a release, from CloudTrail's data events of the release bucket."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.approval.principal import Principal
from belay.aws.clock import timestamp
from belay.aws.gateways import own_aws
from belay.events.cloudtrail import ObjectWritten
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.key import application_of
from belay.release.records import upload_of
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Store the principal of the upload.

    A failed request is ignored, and so is one without a principal or an object version: the author of one version of a
    key did not upload all of them.
    """
    settings, aws = read(Settings), own_aws()
    written = ObjectWritten.from_event(event)
    application = application_of(written.key)
    if application is None or written.error is not None or not written.arn or written.version_id is None:
        return {"recorded": False}
    upload = upload_of(application, written.bucket, written.key, written.version_id, 0)
    ledger = Ledger(aws.table(settings.ledger_table))
    ledger.uploads.record_uploader(upload, Principal(written.arn, written.principal_id), timestamp())
    return {"recorded": True}
