"""``belay register check``: check the files of an application's registration, and store nothing."""

from __future__ import annotations

import argparse

from cli.account import Account, add_account_arguments
from cli.output import tell
from cli.register import add_file_arguments, read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_file_arguments(parser)
    add_account_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check the files; every problem is an error."""
    wanted = read(Account.of(arguments), arguments)
    stages = ", ".join(stage.name for stage in wanted.stages)
    tell(
        arguments,
        {"application": wanted.name, "stages": [stage.name for stage in wanted.stages]},
        [f"{wanted.name}: Belay can read this; its stages are {stages}"],
    )
    return 0
