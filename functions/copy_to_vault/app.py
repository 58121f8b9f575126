"""Copies releases' snapshots to the vaults of their stages, with the role of each vault's account."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clock import now
from belay.control.vaults import Vaults
from belay.errors import SnapshotsNotCleaned
from belay.home import own_home
from belay.observability import observed
from belay.settings import DefaultTopic, read


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Advance every copy one step; return their names by progress. Raises ``SnapshotsNotCleaned``."""
    home, settings = own_home(), read(DefaultTopic)
    vaults, unreadable = Vaults(home.aws, home.ledger, settings.notification_topic_arn), list[Exception]()
    found = vaults.bring_on(home.ledger.vault_copies.every(unreadable), now())
    for fault in unreadable:
        vaults.alone.note(fault)
    vaults.alone.tell(SnapshotsNotCleaned)
    return found
