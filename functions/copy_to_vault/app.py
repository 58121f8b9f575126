"""Copies releases' snapshots to the vaults of their stages, by the role of each vault's account."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clock import now
from belay.control.vaults import Vaults
from belay.errors import SnapshotsNotCleaned
from belay.home import own_home
from belay.observability import logger, observed
from belay.settings import DefaultTopic, read


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Advance every copy one step; return their names by progress. Raises ``SnapshotsNotCleaned``."""
    home, settings = own_home(), read(DefaultTopic)
    ledger, faults = home.ledger, list[Exception]()
    vaults = Vaults(home.aws, ledger, settings.notification_topic_arn)
    found = vaults.bring_on(ledger.vault_copies.every(faults), now())
    for fault in faults:
        logger().error("a snapshot to be copied cannot be read", exc_info=fault)
    if vaults.problems:
        raise SnapshotsNotCleaned(vaults.problems)
    return found
