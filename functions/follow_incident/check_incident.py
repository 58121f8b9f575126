"""Reports to a waiting state machine whether an incident has ended."""

from collections.abc import Mapping
from typing import Any

from belay.home import own_home


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the incident's outcome, null while it is open."""
    home = own_home()
    record = home.ledger.incidents.get(event["application"], event["incident"])
    return {"outcome": record and record.outcome, "wait_seconds": home.poll_seconds}
