"""Reading SQL Server's wrappers around statements: variables, ``BEGIN ... END``, and guards with ``IF``.

A guard that looks for the object that its statement creates or drops is that statement's IF EXISTS. Any other makes it
uncertain whether the statement runs, and it is not understood.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace

from belay.sql import operations as op
from belay.sql.column_types import column_type
from belay.sql.cursor import Cursor
from belay.sql.sessions import STARTERS
from belay.sql.tokens import NotReadable, TokenForm

Statement = Callable[[Cursor], tuple[op.Operation, ...]]

_ENDING = frozenset("ROLLBACK THROW RAISERROR PRINT RETURN IF SELECT DECLARE SET".split())
"""What a ``CATCH`` may do without side effects."""


def block(cursor: Cursor, statement: Statement) -> tuple[op.Operation, ...]:
    """``BEGIN ... END`` and ``BEGIN TRY ... END CATCH``, from after ``BEGIN``. Raises NotReadable."""
    attempt = cursor.take("TRY")
    found: list[op.Operation] = []
    while not cursor.next_is("END"):
        if cursor.done:
            raise cursor.unexpected("END")
        found += statement(cursor)
        while cursor.take(";"):
            pass
    cursor.expect("END")
    if attempt:
        cursor.expect("TRY")
        while cursor.take(";"):
            pass
        cursor.expect("BEGIN", "CATCH")
        _caught(cursor)
    return tuple(found)


def _caught(cursor: Cursor) -> None:
    depth = 0
    while depth or not cursor.next_is("END", "CATCH"):
        word = cursor.token.word
        if cursor.done or (word in STARTERS - _ENDING and word not in ("BEGIN", "END", "TRANSACTION")):
            raise NotReadable("a CATCH that does more than end", everything=True)
        depth += (word == "BEGIN") - (word == "END")
        cursor.at += 1
    cursor.expect("END", "CATCH")


def declare(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``DECLARE``, from after it. Raises NotReadable for anything but variables."""
    while True:
        if cursor.token.kind is not TokenForm.VARIABLE:
            raise cursor.unexpected("a variable")
        cursor.at += 1
        cursor.take("AS")
        if cursor.take("TABLE"):
            cursor.group()
        else:
            column_type(cursor)
        if cursor.take("="):
            cursor.skip_to(",", ";", *STARTERS)
        if not cursor.take(","):
            return (op.Harmless("declare"),)


def assignment(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``SET @variable = ...``, from after ``SET``: SQL Server's functions have no side effects."""
    cursor.at += 1
    cursor.skip_to(";", *STARTERS)
    return (op.Harmless("set"),)


def guarded(cursor: Cursor, statement: Statement) -> tuple[op.Operation, ...]:
    """``IF condition statement``, from after ``IF``. Raises NotReadable."""
    start = cursor.at
    cursor.skip_to(*STARTERS)
    condition = cursor.tokens[start : cursor.at]
    if cursor.at == start:
        raise cursor.unexpected("a condition")
    found = statement(cursor)
    while cursor.take(";"):
        pass
    if cursor.next_is("ELSE"):
        raise NotReadable("one thing or another", everything=True)
    said = {part.lower() for token in condition for part in _parts(token.value)}
    return tuple(_optional(operation, said) for operation in found)


def _parts(text: str) -> list[str]:
    bare = text.replace("[", "").replace("]", "").replace('"', "")
    return [bare, *bare.split(".")]


_IF_NOT_EXISTS = (op.CreateTable, op.AddColumn, op.CreateIndex)
_IF_EXISTS = (op.DropTable, op.DropColumn, op.DropConstraint, op.DropIndex, op.DropObject)
_EITHER_WAY = (op.Harmless, op.Setting, op.Grant, op.Transaction)


def _optional(operation: op.Operation, said: set[str]) -> op.Operation:
    """The operation, marked as only done if possible. Raises NotReadable if the guard is about another object."""
    if isinstance(operation, _EITHER_WAY):
        return operation
    if not _named(operation) & said:
        raise NotReadable("whether it is done depends on something else")
    if isinstance(operation, _IF_NOT_EXISTS):
        return replace(operation, if_not_exists=True)
    return replace(operation, if_exists=True) if isinstance(operation, _IF_EXISTS) else operation


def _named(operation: op.Operation) -> set[str]:
    """Every name in an operation."""
    found: set[str] = set()
    values: list[object] = [operation]
    while values:
        value = values.pop()
        if isinstance(value, op.Name):
            found.add(value.name.lower())
        elif is_dataclass(value) and not isinstance(value, type):
            values += [getattr(value, each.name) for each in fields(value)]
            named = getattr(value, "name", None) or getattr(value, "column", None) or getattr(value, "constraint", None)
            if isinstance(named, str):
                found.add(named.lower())
    return found
