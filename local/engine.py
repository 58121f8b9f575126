"""The embedded engine as a Python object: start, reset, inject faults, stop.

The engine is one process (``local/serve.py``) that serves the AWS APIs on a free loopback port, and its Lambda workers.
It uses neither the network nor the user's AWS configuration, and writes only to its own directory.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent
REGION = "us-east-1"
ACCOUNT = "000000000000"
READY_WITHIN_SECONDS = 60.0
STOP_WITHIN_SECONDS = 2.0
REACHED_WITHIN_SECONDS = 90.0
LOGS_KEPT = 9
DATABASES = "postgres"
"""The directory for databases' data among the temporary files."""


class EngineError(Exception):
    """The engine did not start (the message ends with its log), or refused an administrative request."""


@dataclass(frozen=True)
class EmbeddedEngine:
    """A running engine.

    ``endpoint`` serves every AWS API; ``process_group`` is the id of the engine's process and of the process group of
    its Lambda workers; ``directory`` has its log and its temporary files.
    """

    endpoint: str
    process_group: int
    directory: Path

    @classmethod
    def start(
        cls,
        *,
        directory: Path = ROOT / "build" / "engine",
        port: int | None = None,
        detached: bool = False,
        lambda_workers: int = 4,
        snapshot_seconds: float = 0.5,
        wait_scale: float | None = None,
        permissions: bool = False,
        cold_functions: bool = False,
    ) -> Self:
        """Start an engine and wait until it responds.

        ``port`` defaults to a free one. ``lambda_workers`` bounds how many invocations run at the same time;
        ``snapshot_seconds`` is how long a database or a snapshot stays ``creating``; ``wait_scale`` is how long a
        second of a state machine's Wait states and retry intervals takes (one, or SFN_WAIT_SCALE of the environment).
        With ``permissions`` a function may do only what its role and the resources' policies allow; with
        ``cold_functions`` each starts in a new interpreter, which imports boto3 and the layers, as on AWS. Unless
        ``detached``, the engine ends by itself when the process that started it does. Raises ``EngineError`` when it is
        not ready in time.
        """
        port = port or _free_port()
        scratch = directory / f"tmp-{port}"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        arguments = [
            f"--port={port}",
            f"--lambda-workers={lambda_workers}",
            f"--snapshot-seconds={snapshot_seconds}",
            f"--scratch={scratch}",
        ]
        flags = [*(["--detached"] if detached else []), *(["--cold-functions"] if cold_functions else [])]
        _remove_old_logs(directory)
        with _log_of(directory, port).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "local.serve", *arguments, *flags],
                cwd=ROOT,
                env={
                    **_server_environment(port, scratch),
                    "AUTH": str(permissions).lower(),
                    **({} if wait_scale is None else {"SFN_WAIT_SCALE": str(wait_scale)}),
                },
                stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        engine = cls(endpoint=f"http://127.0.0.1:{port}", process_group=process.pid, directory=directory)
        _started[process.pid] = process
        try:
            engine._wait_until_ready(process)
        except BaseException:
            engine.stop()
            raise
        return engine

    @property
    def environment(self) -> dict[str, str]:
        """The environment for a process that talks only to this engine."""
        return {"AWS_ENDPOINT_URL": self.endpoint, **_isolation()}

    @property
    def log(self) -> Path:
        """The engine's log file."""
        return _log_of(self.directory, self._port)

    @property
    def alive(self) -> bool:
        """Whether this engine responds."""
        try:
            return bool(self._get("/_belay/health")["process"] == self.process_group)
        except (urllib.error.URLError, OSError, KeyError, ValueError):
            return False

    def client(self, service: str, *, account: str = ACCOUNT, region: str = REGION, **options: Any) -> Any:
        """Return a boto3 client for one service of this engine, whatever the caller's environment.

        It is the root of its account: an engine has any account and region that it is asked for.
        """
        own = {"aws_access_key_id": "test" if account == ACCOUNT else account, "aws_secret_access_key": "test"}
        return boto3.session.Session().client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint,
            region_name=region,
            **{"config": Config(retries={"total_max_attempts": 1}), **own, **options},
        )

    def reset(self) -> None:
        """Delete every resource, event and fault, as in a new engine."""
        self._post("/_belay/reset", {})

    def inject(
        self,
        service: str,
        operation: str,
        code: str = "InternalFailure",
        message: str = "A fault was injected.",
        *,
        status: int | None = None,
        times: int = 1,
        only_if: Mapping[str, str] | None = None,
        after: bool = False,
    ) -> None:
        """Make the next ``times`` calls of an API operation fail.

        ``service`` is boto3's name, ``operation`` the API's (``ExecuteChangeSet``). The response has ``code``,
        ``message`` and the HTTP ``status`` (by default 400, or 500 for a code that begins with ``Internal`` or
        ``Service``). ``only_if`` maps request parameters to the text that each must have. With ``after`` the operation
        is performed and only its response is lost. A call by Step Functions itself (``sns:publish``, ``lambda:invoke``,
        ...) fails in the same way: the task's error is ``SNS.<code>``, and for a function just the code, unless it ends
        in ``Exception``.
        """
        self._post(
            "/_belay/faults",
            {
                "service": service,
                "operation": operation,
                "code": code,
                "message": message,
                "status": status,
                "times": times,
                "only_if": dict(only_if or {}),
                "after": after,
            },
        )

    def hold(
        self, service: str, operation: str, *, only_if: Mapping[str, str] | None = None, after: bool = False
    ) -> HeldCalls:
        """Hold every call of an API operation until it is released; the parameters are those of ``inject``.

        With ``after`` the operation is performed and its response is held. Held calls continue when the hold ends, and
        when faults are cleared.
        """
        asked = {"service": service, "operation": operation, "only_if": dict(only_if or {}), "after": after}
        return HeldCalls(self, f"{service} {operation}", int(self._post("/_belay/holds", asked)["number"]))

    def fail_resource(
        self,
        logical_id: str,
        action: str,
        reason: str = "A fault was injected.",
        *,
        times: int = 1,
        stack: str | None = None,
        stack_status: str | None = None,
    ) -> None:
        """Make CloudFormation's next ``times`` attempts to ``create``, ``update`` or ``delete`` a resource fail.

        With ``validate`` it is the early validation of a change set that creates or changes the resource.
        ``stack`` and ``stack_status`` restrict it: ``stack_status="UPDATE_ROLLBACK_IN_PROGRESS"`` with ``update`` fails
        only the rollback and so leaves the stack in UPDATE_ROLLBACK_FAILED.
        """
        self._post(
            "/_belay/resource-faults",
            {
                "logical_id": logical_id,
                "action": action,
                "reason": reason,
                "times": times,
                "stack": stack,
                "stack_status": stack_status,
            },
        )

    def script(
        self,
        service: str,
        operation: str,
        answer: Mapping[str, object],
        *,
        only_if: Mapping[str, object],
        account: str = ACCOUNT,
        region: str = REGION,
    ) -> None:
        """Script the response of an account's CodePipeline, CodeBuild or CodeDeploy to requests with these parameters.

        The response has the format of the service's JSON, with times in epoch seconds; a later one for the same
        parameters replaces it. Raises ``EngineError`` if it does not match botocore's model.
        """
        self._post(
            "/_belay/answers",
            {
                "service": service,
                "operation": operation,
                "only_if": dict(only_if),
                "answer": dict(answer),
                "account": account,
                "region": region,
            },
        )

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Freeze every database and snapshot in its status during the block."""
        self._post("/_belay/clock/stop", {})
        try:
            yield
        finally:
            self._post("/_belay/clock/go", {})

    @contextmanager
    def counting(self) -> Iterator[dict[str, int]]:
        """Count the API calls that roles make during the block, by ``service Operation``; filled when it ends."""
        found: dict[str, int] = {}
        self._post("/_belay/calls/begin", {})
        try:
            yield found
        finally:
            found |= self._post("/_belay/calls/end", {})

    def clear_faults(self) -> None:
        """Remove every injected fault that has not happened yet, end every hold, and resume time."""
        self._post("/_belay/faults/clear", {})

    def stop(self) -> None:
        """Stop the engine and its workers, and remove its temporary files; does nothing if already stopped."""
        process = _started.pop(self.process_group, None)
        _kill_group(self.process_group)
        if process is not None:
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
        scratch = self.directory / f"tmp-{self._port}"
        deadline = time.monotonic() + STOP_WITHIN_SECONDS
        while time.monotonic() < deadline and (_group_exists(self.process_group) or (scratch / DATABASES).exists()):
            time.sleep(0.02)
        shutil.rmtree(scratch, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _port(self) -> int:
        return int(self.endpoint.rsplit(":", 1)[1])

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self.alive:
            if process.poll() is not None:
                raise EngineError(
                    f"the engine ended with status {process.returncode} while starting\n{self._log_tail()}"
                )
            if time.monotonic() > deadline:
                raise EngineError(f"the engine was not ready after {READY_WITHIN_SECONDS:.0f} s\n{self._log_tail()}")
            time.sleep(0.05)

    def _log_tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self.endpoint + path, timeout=5) as answer:
            return json.load(answer)

    def _post(self, path: str, document: Mapping[str, object]) -> Any:
        request = urllib.request.Request(self.endpoint + path, data=json.dumps(document).encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise EngineError(f"{path}: {error.read().decode(errors='replace')}") from error


@dataclass(frozen=True)
class HeldCalls:
    """Calls that the engine holds. As a context manager, the hold ends with its block."""

    engine: EmbeddedEngine
    operation: str
    number: int

    def reached(self) -> None:
        """Wait until a call is held. Raises ``EngineError`` if none comes."""
        deadline = time.monotonic() + REACHED_WITHIN_SECONDS
        while not self.waiting:
            if time.monotonic() > deadline:
                raise EngineError(f"no call of {self.operation} came within {REACHED_WITHIN_SECONDS:.0f} s")
            time.sleep(0.05)

    @property
    def waiting(self) -> bool:
        """Whether a call is held now."""
        return bool(self.engine._post("/_belay/holds/waiting", {"number": self.number})["waiting"])

    def let_go(self) -> None:
        """Let the call that has been held longest continue, and hold the next ones."""
        self.engine._post("/_belay/holds/let-go", {"number": self.number})

    def end(self) -> None:
        """Let every held call continue. Ending twice is fine."""
        self.engine._post("/_belay/holds/end", {"number": self.number})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()


_started: dict[int, subprocess.Popen[bytes]] = {}


def _log_of(directory: Path, port: int) -> Path:
    return directory / f"engine-{port}.log"


def _remove_old_logs(directory: Path) -> None:
    by_age = sorted(directory.glob("engine-*.log"), key=_last_changed)
    for path in by_age[:-LOGS_KEPT]:
        path.unlink(missing_ok=True)


def _last_changed(log: Path) -> float:
    """When a log was last written; long ago if another engine, which starts as well, removed it meanwhile."""
    try:
        return log.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _isolation() -> dict[str, str]:
    """Return variables that keep boto3, the AWS CLI and the SAM CLI off the network and the user's configuration."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_CHECK_UPDATES": "0",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def _server_environment(port: int, scratch: Path) -> dict[str, str]:
    left_out = ("AWS_", "MINISTACK_", "PYTHONPATH")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {
        **inherited,
        **{name: value for name, value in _isolation().items() if value},
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MOTO_ACCOUNT_ID": ACCOUNT,
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2",
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "TMPDIR": str(scratch),
    }


def _group_exists(group: int) -> bool:
    """Return whether the group still has processes, including zombies."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _kill_group(group: int) -> None:
    """Kill the group immediately: the engine has nothing to save, and its workers would survive a slow shutdown."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
