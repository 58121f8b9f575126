"""``belay register check``: check the files of an application's registration, and store nothing."""

from __future__ import annotations

import click

from belay.release.waves import in_words
from cli.account import Account, Where, calls_aws
from cli.output import tell
from cli.register import Files, read, registration_files


@click.command()
@registration_files
@calls_aws
def command(files: Files, where: Where, output: str) -> int:
    """Check the files of an application's registration, and store nothing; every problem is an error."""
    wanted = read(Account.of(where), files)
    tell(
        output,
        {"application": wanted.name, "stages": [stage.name for stage in wanted.stages]},
        [f"{wanted.name}: Belay can read this; a release goes to {in_words(wanted.application.waves)}"],
    )
    return 0
