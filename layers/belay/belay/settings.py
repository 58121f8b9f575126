"""A function's environment variables."""

import os
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from belay.errors import BelayError

Declared = TypeVar("Declared")


@dataclass(frozen=True)
class DefaultTopic:
    """Where messages about applications without their own topic are published."""

    notification_topic_arn: str


@dataclass(frozen=True)
class RollbackMachine:
    """The state machine that recovers incidents."""

    rollback_stage_machine_arn: str


class MissingSettings(BelayError):  # noqa: N818
    """Environment variables that a function needs are not set.

    Raised at the start of a handler with every missing name. The template is wrong: deploy one that sets them.
    """


def read(declared: type[Declared]) -> Declared:
    """Fill a frozen dataclass of ``str`` and ``int`` fields from the environment; ``ledger_table`` is LEDGER_TABLE.

    Raises ``MissingSettings`` naming every variable that is missing or not a number.
    """
    values: dict[str, Any] = {}
    problems = []
    for field in fields(declared):  # type: ignore[arg-type]
        text = os.environ.get(field.name.upper(), "")
        if not text:
            problems.append(f"{field.name.upper()} is not set")
        elif field.type is int and not text.isdigit():
            problems.append(f"{field.name.upper()} should be a whole number, found {text!r}")
        else:
            values[field.name] = int(text) if field.type is int else text
    if problems:
        raise MissingSettings("; ".join(problems))
    return declared(**values)
