"""The commands by purpose, and their arguments. A command's module is imported when it is used."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Final

Commands = dict[tuple[str, ...], tuple[str, str]]

GROUPS: Final[dict[str, Commands]] = {
    "Set up": {
        ("doctor",): ("cli.doctor", "look at everything that a release needs, and say what is missing"),
        ("register", "check"): ("cli.register_check", "check the files of an application's registration"),
        ("register", "show"): ("cli.register_show", "show an application's registration"),
        ("register",): ("cli.register", "store an application's registration after showing what it changes"),
    },
    "Build releases": {
        ("validate",): ("cli.validate", "check templates, releases or saved security groups against the policies"),
        ("policies",): ("cli.policies", "list every policy, as Markdown"),
        ("release", "build"): ("cli.build", "build a release's zip from a directory"),
        ("release", "push"): ("cli.push", "upload a release, which starts its deployment"),
    },
    "Observe": {
        ("console",): ("cli.console.command", "serve a page of everything, for a browser of this machine"),
        ("status",): ("cli.status", "show what is running, waiting or held"),
        ("list",): ("cli.list", "list applications, what their stages run, and their releases"),
        ("show",): ("cli.show", "show one release: timeline, causes, findings, snapshots, approvals"),
        ("stacks",): ("cli.stacks", "show which stage each stack belongs to"),
        ("logs",): ("cli.logs", "show what the functions logged about a release"),
    },
    "Decide": {
        ("approve",): ("cli.approve", "approve a release in a stage, or an incident's question"),
        ("reject",): ("cli.reject", "reject a release in a stage, or an incident's question"),
        ("override",): ("cli.override", "let a held release continue outside of its stage's windows"),
    },
    "Act": {
        ("abort",): ("cli.abort", "stop a release and roll back what it changed"),
        ("retry",): ("cli.retry", "deploy a release again that was not deployed or was rolled back"),
        ("rollback",): ("cli.rollback", "roll a stage back to an earlier release"),
        ("pause",): ("cli.pause", "hold all releases that are uploaded from now on"),
        ("resume",): ("cli.resume", "end the pause and start held releases"),
        ("unlock",): ("cli.unlock", "release an unused lock of a stage"),
        ("unclaim",): ("cli.unclaim", "give up a stack that its stage no longer registers"),
        ("upgrade", "check"): ("cli.upgrade", "list what has to end before another version of Belay is deployed"),
        ("upgrade", "continue"): ("cli.upgrade_continue", "continue waiting releases with the version deployed now"),
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
    """Return the text of ``belay --help``."""
    lines = ["usage: belay COMMAND ..."]
    for group, commands in GROUPS.items():
        lines += ["", f"{group}:"]
        lines += [f"  {' '.join(command):<18}{described}" for command, (_, described) in commands.items()]
    return "\n".join([*lines, "", "See belay COMMAND --help."])
