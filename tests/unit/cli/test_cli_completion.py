"""Shell completion: what is offered next."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cli.commands import COMMANDS, CommandGroup

ROOT = Path(__file__).parents[3]


def completed(line: str) -> list[str]:
    """Complete as bash does once it has registered the command
    (https://click.palletsprojects.com/en/stable/shell-completion/).
    """
    asks = {"_BELAY_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    done = subprocess.run(
        [sys.executable, "-m", "cli"], cwd=ROOT, env={**os.environ, **asks}, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return [each.removeprefix("plain,") for each in done.stdout.split()]


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        ("belay app", ["approve"]),
        ("belay re", ["register", "release", "reject", "retry", "resume"]),
        ("belay release p", ["push"]),
        ("belay register c", ["check"]),
        ("belay register show --o", ["--output"]),
        ("belay release push --w", ["--wait"]),
        ("belay approve orders --s", ["--stage", "--seal", "--stack"]),
        ("belay list --output ", ["text", "json"]),
        ("belay nothing", []),
    ],
)
def test_commands_options_and_choices_are_completed(line: str, fits: list[str]) -> None:
    assert completed(line) == fits


def test_no_command_is_imported_to_complete_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.commands.loaded", lambda words: pytest.fail(f"{words} was imported"))
    belay = CommandGroup()
    context = click.Context(belay)
    assert {words[0] for words in COMMANDS} < {each.value for each in belay.shell_complete(context, "")} | {"-h"}
    assert "approve a release" in belay.get_help(context)
