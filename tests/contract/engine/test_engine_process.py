import contextlib
import io
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from local import engine as local_engine
from local.engine import LOGS_KEPT, ROOT, EmbeddedEngine, EngineError


def processes_of(group):
    """The ids of a group's living processes."""
    if not Path("/proc/self/stat").exists():
        shown = subprocess.run(["ps", "-eo", "pid=,pgid=,stat="], capture_output=True, text=True, check=True).stdout
        rows = [line.split() for line in shown.splitlines()]
        return [pid for pid, pgid, state in rows if pgid == str(group) and not state.startswith("Z")]
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, pgid = (process / "stat").read_text().rpartition(")")[2].split()[:3]
            if pgid == str(group) and state != "Z":
                found.append(process.name)
    return found


SLEEPING = "import time\ndef handler(event, context):\n    time.sleep(60)\n"


@pytest.fixture
def function_source():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", SLEEPING)
    return packed.getvalue()


def test_stopping_leaves_no_process_and_no_file_but_the_log(tmp_path, function_source, until):
    engine = EmbeddedEngine.start(directory=tmp_path)
    made = engine.client("lambda").create_function(
        FunctionName="sleeping",
        Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
        Role="arn:aws:iam::000000000000:role/contract",
        Handler="app.handler",
        Code={"ZipFile": function_source},
        Timeout=60,
    )
    engine.client("lambda").invoke(FunctionName=made["FunctionName"], InvocationType="Event")
    until(lambda: processes_of(engine.process_group), lambda lines: len(lines) > 1)

    engine.stop()

    assert processes_of(engine.process_group) == []
    assert not engine.alive
    assert [path.name for path in tmp_path.iterdir()] == [engine.log.name]
    engine.stop()


def test_an_engine_ends_with_the_process_that_started_it(tmp_path, until):
    source = (
        "import pathlib, sys, time; from local.engine import EmbeddedEngine; "
        f"engine = EmbeddedEngine.start(directory=pathlib.Path({str(tmp_path)!r})); "
        "print(engine.process_group, flush=True); time.sleep(600)"
    )
    starter = subprocess.Popen([sys.executable, "-c", source], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    group = int(starter.stdout.readline())
    assert processes_of(group)

    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()
    starter.stdout.close()

    until(lambda: processes_of(group), lambda lines: not lines)
    assert [path.suffix for path in tmp_path.iterdir()] == [".log"]


def test_reset_forgets_everything(separate_engine):
    engine = separate_engine
    engine.client("sns").create_topic(Name="topic")
    engine.client("rds").create_db_parameter_group(
        DBParameterGroupName="group", DBParameterGroupFamily="postgres16", Description="contract"
    )
    engine.inject("sns", "ListTopics", "Throttling")

    engine.reset()

    assert engine.client("sns").list_topics()["Topics"] == []
    assert engine.client("rds").describe_db_parameter_groups()["DBParameterGroups"] == []


def listening(process):
    """The addresses a process listens on, as the kernel spells them."""
    sockets = {str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir()}
    rows = [
        line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="looks at the kernel's table of sockets")
def test_the_engine_listens_on_the_loopback_interface_only(engine):
    port = int(engine.endpoint.rsplit(":", 1)[1])

    listens = listening(engine.process_group)
    assert f"0100007F:{port:04X}" in listens
    assert {address[6:8] for address in listens} == {"7F"}


def test_a_port_that_is_taken_is_told_with_the_log(engine, tmp_path):
    port = int(engine.endpoint.rsplit(":", 1)[1])

    with pytest.raises(EngineError, match=r"ended with status|not ready"):
        EmbeddedEngine.start(directory=tmp_path, port=port)
    assert engine.alive


def test_a_log_that_another_engine_has_just_removed_stops_none(tmp_path):
    (tmp_path / "engine-gone.log").symlink_to(tmp_path / "removed")
    kept = [tmp_path / f"engine-{port}.log" for port in range(LOGS_KEPT)]
    for each in kept:
        each.touch()

    local_engine._remove_old_logs(tmp_path)

    assert sorted(tmp_path.iterdir()) == kept
