"""Opens a dry run's upload: would it be accepted as a release?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.control.admission import Admission
from belay.control.dry_runs import planned_upload
from belay.control.places import Placing
from belay.control.stack_claims import StackClaims
from belay.events.s3 import ObjectCreated
from belay.home import own_home
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    release_bucket: str
    value_key_id: str
    files_buckets: str


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the release that it would be, and the stages to plan for. Raises ``InvalidRelease`` and the like.

    The event is untrusted input: it may only name an upload for a dry run, in Belay's own bucket.
    """
    home, settings = own_home(), read(Settings)
    aws, ledger, artifacts = home.aws, home.ledger, home.artifacts
    created = ObjectCreated.from_event(event["upload"])
    upload = planned_upload(created, settings.release_bucket, event["execution"])
    key, stack_claims = aws.value_key(settings.value_key_id), StackClaims(ledger, artifacts, aws.region)
    placing = Placing(aws, settings.files_buckets)
    admission = Admission(ledger, artifacts, home.registrations, key, stack_claims, aws.buckets, placing)
    release, stages = admission.preview(upload, [str(each) for each in event["stages"]])
    return {"release": release.to_dict(), "stages": list(stages)}
