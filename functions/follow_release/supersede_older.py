"""Takes the turn of every older release that still waits for an answer, a window or the lock of the same stage."""

from collections.abc import Mapping
from typing import Any

from belay.control.stage import StageContext
from belay.control.superseding import Superseding
from belay.home import own_home


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the superseded versions, which end now. Raises ``ReleaseSuperseded`` if this one is superseded."""
    home = own_home()
    run = StageContext.enter(event, home.ledger, home.artifacts)
    run.refuse_superseded()
    superseding = Superseding(home.ledger, home.artifacts, home.aws.executions)
    return {"superseded": superseding.arrive(run.release, run.stage.name)}
