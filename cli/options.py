"""What Click lacks for our commands: arguments with a help text, and options that a command gets as one object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import Any

import click

Body = Callable[..., int]
"""What a command does; it returns the exit status."""
Declaration = Callable[[Body], Body]
"""A decorator of ``click.option`` or ``click.argument``."""


class Argument(click.Argument):
    """An argument that ``--help`` explains as it does options."""

    def __init__(self, *names: Any, help: str, **attributes: Any) -> None:
        super().__init__(*names, **attributes)
        self.help = help

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """Return how it is written, and the text."""
        return " ".join(self.get_usage_pieces(ctx)), self.help


def argument(name: str, *, help: str, **attributes: Any) -> Declaration:
    """Declare an argument; ``attributes`` are Click's."""
    return click.argument(name, cls=Argument, help=help, **attributes)


def gathered(name: str, kind: type[Any], *declarations: Declaration) -> Declaration:
    """Declare options that a command is passed as one ``kind``, a dataclass with a field for each, under ``name``."""

    def declared(body: Body) -> Body:
        @wraps(body)
        def called(**values: Any) -> int:
            own = {each.name: values.pop(each.name) for each in fields(kind) if each.name in values}
            return body(**{name: kind(**own)}, **values)

        done: Body = called
        for each in reversed(declarations):
            done = each(done)
        return done

    return declared
