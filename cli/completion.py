"""Shell completion, for which the shell runs the command: ``eval "$(register-python-argcomplete belay)"``."""

from __future__ import annotations

import argparse
import os

import argcomplete

from cli.commands import COMMANDS, add_arguments


def complete() -> None:
    """Print completions for what is typed so far, and exit (https://kislyuk.github.io/argcomplete/)."""
    argcomplete.autocomplete(whole(os.environ["COMP_LINE"].split()[1:]))


def whole(words: list[str]) -> argparse.ArgumentParser:
    """Return one parser of every command; only the one that is being typed is asked for its arguments.

    The others' modules take longer to import than a person waits for a letter.
    """
    made = argparse.ArgumentParser(prog="belay")
    groups = {"": made.add_subparsers()}
    for command, (_, described) in COMMANDS.items():
        *group, name = command
        if " ".join(group) not in groups:
            groups[" ".join(group)] = groups[""].add_parser(*group).add_subparsers()
        if name in groups:
            # `belay register` is a command, and begins others: these are what is completed.
            continue
        parser = groups[" ".join(group)].add_parser(name, help=described)
        if words[: len(command)] == [*command]:
            add_arguments(command, parser)
    return made
