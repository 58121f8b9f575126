"""``docs/command-line.md``, made from the parsers: ``python -m cli.reference > docs/command-line.md``."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from cli.commands import GROUPS, parser
from cli.problems import EXIT_STATUSES

INTRODUCTION: Final = """# The `belay` command

<!-- Written by `python -m cli.reference`; change the commands, not this page. -->

`./belay COMMAND --help` in a checkout, or `pip install .` for a `belay` of your own. Commands that talk to AWS find
everything in the outputs of Belay's CloudFormation stack, and work on the embedded engine as on an account.

`eval "$(register-python-argcomplete belay)"` in the start-up file of bash completes commands, options and their values;
`register-python-argcomplete`, of the package argcomplete, is installed with the command.

## Where

These go with every command that talks to AWS; the ordinary credential chain decides what they leave open.

| option | what it is |
| --- | --- |
{where}

## Exit status

| status | means |
| --- | --- |
{statuses}

`belay validate` has its own: 0 no violation, 1 a violation, 2 only what could not be decided, 3 something could not be
read.

## Who may

The stack makes four managed policies, whose ARNs are among its outputs:

| policy | allows |
| --- | --- |
| `ReaderPolicy` | `status`, `list`, `show`, `logs` |
| `OperatorPolicy`, beside it | `release push`, `abort`, `retry`, `pause`, `resume`, `unlock` |
| `DeciderPolicy` | `approve`, `reject`, `override` |
| `RollbackPolicy` | `rollback` |

What a policy lacks is said by the action's name.
"""

_WHERE: Final = ("--profile", "--region", "--stack", "--endpoint-url", "--output")


def page() -> str:
    """Return the page."""
    where = "\n".join(_rows(_arguments(("status",), where=True)))
    statuses = "\n".join(f"| {status} | {means} |" for status, means in EXIT_STATUSES.items())
    lines = [INTRODUCTION.format(where=where, statuses=statuses)]
    for group, commands in GROUPS.items():
        lines += [f"## {group}", ""]
        for command, (_, described) in commands.items():
            lines += [f"### belay {' '.join(command)}", "", f"{described[0].upper()}{described[1:]}.", ""]
            arguments = _arguments(command, where=False)
            if arguments:
                lines += ["| argument | what it is |", "| --- | --- |", *_rows(arguments), ""]
    return "\n".join(lines).rstrip() + "\n"


def _arguments(command: tuple[str, ...], *, where: bool) -> list[argparse.Action]:
    """Return the arguments of a command's own, or those that say where Belay is."""
    found = [each for each in parser(command)._actions if not isinstance(each, argparse._HelpAction)]
    talks_to_aws = any("--stack" in each.option_strings for each in found)
    return [each for each in found if (talks_to_aws and _says_where(each)) is where]


def _says_where(action: argparse.Action) -> bool:
    return any(option in _WHERE for option in action.option_strings)


def _rows(arguments: list[argparse.Action]) -> list[str]:
    return [f"| `{_written(each)}` | {_help(each)} |" for each in arguments]


def _written(action: argparse.Action) -> str:
    value = action.metavar or (f"{{{','.join(map(str, action.choices))}}}" if action.choices else action.dest.upper())
    shown = str(value) if isinstance(value, str) else " ".join(value)
    if not action.option_strings:
        return f"[{shown}]" if action.nargs in ("?", "*") else shown
    return action.option_strings[-1] if action.nargs == 0 else f"{action.option_strings[-1]} {shown}"


def _help(action: argparse.Action) -> str:
    told = (action.help or "").replace("|", "\\|")
    return told % vars(action) if "%(" in told else told


def main() -> int:
    """Print the page."""
    sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
