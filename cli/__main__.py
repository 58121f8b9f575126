"""``belay``: for release authors, operators and on-call engineers. One module per command; only one is imported."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

import click

from cli.commands import CommandGroup

_COMPLETING: Final = "_BELAY_COMPLETE"
"""Set by a shell that runs the command for completion (https://click.palletsprojects.com/en/stable/shell-completion/)."""
_LAYER: Final = Path(__file__).parents[1] / "layers" / "belay"


_BEFORE_A_COLLECTION: Final = 1_000_000
"""How many objects a command makes before circles of garbage are looked for: a large template is that many, and looking
for circles in it again and again would take a sixth of the time."""


def console() -> NoReturn:
    """Run the command of this process, and end it with the command's status."""
    gc.set_threshold(_BEFORE_A_COLLECTION)
    status = main(sys.argv[1:])
    gc.freeze()  # nothing is looked through for circles when the process ends
    sys.exit(status)


def main(words: Sequence[str]) -> int:
    """Run one command; return its exit status, which ``cli.problems`` lists."""
    if _LAYER.is_dir() and str(_LAYER) not in sys.path:
        sys.path.insert(0, str(_LAYER))
    belay = CommandGroup()
    if _COMPLETING in os.environ:
        belay.main(prog_name="belay")
    try:
        with belay.make_context("belay", list(words)) as context:
            status: int = belay.invoke(context)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader closed the pipe; nothing is left to flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (Exception, KeyboardInterrupt) as error:
        return _told(error)
    return status


def _told(error: BaseException) -> int:
    """Print why a command failed. Other exceptions are raised again, with their traceback."""
    # What these need takes longer to import than a small template to check.
    from cli import problems  # noqa: PLC0415
    from cli.output import plain  # noqa: PLC0415

    status = problems.status_of(error)
    if status is None:
        raise error
    if status != problems.INTERRUPTED:
        print(f"belay: {plain(problems.in_words(error))}", file=sys.stderr)
    return status


if __name__ == "__main__":
    console()
