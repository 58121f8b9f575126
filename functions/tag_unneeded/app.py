"""Tags objects of both buckets that are no longer needed, which the buckets' lifecycle rules then expire."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from belay.aws.clock import now
from belay.aws.gateways import Aws
from belay.aws.s3 import ArtifactBucket
from belay.control.unneeded import Unneeded
from belay.errors import CopiesNotTagged
from belay.home import own_home
from belay.observability import observed
from belay.settings import read

RESERVE_MILLISECONDS = 60_000
"""Tagging stops with less time left; the next day continues."""


LONGEST_WAIT = timedelta(days=120)
"""No pipeline execution waits longer: an approval in CodePipeline expires after 60 days at the latest."""


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    release_bucket: str
    files_buckets: str
    history_days: int


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Tag objects older than ``HistoryDays`` that are not needed; ``whole`` if there was time for all of them.

    Raises ``CopiesNotTagged``.
    """
    home, settings = own_home(), read(Settings)
    elsewhere = copies(home.aws, settings.files_buckets)
    unneeded = Unneeded(home.ledger, home.artifacts, home.aws.release_bucket(settings.release_bucket), elsewhere)
    before = now() - max(timedelta(days=settings.history_days), LONGEST_WAIT)
    tagged, whole = unneeded.tag(before, lambda: context.get_remaining_time_in_millis() >= RESERVE_MILLISECONDS)
    unneeded.alone.tell(CopiesNotTagged)
    return {"tagged": tagged, "whole": whole}


def copies(aws: Aws, files_buckets: str) -> Iterator[ArtifactBucket]:
    """Yield the buckets with copies for stages elsewhere, including those of regions without stages now."""
    for name in aws.buckets.names(files_buckets):
        yield aws.in_region(name.removeprefix(files_buckets)).artifacts(name)
