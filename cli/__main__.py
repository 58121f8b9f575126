"""``belay``: what authors, operators and people on call run by hand. One module a command; only one is imported."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

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
    },
}
COMMANDS: Final[Commands] = {command: entry for group in GROUPS.values() for command, entry in group.items()}
_COMPLETING: Final = "_ARGCOMPLETE"
"""What a shell sets that runs the command to ask what may be typed next."""
_LAYER: Final = Path(__file__).parents[1] / "layers" / "belay"


_BEFORE_A_COLLECTION: Final = 1_000_000
"""How many objects a command makes before circles of garbage are looked for: a large template is that many, and looking
for circles in it again and again would take a sixth of the time."""


def console() -> NoReturn:
    """Run the command of this process, and end it with the command's status."""
    gc.set_threshold(_BEFORE_A_COLLECTION)
    sys.exit(main(sys.argv[1:]))


def main(words: Sequence[str]) -> int:
    """Run one command; return its exit status, which ``cli.problems`` lists."""
    if _LAYER.is_dir() and str(_LAYER) not in sys.path:
        sys.path.insert(0, str(_LAYER))
    if _COMPLETING in os.environ:
        import_module("cli.completion").complete()
    for command, (module_name, _) in COMMANDS.items():
        if tuple(words[: len(command)]) == command:
            try:
                status: int = import_module(module_name).run(parser(command).parse_args(words[len(command) :]))
                sys.stdout.flush()
            except BrokenPipeError:  # whoever read the output has seen enough; nothing is left to flush in the end
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return 0
            except (Exception, KeyboardInterrupt) as error:
                return _told(error)
            return status
    asked = bool(words) and words[0] in ("-h", "--help")
    print(usage(), file=None if asked else sys.stderr)
    if words and not asked:
        print(f"\nbelay: there is no command {' '.join(words[:2])!r:.80}", file=sys.stderr)
    return 0 if asked else 2


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
        lines += [f"  {' '.join(command):<16}{described}" for command, (_, described) in commands.items()]
    return "\n".join([*lines, "", "belay COMMAND --help tells more."])


def _told(error: BaseException) -> int:
    """Tell what kept a command from going on. A fault of the command's own is raised again, with its trace."""
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
