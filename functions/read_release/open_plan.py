"""Opens an upload that is only planned: would it be accepted as a release?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.gateways import own_aws
from belay.control.admission import Admission
from belay.control.dry_runs import planned_upload
from belay.control.registrations import Registrations
from belay.control.stack_claims import StackClaims
from belay.events.s3 import ObjectCreated
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    release_bucket: str
    value_key_id: str
    files_buckets: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the release that it would be, and the stages to plan for. Raises ``InvalidRelease`` and its like.

    Whoever starts the machine writes the event: it may name nothing but an upload to be planned, in Belay's own bucket.
    """
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    created = ObjectCreated.from_event(event["upload"])
    upload = planned_upload(created, settings.release_bucket, event["execution"])
    key, stack_claims = aws.value_key(settings.value_key_id), StackClaims(ledger, artifacts, aws.region)
    registrations = Registrations(aws.parameters, artifacts)
    admission = Admission(ledger, artifacts, registrations, aws.buckets, key, stack_claims, aws, settings.files_buckets)
    release, stages = admission.preview(upload, [str(each) for each in event["stages"]])
    return {"release": release.to_dict(), "stages": list(stages)}
