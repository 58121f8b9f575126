"""``belay register show``: an application's registration as it is stored."""

from __future__ import annotations

import click

from cli.account import Account, Where, calls_aws
from cli.naming import application_argument
from cli.output import section, tell
from cli.problems import Refused
from cli.register import registered


@click.command()
@application_argument
@calls_aws
def command(application: str, where: Where, output: str) -> int:
    """Show an application's registration as it is stored: every document with its parameter."""
    documents = registered(Account.of(where), application)
    if not documents:
        raise Refused(f"{application} is not registered; see `belay register --help`")
    lines = [line for name, text in documents.items() for line in section(name, text.splitlines())]
    tell(output, {"application": application, "documents": documents}, lines[1:])
    return 0
