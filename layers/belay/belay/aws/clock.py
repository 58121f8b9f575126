"""The current time, read only at the edge and passed on as data."""

import os
from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def timestamp() -> str:
    """Return the time in the ledger's format: ISO 8601 in UTC, to the millisecond, so that strings sort like times."""
    return now().isoformat(timespec="milliseconds")


def lease(seconds: int) -> int:
    """Return when a lease of this many seconds from now expires, in epoch seconds."""
    return int((now() + timedelta(seconds=seconds)).timestamp())


def kept_until(at: str) -> int:
    """Return when an operational record of a given time expires, in epoch seconds.

    The retention in days is in the variable HISTORY_DAYS, which ``template.yaml`` sets for every function.
    """
    kept = timedelta(days=int(os.environ["HISTORY_DAYS"]))
    return int((datetime.fromisoformat(at) + kept).timestamp())
