"""Releases a stage's slot for dry runs: nothing is left of this one."""

from collections.abc import Mapping
from typing import Any

from belay.home import own_home


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Leave the stage, unless another execution has it by now."""
    own_home().ledger.dry_runs.leave(event["release"]["application"], event["stage"], event["execution"])
    return {}
