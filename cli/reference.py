"""Writes ``docs/command-line.md`` from the parsers: ``python -m cli.reference > docs/command-line.md``."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from cli.commands import GROUPS, parser
from cli.problems import EXIT_STATUSES

INTRODUCTION: Final = """# The `belay` command

<!-- Written by `python -m cli.reference`; change the commands, not this page. -->

Run `./belay COMMAND --help` in a checkout, or install `belay` with `pip install .`. Commands that call AWS find
everything in the outputs of Belay's CloudFormation stack, and work with the embedded engine as with an account.

`eval "$(register-python-argcomplete belay)"` in bash's start-up file completes commands, options and their values;
`register-python-argcomplete`, from the package argcomplete, is installed with the command.

## Account, region and stack

Every command that calls AWS has these options; for the rest, the default credential chain applies.

| option | meaning |
| --- | --- |
{where}

## Exit status

| status | meaning |
| --- | --- |
{statuses}

`belay validate` has its own: 0 no violation, 1 a violation, 2 only undecided findings, 3 something could not be read.

## Permissions

The stack creates four managed policies, whose ARNs are in its outputs:

| policy | allows |
| --- | --- |
| `ReaderPolicy` | `status`, `list`, `show`, `logs`, `stacks`, `console` |
| `OperatorPolicy`, in addition | `release push`, `abort`, `retry`, `pause`, `resume`, `unlock`, `unclaim` |
| `DeciderPolicy` | `approve`, `reject`, `override` |
| `RollbackPolicy` | `rollback` |

What a person does in the console needs the policy of the command that does the same. Who registers applications is up
to you: `register` reads Belay's stack, the ledger and the artifact bucket, describes the stack of `--outputs-of`, and
needs `ssm:PutParameter` for `/belay/applications/*` and `s3:PutObject` for `registrations/*` in the artifact bucket.
An error names the action that is not allowed.
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
                lines += ["| argument | meaning |", "| --- | --- |", *_rows(arguments), ""]
    return "\n".join(lines).rstrip() + "\n"


def _arguments(command: tuple[str, ...], *, where: bool) -> list[argparse.Action]:
    """Return a command's own arguments, or those that say where Belay is deployed."""
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
    text = (action.help or "").replace("|", "\\|")
    return text % vars(action) if "%(" in text else text


def main() -> int:
    """Print the page."""
    sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
