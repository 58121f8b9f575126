import json
import shlex
import shutil

import pytest

from local import __main__ as local
from local.deployment import DeploymentError


@pytest.fixture
def here(monkeypatch, tmp_path):
    """The command with its own directory, and a deployment that only records its arguments."""
    deployed = []

    def deploy(engine, *, parameters):
        deployed.append((engine, parameters))
        return {"ReleaseBucketName": "releases"}

    monkeypatch.setattr(local, "DIRECTORY", tmp_path)
    monkeypatch.setattr(local, "STATE", tmp_path / "state.json")
    monkeypatch.setattr(local, "deploy", deploy)
    yield deployed
    local.main(["down"])


def exported(capsys):
    """The variables a shell would have after evaluating the environment, which prints nothing else."""
    capsys.readouterr()
    assert local.main(["environment"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    words = [shlex.split(line) for line in printed.out.splitlines()]
    assert {command for command, *_ in words} == {"unset", "export"}
    return dict(word.split("=", 1) for command, *rest in words if command == "export" for word in rest)


def test_up_twice_is_one_engine_and_down_ends_it(here, capsys):
    assert local.main(["up"]) == 0
    first = exported(capsys)
    assert shutil.which("belay", path=first["PATH"])

    assert local.main(["up"]) == 0
    assert exported(capsys) == first
    assert local.main(["status"]) == 0
    assert "ReleaseBucketName = releases" in capsys.readouterr().err

    engine = here[0][0]
    assert [each.endpoint for each, _ in here] == [first["AWS_ENDPOINT_URL"]] * 2
    assert engine.alive
    assert local.main(["down"]) == 0
    assert not engine.alive
    assert local.main(["status"]) == local.main(["environment"]) == 1
    assert local.main(["down"]) == 0


def test_an_engine_that_could_not_be_deployed_to_is_not_left_running(here, capsys, monkeypatch):
    engines = []

    def fail(engine, *, parameters):
        engines.append(engine)
        raise DeploymentError("sam deploy failed (status 1); it said: no")

    monkeypatch.setattr(local, "deploy", fail)

    assert local.main(["up"]) == 1
    assert "sam deploy failed" in capsys.readouterr().err
    assert not engines[0].alive


def test_what_is_left_of_an_engine_that_died_is_no_engine(here, capsys, tmp_path):
    noted = {"endpoint": "http://127.0.0.1:9", "process_group": 999_999_999, "directory": str(tmp_path), "outputs": {}}
    local.STATE.write_text(json.dumps(noted))

    assert local.main(["status"]) == 1
    assert "no engine is running" in capsys.readouterr().err
