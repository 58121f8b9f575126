"""A Belay for tests to release with, in an engine of its own; its final state is recorded for ``together.py``."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import record
from deployed_belay import WAIT_SCALE, Belay

from local.deployment import LOCAL_PARAMETERS, deploy
from local.engine import EmbeddedEngine
from local.spokes import SPOKE_ACCOUNT, join

ALLOWED = [f"app-{number}" for number in range(1, 200)]
"""The applications that the other account allows Belay to deploy."""


@contextmanager
def running_belay(files: Collection[str], *, elsewhere: bool) -> Iterator[Belay]:
    """Belay from the real template; ``files`` are the names of the files whose tests have run when it ends.

    With ``elsewhere`` stages are in another account and region, and the engine enforces permissions.
    """
    with EmbeddedEngine.start(snapshot_seconds=0.2, wait_scale=float(WAIT_SCALE), permissions=elsewhere) as engine:
        spokes = {"SpokeAccounts": SPOKE_ACCOUNT} if elsewhere else {}
        outputs = deploy(engine, parameters={**LOCAL_PARAMETERS, "ApprovalLinks": "true", **spokes})
        belay = Belay(engine, outputs, join(engine, ALLOWED) if elsewhere else None)
        yield belay
        record.leave(belay, files)
