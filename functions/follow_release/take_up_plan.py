"""Takes over a dry run whose execution has ended, to delete what it left."""

from collections.abc import Mapping
from typing import Any

from belay.control.dry_runs import DryRuns
from belay.home import own_home


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the ``release`` that was planned in the stage; null if nothing is left, or its execution is still
    running.
    """
    home = own_home()
    runs = DryRuns(home.ledger, home.aws.executions)
    left = runs.take_up(event["application"], event["stage"], event["execution"])
    return {"release": None if left is None else left.release.to_dict()}
