"""The hooks of the instances' deployments: what they write, when they retry, and that they never show a secret."""

import json
import os
import pwd
import re
import stat
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

REVISION = Path("examples/instances/revision")
SECRET = "s3cr3t-p4ssw0rd"
AWS = """#!/usr/bin/env python3
import json, os, sys
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "calls.jsonl"), "a") as calls:
    calls.write(json.dumps({"arguments": sys.argv[1:], "config": os.environ.get("AWS_CONFIG_FILE")}) + chr(10))
answer = json.load(open(os.path.join(here, "answer.json")))
if "error" in answer:
    sys.exit(answer["error"])
print(json.dumps(answer))
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


class Instance:
    """An instance's directories below one of its own, with stand-ins for the commands that change a machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tools = root / "tools"
        self.file = root / "run/hello/configuration.json"
        for folder in ("run", "etc/hello", "opt/hello", "tools", "hooks"):
            (root / folder).mkdir(parents=True)
        for path in filter(Path.is_file, (REVISION / "application").iterdir()):
            (root / "opt/hello" / path.name).write_text(self._here(path.read_text()))
        for path in (REVISION / "hooks").iterdir():
            (root / "hooks" / path.name).write_text(self._here(path.read_text()))
        (root / "etc/hello/place").write_text("CONFIGURATION_PATH=/hello/production\nREGION=eu-west-1\n")
        (self.tools / "python3").symlink_to(sys.executable)
        self.tool("aws", AWS)
        self.tool("id", "#!/bin/sh\n")
        for name in ("systemctl", "curl"):
            self.tool(name, f'#!/bin/sh\necho "{name} $*" >> "{root}/tools/done"\n')
        self.parameters(("database/password", SECRET, 3), ("greeting", "Hello", 1))

    def _here(self, text: str) -> str:
        # Only root may change a file's owner; that the service becomes the owner is tested below.
        return re.sub(r"/(run|etc|opt)/hello", rf"{self.root}/\1/hello", text).replace(" --owner hello", "")

    def tool(self, name: str, text: str) -> None:
        (self.tools / name).write_text(text)
        (self.tools / name).chmod(0o755)

    def parameters(self, *parameters: tuple[str, str, int]) -> None:
        self.answers(
            {
                "Parameters": [
                    {"Name": f"/hello/production/{name}", "Type": "SecureString", "Value": value, "Version": version}
                    for name, value, version in parameters
                ]
            }
        )

    def answers(self, answer: dict[str, Any]) -> None:
        (self.tools / "answer.json").write_text(json.dumps(answer))

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env={"PATH": f"{self.tools}:{os.environ['PATH']}", "HOME": str(self.root), **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def hook(self, name: str, deployment: str = "d-1") -> subprocess.CompletedProcess[str]:
        return self.run("sh", str(self.root / "hooks" / f"{name}.sh"), DEPLOYMENT_ID=deployment)

    def timer(self) -> subprocess.CompletedProcess[str]:
        script = str(self.root / "opt/hello/configuration.py")
        place = ("--path", "/hello/production", "--region", "eu-west-1")
        return self.run(sys.executable, script, *place, "--again", "--restart", "hello.service")

    @property
    def calls(self) -> list[dict[str, Any]]:
        path = self.tools / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file.read_text())
        return found


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance(tmp_path)


def test_a_deployment_writes_its_configuration_for_the_service_alone(instance: Instance) -> None:
    done = instance.hook("read_configuration")
    assert (done.returncode, done.stderr) == (0, "")
    assert instance.configuration == {
        "deployment": "d-1",
        "values": {"database/password": SECRET, "greeting": "Hello"},
        "versions": {"database/password": 3, "greeting": 1},
    }
    assert stat.S_IMODE(instance.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(instance.file.parent.stat().st_mode) == 0o700
    assert [each.name for each in instance.file.parent.iterdir()] == ["configuration.json"]


def test_the_service_may_read_the_file_and_put_nothing_beside_it(instance: Instance) -> None:
    """Root writes there again: if the service replaced a file by a link, root would change the target's owner."""
    me = pwd.getpwuid(os.getuid())
    instance.file.parent.mkdir(mode=0o700)
    script = str(instance.root / "opt/hello/configuration.py")
    place = ("--path", "/hello/production", "--region", "eu-west-1", "--owner", me.pw_name)
    done = instance.run(sys.executable, script, *place)

    assert (done.returncode, done.stderr) == (0, "")
    file, folder = instance.file.stat(), instance.file.parent.stat()
    assert (file.st_uid, stat.S_IMODE(file.st_mode)) == (me.pw_uid, 0o600)
    assert (folder.st_gid, stat.S_IMODE(folder.st_mode)) == (me.pw_gid, 0o750)


def test_no_secret_is_shown_or_given_to_a_command(instance: Instance) -> None:
    runs = [instance.hook(name) for name in ("stop", "read_configuration", "start", "validate")]
    instance.parameters(("database/password", f"{SECRET}-rotated", 4), ("greeting", "Hello", 1))
    runs += [instance.timer(), instance.hook("read_configuration", "d-2")]
    assert [each.returncode for each in runs] == [0] * 6
    shown = [each.stdout + each.stderr for each in runs] + [(instance.tools / "done").read_text()]
    shown += [json.dumps(call) for call in instance.calls]
    assert "database/password (version 4)" in "".join(shown)
    assert SECRET not in "".join(shown)


def test_the_command_line_interface_keeps_no_history_of_what_it_decrypted(instance: Instance) -> None:
    instance.hook("read_configuration")
    (call,) = instance.calls
    assert call["config"] == os.devnull
    assert call["arguments"][:4] == ["ssm", "get-parameters-by-path", "--path", "/hello/production"]
    assert "--with-decryption" in call["arguments"]


def test_a_deployment_reads_once_and_the_next_one_again(instance: Instance) -> None:
    for _ in range(2):
        instance.hook("read_configuration", "d-1")
    assert len(instance.calls) == 1
    instance.parameters(("database/password", "rotated", 4), ("greeting", "Hello", 1))
    instance.hook("read_configuration", "d-2")
    assert len(instance.calls) == 2
    assert instance.configuration["deployment"] == "d-2"
    assert instance.configuration["values"]["database/password"] == "rotated"


def test_a_start_without_a_deployment_reads_only_what_is_not_there(instance: Instance) -> None:
    for _ in range(2):
        assert instance.hook("read_configuration", "").returncode == 0
    assert len(instance.calls) == 1


def test_the_timer_sees_a_rotated_value_and_restarts_the_service(instance: Instance) -> None:
    instance.hook("read_configuration")
    assert "nothing changed" in instance.timer().stdout
    assert not (instance.tools / "done").exists()
    instance.parameters(("database/password", "rotated", 4), ("greeting", "Hello", 1))
    assert instance.timer().returncode == 0
    assert instance.configuration["values"]["database/password"] == "rotated"
    assert instance.configuration["deployment"] == "d-1"
    assert (instance.tools / "done").read_text() == "systemctl try-restart hello.service\n"


def test_a_missing_name_ends_the_deployment_and_says_which_names_exist(instance: Instance) -> None:
    instance.parameters(("greetings", "Hello", 1))
    refused = instance.hook("read_configuration")
    assert refused.returncode == 1
    assert refused.stderr.strip() == ("/hello/production: expected database/password, greeting; found greetings")
    assert not instance.file.exists()


def test_what_cannot_be_read_is_no_missing_name_and_changes_nothing(instance: Instance) -> None:
    instance.hook("read_configuration")
    instance.answers({"error": "An error occurred (AccessDeniedException): not authorized"})
    refused = instance.timer()
    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        "/hello/production could not be read: An error occurred (AccessDeniedException): not authorized"
    )
    assert instance.configuration["values"]["database/password"] == SECRET


def test_no_traffic_for_an_instance_whose_secrets_others_can_read(instance: Instance) -> None:
    instance.hook("read_configuration")
    instance.file.chmod(0o644)
    refused = instance.hook("validate")
    assert refused.returncode == 1
    assert "expected the mode 600, found 644" in refused.stderr


def test_no_traffic_for_an_instance_that_does_not_answer(instance: Instance) -> None:
    instance.hook("read_configuration")
    instance.tool("curl", "#!/bin/sh\nexit 22\n")
    assert instance.hook("validate").returncode == 22


# -- the revision ------------------------------------------------------------------------------------------------------


def test_the_application_specification_names_files_and_events_that_exist() -> None:
    found = yaml.safe_load((REVISION / "appspec.yml").read_text())
    for each in found["files"]:
        assert (REVISION / each["source"]).is_dir()
    scripts = {event: [each["location"] for each in given] for event, given in found["hooks"].items()}
    assert list(scripts) == ["ApplicationStop", "AfterInstall", "ApplicationStart", "ValidateService"]
    assert {path for paths in scripts.values() for path in paths} == {
        path.relative_to(REVISION).as_posix() for path in (REVISION / "hooks").iterdir()
    }
    for paths in scripts.values():
        for path in paths:
            assert os.access(REVISION / path, os.X_OK), path
            subprocess.run(["sh", "-n", str(REVISION / path)], check=True)


def test_everything_that_writes_the_file_gives_it_to_the_service() -> None:
    texts = [path.read_text() for path in REVISION.rglob("*") if path.suffix in (".sh", ".service")]
    written = [line for text in texts for line in text.splitlines() if "configuration.py" in line]
    assert len(written) == 3
    assert all("--owner hello" in line for line in written)
    service = (REVISION / "units/hello.service").read_text()
    assert "User=hello\n" in service
    assert "ExecStartPre=+" in service


@pytest.fixture
def hello() -> ModuleType:
    spec = spec_from_file_location("hello", REVISION / "application/hello.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def served(hello: ModuleType, instance: Instance) -> Iterator[str]:
    instance.hook("read_configuration")
    server = hello.server(instance.file, 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_service_answers_with_its_configuration(served: str) -> None:
    for path, expected in (("/", b"Hello\n"), ("/health", b"healthy\n")):
        with urllib.request.urlopen(f"{served}{path}") as answer:
            assert answer.read() == expected
