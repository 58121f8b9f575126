"""The commands by what they are for, and what each may be given. A module is imported when its command is asked for."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Final

Commands = dict[tuple[str, ...], tuple[str, str]]

GROUPS: Final[dict[str, Commands]] = {
    "Make a release": {
        ("validate",): ("cli.validate", "check templates, releases or saved security groups against the policies"),
        ("policies",): ("cli.policies", "list every policy, as Markdown"),
        ("release", "build"): ("cli.build", "make a directory into a release's zip"),
        ("release", "push"): ("cli.push", "upload a release, which starts it"),
    },
    "See what goes on": {
        ("status",): ("cli.status", "what runs, waits or is held"),
        ("list",): ("cli.list", "applications, what their stages run, their releases"),
        ("show",): ("cli.show", "one release: its way, causes, findings, snapshots, approvals"),
        ("logs",): ("cli.logs", "what the functions logged about a release"),
    },
    "Decide": {
        ("approve",): ("cli.approve", "approve a release in a stage, or what an incident asks"),
        ("reject",): ("cli.reject", "reject it"),
        ("override",): ("cli.override", "let a held release go on outside of its stage's windows"),
    },
    "Act": {
        ("abort",): ("cli.abort", "stop a release and take back what it changed"),
        ("retry",): ("cli.retry", "deploy a release again that ended without being deployed"),
        ("rollback",): ("cli.rollback", "bring a stage back to an earlier release"),
        ("pause",): ("cli.pause", "hold every release that is uploaded from now on"),
        ("resume",): ("cli.resume", "end the pause and start what was held"),
        ("unlock",): ("cli.unlock", "free a stage's lock that nobody works under"),
        ("upgrade", "check"): ("cli.upgrade", "list what has to end before another version of Belay is deployed"),
        ("upgrade", "continue"): ("cli.upgrade_continue", "let what waits go on with the version that is deployed now"),
    },
}
COMMANDS: Final[Commands] = {command: entry for group in GROUPS.values() for command, entry in group.items()}


def parser(command: tuple[str, ...]) -> argparse.ArgumentParser:
    """Return the parser of a command's arguments."""
    _, described = COMMANDS[command]
    made = argparse.ArgumentParser(
        prog=f"belay {' '.join(command)}", description=f"{described[0].upper()}{described[1:]}."
    )
    add_arguments(command, made)
    return made


def add_arguments(command: tuple[str, ...], made: argparse.ArgumentParser) -> None:
    """Declare a command's arguments in a parser."""
    import_module(COMMANDS[command][0]).add_arguments(made)


def usage() -> str:
    """Return what ``belay --help`` says."""
    lines = ["usage: belay COMMAND ..."]
    for group, commands in GROUPS.items():
        lines += ["", f"{group}:"]
        lines += [f"  {' '.join(command):<18}{described}" for command, (_, described) in commands.items()]
    return "\n".join([*lines, "", "belay COMMAND --help tells more."])
