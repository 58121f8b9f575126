"""The parent of Lambda workers: it imports what they all need once, and forks each of them.

``local/bridges/lambda_processes.py`` starts it as a script, because it must not see the engine's packages, and requests
workers over a socket.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

SERVICES = (
    "cloudformation",
    "dynamodb",
    "ec2",
    "ecs",
    "iam",
    "lambda",
    "rds",
    "s3",
    "sns",
    "ssm",
    "stepfunctions",
    "sts",
)
"""Services whose models are read once for all workers."""
LAYER = "belay"
"""The package of Belay's layer; none of its modules reads the environment when it is imported."""


def main() -> None:
    """Import, then fork workers until the engine closes the socket."""
    number, runtime, *layers = sys.argv[1:]
    channel = socket.socket(fileno=int(number))
    gc.disable()  # What is imported stays.
    _import_shared(runtime, layers)
    gc.enable()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while received := _received(channel):
        asked, files = received
        script = _compiled(Path(asked["script"]).read_text())
        process = os.fork()
        if not process:
            channel.close()
            os._exit(_work(asked, script, files))
        for each in files:
            os.close(each)
        channel.sendall(f"{process}\n".encode())


def _import_shared(runtime: str, layers: Sequence[str]) -> None:
    """Import boto3 and Belay as a function with these layers would, and leave no other trace."""
    sys.path[:] = [place for place in sys.path[1:] if "site-packages" not in place]
    own = list(sys.path)
    sys.path[:] = [*layers, *own, runtime]
    _import_boto3()
    for place in layers:
        for each in pkgutil.walk_packages([f"{place}/{LAYER}"], f"{LAYER}."):
            with contextlib.suppress(Exception):  # It fails again in the worker, which reports why.
                importlib.import_module(each.name)
    sys.path[:] = own


def _import_boto3() -> None:
    importlib.import_module("botocore.handlers")
    session: Any = importlib.import_module("botocore.session")
    session.create_loader = cache(session.create_loader)
    boto3 = importlib.import_module("boto3.session").Session("none", "none", region_name="us-east-1")
    for service in SERVICES:
        boto3.client(service)


@cache
def _compiled(script: str) -> CodeType:
    return compile(script, "_worker.py", "exec")


def _received(channel: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Return the next request, with the worker's open files, or None when the engine has ended."""
    data, files, *_ = socket.recv_fds(channel, 65536, 4)
    while data and not data.endswith(b"\n"):
        data += channel.recv(65536)
    return (json.loads(data), files) if data else None


def _work(asked: dict[str, Any], script: CodeType, files: Sequence[int]) -> int:
    """Run as a worker until its input ends; return its exit status. The last file stays open as long as it lives."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, each in enumerate(files[:3]):
        os.dup2(each, number)
        os.close(each)
    os.chdir(asked["directory"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = [asked["script"]]
    sys.path.insert(0, str(Path(asked["script"]).parent))
    sys.stdin, sys.stdout = open(0), open(1, "w")  # noqa: SIM115 - they stay open as long as the worker lives.
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace")  # noqa: SIM115
    try:
        exec(script, {"__name__": "__main__", "__file__": asked["script"]})
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    main()
