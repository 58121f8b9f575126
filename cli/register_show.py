"""``belay register show``: an application's registration as it is stored."""

from __future__ import annotations

import argparse

from cli.account import Account, add_account_arguments
from cli.naming import application_name
from cli.output import section, tell
from cli.problems import Refused
from cli.register import registered


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("application", type=application_name, metavar="APPLICATION", help="the application's name")
    add_account_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show every document with its parameter."""
    documents = registered(Account.of(arguments), arguments.application)
    if not documents:
        raise Refused(f"{arguments.application} is not registered; see `belay register --help`")
    lines = [line for name, text in documents.items() for line in section(name, text.splitlines())]
    tell(arguments, {"application": arguments.application, "documents": documents}, lines[1:])
    return 0
