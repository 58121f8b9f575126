"""``python -m local up``: an engine with Belay deployed to it, running until it is taken down."""

import argparse
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from local.deployment import BIN, LOCAL_PARAMETERS, DeploymentError, deploy
from local.engine import ROOT, EmbeddedEngine, EngineError

DIRECTORY = ROOT / "build" / "engine"
STATE = DIRECTORY / "state.json"
UNSET = ("AWS_PROFILE", "AWS_SESSION_TOKEN")
_NONE = "no engine is running: make up starts one"


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status: 0 done, 1 failed or, for ``status``, not running."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the engine and deploy Belay to it")
    commands.add_parser("down", help="stop the engine and delete everything in it")
    commands.add_parser("status", help="show whether the engine is running, and what is deployed to it")
    commands.add_parser("environment", help="print what a shell has to eval to use the engine, and nothing else")
    command = parser.parse_args(arguments).command
    try:
        return {"up": up, "down": down, "status": status, "environment": environment}[command]()
    except (EngineError, DeploymentError) as error:
        print(error, file=sys.stderr)
        return 1


def up() -> int:
    """Start an engine unless one is running, and deploy to it; stop it again if the deployment fails."""
    engine = running()
    started = engine is None
    engine = engine or EmbeddedEngine.start(directory=DIRECTORY, detached=True)
    say(f"engine at {engine.endpoint}, log in {engine.log}; deploying Belay ...")
    try:
        outputs = deploy(engine, parameters=LOCAL_PARAMETERS)
    except BaseException:
        if started:
            engine.stop()
        raise
    _remember(engine, outputs)
    say('Belay is deployed. In each terminal, from this directory: eval "$(.venv/bin/python -m local environment)"')
    return 0


def down() -> int:
    """Stop the running engine, if any."""
    engine = running()
    STATE.unlink(missing_ok=True)
    if engine is None:
        say("no engine is running")
        return 0
    engine.stop()
    say("stopped; nothing is left running")
    return 0


def status() -> int:
    """Show whether an engine is running and what is deployed to it."""
    engine = running()
    if engine is None:
        say(_NONE)
        return 1
    say(f"engine at {engine.endpoint}, log in {engine.log}; outputs of the stack belay:")
    for name, value in json.loads(STATE.read_text())["outputs"].items():
        say(f"  {name} = {value}")
    return 0


def environment() -> int:
    """Print commands that make a shell find ``belay`` and ``aws``, and use only the running engine."""
    engine = running()
    if engine is None:
        say(_NONE)
        return 1
    print(f"unset {' '.join(UNSET)}")
    for name, value in engine.environment.items():
        print(f"export {name}={shlex.quote(value)}")
    print(f'export PATH={shlex.quote(f"{ROOT}:{BIN}")}:"$PATH"')
    return 0


def running() -> EmbeddedEngine | None:
    """Return the engine that ``up`` started, if it is still running."""
    if not STATE.exists():
        return None
    noted = json.loads(STATE.read_text())
    engine = EmbeddedEngine(noted["endpoint"], noted["process_group"], Path(noted["directory"]))
    return engine if engine.alive or _is_engine(engine.process_group) else None


def say(line: str) -> None:
    """Print for people; standard output is for the shell."""
    print(line, file=sys.stderr)


def _is_engine(process: int) -> bool:
    """Whether a process that does not respond is an engine: process ids are reused, and others are left alone."""
    in_proc = Path(f"/proc/{process}/cmdline")
    if in_proc.exists():
        return b"local.serve" in in_proc.read_bytes()
    if shutil.which("ps") is None:
        return False
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(process)], capture_output=True, text=True, check=False)
    return "local.serve" in shown.stdout


def _remember(engine: EmbeddedEngine, outputs: Mapping[str, str]) -> None:
    noted = {"endpoint": engine.endpoint, "process_group": engine.process_group, "directory": str(engine.directory)}
    STATE.write_text(json.dumps({**noted, "outputs": dict(outputs)}, indent=2))


if __name__ == "__main__":
    sys.exit(main())
