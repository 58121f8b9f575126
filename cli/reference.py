"""Writes ``docs/command-line.md`` from the commands: ``python -m cli.reference > docs/command-line.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields
from inspect import cleandoc
from typing import Final

import click

from cli.account import Where
from cli.commands import SECTIONS, loaded
from cli.permissions import POLICIES
from cli.problems import EXIT_STATUSES

INTRODUCTION: Final = """# The `belay` command

<!-- Written by `python -m cli.reference`; change the commands, not this page. -->

Run `./belay COMMAND --help` in a checkout, or install `belay` with `pip install .`. Commands that call AWS find
everything in the outputs of Belay's CloudFormation stack, and work with the embedded engine as with an account.

`eval "$(_BELAY_COMPLETE=bash_source belay)"` in bash's start-up file completes commands, options and their values;
zsh and fish have the same with `zsh_source` and `fish_source`.

## Account, region and stack

Every command that calls AWS has these options; for the rest, the default credential chain applies. What `--output json`
prints has a JSON Schema for each command. Later versions may add names and values, so do not refuse what is unknown;
names do not go or change their type before the next major version.

| option | meaning |
| --- | --- |
{where}

## Exit status

| status | meaning |
| --- | --- |
{statuses}

With `--wait` the status is 0 if what was begun ends as the command's help says, and 1 otherwise. `--until approval`
also ends with 0 as soon as an answer is waited for: `waits_for` in the JSON tells the two apart. `status --watch` ends
with 0. Where there is no terminal, as in a pipeline, `--wait` and `--watch` write a line for everything that happens,
and, after a minute without news, one that says what is still in progress.

`belay validate` has its own: 0 no violation, 1 a violation, 2 only undecided findings, 3 something could not be read.

## Permissions

The stack creates five managed policies, whose ARNs are in its outputs:

| policy | allows |
| --- | --- |
{policies}

`--wait` and `--until` look at what is in progress, as `status` does, and also need the `ReaderPolicy`.

What a person does in the console needs the policy of the command that does the same. Who registers applications is up
to you: `register` reads Belay's stack, the ledger and the artifact bucket, describes the stack of `--outputs-of`, and
needs `ssm:PutParameter` for `/belay/applications/*` and `s3:PutObject` for `registrations/*` in the artifact bucket;
`init --from-stack` describes a stack, lists its resources, and reads its template and those of its nested stacks.
An error names the action that is not allowed.
"""

_WHERE: Final = {each.name for each in fields(Where)} | {"output"}
"""The parameters of every command that calls AWS."""


def page() -> str:
    """Return the page."""
    statuses = "\n".join(f"| {status} | {means} |" for status, means in EXIT_STATUSES.items())
    where = "\n".join(_rows(loaded(("status",)), where=True))
    lines = [INTRODUCTION.format(where=where, statuses=statuses, policies="\n".join(_policies()))]
    for purpose, commands in SECTIONS.items():
        lines += [f"## {purpose}", ""]
        for words in commands:
            command = loaded(words)
            lines += [f"### belay {' '.join(words)}", "", cleandoc(command.help or ""), ""]
            rows = _rows(command, where=False)
            if rows:
                lines += ["| argument | meaning |", "| --- | --- |", *rows, ""]
            if any(each.name == "output" and isinstance(each.type, click.Choice) for each in command.params):
                lines += [f"[What `--output json` prints](command-output/{'-'.join(words)}.schema.json)", ""]
    return "\n".join(lines).rstrip() + "\n"


def _policies() -> Iterator[str]:
    for policy, commands in POLICIES.items():
        also = ", in addition" if policy == "OperatorPolicy" else ""
        yield f"| `{policy}`{also} | {', '.join(f'`{each}`' for each in commands)} |"


def _rows(command: click.Command, *, where: bool) -> list[str]:
    """Return a row for each of a command's own arguments, or of those that say where Belay is deployed."""
    calls_aws = any(each.name == "stack" for each in command.params)
    told = [each for each in command.params if (calls_aws and each.name in _WHERE) is where]
    records = [each.get_help_record(click.Context(command)) for each in told]
    return [f"| `{_cell(written)}` | {_cell(text)} |" for written, text in filter(None, records)]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
