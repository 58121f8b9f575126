"""Tags the objects of both buckets that nothing needs any more, which the buckets' lifecycle rules then expire."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from belay.aws.clock import now
from belay.aws.gateways import own_aws
from belay.control.unneeded import Unneeded
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.settings import read

RESERVE_MILLISECONDS = 60_000
"""Nothing more is tagged with less time left; the next day goes on."""


LONGEST_WAIT = timedelta(days=120)
"""No execution of a pipeline waits longer: an approval in CodePipeline expires after 60 days at the latest."""


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    release_bucket: str
    files_buckets: str
    history_days: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Tag what was put more than ``HistoryDays`` ago and is not needed; ``whole`` if there was time for all of it."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    copies = (
        aws.in_region(each).artifacts(f"{settings.files_buckets}{each}")
        for each in regions(ledger, aws.account, aws.region)
    )
    unneeded = Unneeded(ledger, artifacts, aws.release_bucket(settings.release_bucket), copies)
    before = now() - max(timedelta(days=settings.history_days), LONGEST_WAIT)
    tagged, whole = unneeded.tag(before, lambda: context.get_remaining_time_in_millis() >= RESERVE_MILLISECONDS)
    return {"tagged": tagged, "whole": whole}


def regions(ledger: Ledger, own_account: str, own_region: str) -> list[str]:
    """Return the regions with stacks of stages elsewhere, by whose stacks they are."""
    places = {(each.account, each.region) for each in ledger.stack_claims.every().values()}
    return sorted({region for account, region in places if (account, region) != (own_account, own_region)})
