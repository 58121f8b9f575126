"""``belay console``: what runs where, what goes on and what a person must do, for a browser on this machine."""

from __future__ import annotations

import socket
import sys
import webbrowser

import click
import uvicorn

from cli.account import Account, Where, finds_belay
from cli.console.app import console
from cli.console.door import ADDRESS, Keys
from cli.problems import Refused

_HIGHEST_PORT = 65_535


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, _HIGHEST_PORT),
    default=0,
    metavar="PORT",
    help=f"of {ADDRESS}; default: any free one",
)
@click.option("--no-browser", is_flag=True, help="only print the address")
@finds_belay
def command(port: int, no_browser: bool, where: Where) -> int:
    """Serve a page of what runs where, for a browser on this machine, until it is interrupted."""
    belay = Account.of(where)
    with bound(port) as listening:
        keys = Keys(listening.getsockname()[1])
        print(f"The console of {belay.stack} in {belay.region}, for one browser on this machine:\n\n  {keys.address}\n")
        print("It acts with your credentials. Ctrl+C ends it.", flush=True)
        if not no_browser:
            webbrowser.open(keys.address)
        serve(belay, keys, listening)
    return 0


def bound(port: int) -> socket.socket:
    """Return a socket that listens on the loopback interface, and nowhere else. Raises ``Refused``."""
    try:
        return socket.create_server((ADDRESS, port))
    except OSError as error:
        raise Refused(f"{ADDRESS}:{port} cannot be listened on ({error.strerror}): choose another --port") from error


def serve(belay: Account, keys: Keys, listening: socket.socket) -> None:
    """Serve until interrupted. Raises ``Refused`` for a socket that others than this machine could reach."""
    if listening.getsockname()[0] != ADDRESS:
        raise Refused(f"the console is served on {ADDRESS} only, not on {listening.getsockname()[0]}")
    app = console(belay, keys)
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="error", access_log=False, server_header=False, timeout_graceful_shutdown=1)
    )
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        print("The console has ended.", file=sys.stderr)
