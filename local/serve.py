"""The engine's process: ministack with the bridges installed, on one loopback port, until it is stopped.

``local.engine`` starts it and sets the environment that ministack reads when it is imported.
"""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import threading
from pathlib import Path

from hypercorn.asyncio import serve
from hypercorn.config import Config

from local import bridges
from local.bridges import database_servers
from local.engine import DATABASES


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

    application = bridges.install(
        bridges.Settings(
            lambda_workers=options.lambda_workers,
            snapshot_seconds=options.snapshot_seconds,
            databases=options.scratch / DATABASES,
            cold_functions=options.cold_functions,
        )
    )
    if not options.detached:
        threading.Thread(target=_end_with_starter, args=(options.scratch,), daemon=True).start()
    config = Config()
    config.bind = [f"127.0.0.1:{options.port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0
    asyncio.run(serve(application, config))


def _end_with_starter(scratch: Path) -> None:
    """Wait for the parent process to end, then delete the temporary files and kill the process group."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    database_servers.servers.programs.stop()
    shutil.rmtree(scratch, ignore_errors=True)
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    main()
