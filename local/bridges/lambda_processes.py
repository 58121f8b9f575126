"""Gap: every worker is a new interpreter, which imports boto3 and the layers and reads the services' models again.

That was half of a release's time here. Workers are forked from a process that has imported what they share, boto3 and
Belay's layer, before a function's own code and environment. A function that brings its own boto3 gets its own
interpreter. It can be removed once ministack starts workers in a fraction of the time it takes to import boto3.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

from ministack.core import lambda_runtime

from local import lambda_parent
from local.bridges.lambda_layers import SEEN_BY_WORKERS
from local.lambda_parent import LAYER

BUNDLED = ("boto3", "botocore")
"""Packages that a function may bring in another version than the runtime's."""
_one_at_a_time = threading.Lock()


def install(runtime: Path) -> None:
    """Fork Python workers, which see the packages in ``runtime`` and those of their layers."""

    def start(command: Sequence[str], *, cwd: str, env: Mapping[str, str], **options: Any) -> Any:
        layers = [Path(each) / "python" for each in env.get(SEEN_BY_WORKERS, "").split(os.pathsep) if each]
        imported = [each for each in layers if (each / LAYER).exists()]
        own = [Path(cwd), *(each for each in layers if each not in imported)]
        if command[0] != sys.executable or any((place / name).exists() for place in own for name in BUNDLED):
            return subprocess.Popen(command, cwd=cwd, env=env, **options)
        with _one_at_a_time:
            return _fork(_parent(str(runtime), *map(str, imported)), command[1], cwd, env)

    lambda_runtime.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": start})


@dataclass
class Forked:
    """A forked worker, with what ministack uses of a ``subprocess.Popen``.

    It is the child of another process: its end is detected on ``lives``, whose other end only it holds.
    """

    pid: int
    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    lives: int

    def __del__(self) -> None:
        """Close the file that shows its end."""
        os.close(self.lives)

    def poll(self) -> int | None:
        """Return None while it is running."""
        return 0 if self._ended(0) else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended. Raises ``subprocess.TimeoutExpired``."""
        if not self._ended(timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return 0

    def terminate(self) -> None:
        """Ask it to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._signal(signal.SIGKILL)

    def _ended(self, seconds: float | None) -> bool:
        waiting = select.poll()
        waiting.register(self.lives)
        return bool(waiting.poll(None if seconds is None else seconds * 1000))

    def _signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


@cache
def _parent(runtime: str, *layers: str) -> socket.socket:
    """Start the process from which workers are forked that see these layers."""
    own, others = socket.socketpair()
    with others:
        subprocess.Popen(
            [sys.executable, lambda_parent.__file__, str(others.fileno()), runtime, *layers],
            pass_fds=[others.fileno()],
            stdin=subprocess.DEVNULL,
        )
    return own


def _fork(parent: socket.socket, script: str, directory: str, environment: Mapping[str, str]) -> Forked:
    (stdin_there, stdin), (stdout, stdout_there), (stderr, stderr_there), (lives, lives_there) = (
        os.pipe() for _ in range(4)
    )
    there = [stdin_there, stdout_there, stderr_there, lives_there]
    asked = {"script": script, "directory": directory, "environment": dict(environment)}
    try:
        socket.send_fds(parent, [b"{"], there)
        parent.sendall(json.dumps(asked).encode()[1:] + b"\n")
        answer = parent.makefile().readline()
    finally:
        for each in there:
            os.close(each)
    if not answer:
        raise RuntimeError("the parent of Lambda workers has ended; the engine's log says why")
    return Forked(int(answer), os.fdopen(stdin, "w"), os.fdopen(stdout), os.fdopen(stderr), lives)
