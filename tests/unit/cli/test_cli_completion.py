"""What a shell is told that asks what may be typed next."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def completed(line: str, directory: Path) -> list[str]:
    """Ask as a shell does that has registered the command; what it is told goes to a file instead of a descriptor."""
    told = directory / "told"
    told.touch()
    asks = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(told),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
    }
    done = subprocess.run(
        [sys.executable, "-m", "cli"], cwd=ROOT, env={**os.environ, **asks}, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"")
    return [each.strip() for each in told.read_text().splitlines()]


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        ("belay app", ["approve"]),
        ("belay re", ["register", "release", "reject", "retry", "resume"]),
        ("belay release p", ["push"]),
        ("belay release push --w", ["--wait"]),
        ("belay approve orders --s", ["--stage", "--seal", "--stack"]),
        ("belay list --output ", ["text", "json"]),
        ("belay nothing", []),
    ],
)
def test_commands_options_and_choices_are_completed(line: str, fits: list[str], tmp_path: Path) -> None:
    assert completed(line, tmp_path) == fits
