"""The engine's process: ministack with the bridges installed, on one loopback port, until it is stopped.

``local.engine`` starts it and sets the environment that ministack reads when it is imported.
"""

import argparse
import gc
import importlib
import os
import shutil
import signal
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import uvicorn

from local.engine import DATABASES, ROOT

LAYERS = ROOT / "build" / "layers"
COLLECTED_EVERY = 200_000
"""New objects between two garbage collections."""


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or, unless ``--detached``, until the parent process closes standard input."""
    parser = argparse.ArgumentParser(description="Belay's embedded engine", allow_abbrev=False)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--lambda-workers", type=int, required=True)
    parser.add_argument("--snapshot-seconds", type=float, required=True)
    parser.add_argument("--scratch", type=Path, required=True, help="directory for its temporary files only")
    parser.add_argument("--detached", action="store_true")
    parser.add_argument("--cold-functions", action="store_true")
    options = parser.parse_args(arguments)

    bridges = _imported_bridges()
    application = bridges.install(
        bridges.Settings(
            lambda_workers=options.lambda_workers,
            snapshot_seconds=options.snapshot_seconds,
            databases=options.scratch / DATABASES,
            layers=LAYERS,
            cold_functions=options.cold_functions,
        )
    )
    if not options.detached:
        programs = bridges.database_servers.servers.programs
        threading.Thread(target=_end_with_starter, args=(options.scratch, programs), daemon=True).start()
    uvicorn.run(
        application,
        port=options.port,
        http="httptools",
        loop="asyncio",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=0,
    )


def _imported_bridges() -> Any:
    """Import the bridges with ministack and moto, in little more than half of the time that it would take else.

    The models of AWS's services are read once, not for each of botocore's sessions. What is imported stays, so the
    garbage collector does not look at it, now or later.
    """
    botocore.session.create_loader = cache(botocore.session.create_loader)
    gc.disable()
    bridges = importlib.import_module("local.bridges")
    gc.enable()
    gc.freeze()
    gc.set_threshold(COLLECTED_EVERY)
    return bridges


def _end_with_starter(scratch: Path, programs: Any) -> None:
    """Wait for the parent process to end, then delete the temporary files and kill the process group."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    programs.stop()
    shutil.rmtree(scratch, ignore_errors=True)
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    main()
