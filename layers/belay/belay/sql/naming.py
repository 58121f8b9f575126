"""The names that engines give to unnamed constraints and indexes.

PostgreSQL: ``ChooseConstraintName`` and ``ChooseIndexName`` in src/backend/catalog/pg_constraint.c and
src/backend/commands/indexcmds.c. MySQL: "CREATE TABLE Statement" and "FOREIGN KEY Constraints" in its manual.
"""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import islice

from belay.sql.changes import MYSQL, Engine
from belay.sql.operations import ConstraintDefinition, ConstraintKind, IndexDefinition

_SUFFIX = {
    ConstraintKind.PRIMARY_KEY: "pkey",
    ConstraintKind.UNIQUE: "key",
    ConstraintKind.FOREIGN_KEY: "fkey",
    ConstraintKind.CHECK: "check",
    ConstraintKind.EXCLUDE: "excl",
    ConstraintKind.NOT_NULL: "not_null",
}
_LIMIT = 63
_MOST_COLUMNS = 64
"""Of an index: more than PostgreSQL allows."""
_FEW = 8
"""Names that are tried before all taken ones are put into a set."""
_CALL = re.compile(r'"?([A-Za-z_][\w$]*)"?\s*\(')
_STRING = re.compile(r"'[^']*+(?:''[^']*+)*+'?+")
_NAME = re.compile(r'"[^"]*+"?+|`[^`]*+`?+|\[[^\]]*+\]?+|[^\W\d][\w$#]*+')
_COLUMN_CAST = re.compile(r"\(?\s*\(?([a-z_]\w*)\)?\s*::.*\)?")


def constraint_name(
    engine: Engine, table: str, constraint: ConstraintDefinition, taken: Collection[str], columns: Collection[str]
) -> str:
    """The name of a constraint without one. ``taken`` are names in use, ``columns`` the table's, for checks."""
    if constraint.kind is ConstraintKind.PRIMARY_KEY and engine in MYSQL:
        return "PRIMARY"
    if engine is Engine.POSTGRESQL:
        return _postgresql(table, constraint, taken, columns)
    if engine in MYSQL:
        return _mysql(table, constraint, taken)
    what = constraint.expression or ", ".join(constraint.columns)
    return f"({constraint.kind} {what})"


def _postgresql(table: str, constraint: ConstraintDefinition, taken: Collection[str], columns: Collection[str]) -> str:
    middle = "_".join(_index_columns((*constraint.columns, *constraint.included)))
    if constraint.kind is ConstraintKind.PRIMARY_KEY:
        middle = ""
    elif constraint.kind is ConstraintKind.CHECK and not constraint.columns:
        used = mentioned(constraint.expression, columns)
        middle = used[0] if len(used) == 1 else ""
    return _free(table, middle, _SUFFIX[constraint.kind], taken)


def _mysql(table: str, constraint: ConstraintDefinition, taken: Collection[str]) -> str:
    if constraint.kind is ConstraintKind.UNIQUE:
        return _mysql_index(constraint.columns, taken)
    infix = "_ibfk_" if constraint.kind is ConstraintKind.FOREIGN_KEY else "_chk_"
    used = [name[len(table + infix) :] for name in taken if name.startswith(table + infix)]
    return f"{table}{infix}{max((int(each) for each in used if each.isdigit()), default=0) + 1}"


def index_name(engine: Engine, table: str, index: IndexDefinition, taken: Collection[str]) -> str:
    """The name of an index without one."""
    if engine in MYSQL:
        return _mysql_index(index.columns, taken)
    if engine is Engine.POSTGRESQL:
        return _free(table, "_".join(_index_columns((*index.columns, *index.included))), "idx", taken)
    return f"(index {', '.join(index.columns)})"


def _mysql_index(columns: tuple[str, ...], taken: Collection[str]) -> str:
    first = columns[0] if columns and not columns[0].startswith("(") else "functional_index"
    name, number, names = first, 2, frozenset(taken)
    while name in names:
        name, number = f"{first}_{number}", number + 1
    return name


def _index_columns(columns: Iterable[str]) -> list[str]:
    """PostgreSQL's names of an index's columns: a function's, a cast column's, else ``expr``."""
    found: list[str] = []
    for column in islice(columns, _MOST_COLUMNS):
        name = column
        if column.startswith("(") or "(" in column:
            call, cast = _CALL.match(column.lstrip("( ")), _COLUMN_CAST.fullmatch(column)
            name = cast[1] if cast else call[1].lower() if call else "expr"
        chosen, number = name, 1
        while chosen in found:
            chosen, number = f"{name}{number}", number + 1
        found.append(chosen)
    return found


def _free(table: str, middle: str, suffix: str, taken: Collection[str]) -> str:
    name, number = _made(table, middle, suffix), 1
    while name in taken:
        name, number = _made(table, middle, f"{suffix}{number}"), number + 1
        if number == _FEW:
            taken = frozenset(taken)
    return name


def _made(table: str, middle: str, suffix: str) -> str:
    """PostgreSQL's ``makeObjectName``: the longer part is cut until all of it fits."""
    first, second = table.encode(), middle.encode()
    room = _LIMIT - len(suffix) - 1 - (1 if middle else 0)
    while len(first) + len(second) > room:
        if len(first) > len(second):
            first = first[:-1]
        else:
            second = second[:-1]
    parts = [part.decode(errors="ignore") for part in (first, second) if part]
    return "_".join([*parts, suffix])


def mentioned(expression: str, columns: Collection[str]) -> list[str]:
    """The columns named in an expression, outside its strings."""
    names = _names(expression)
    return [column for column in columns if column in names]


@lru_cache(maxsize=1_000)
def _names(expression: str) -> frozenset[str]:
    """The words and quoted names of an expression, as written and folded; each character is read once."""
    words = {word.strip('"`[]') for word in _NAME.findall(_STRING.sub("''", expression))}
    return frozenset({word.lower() for word in words} | {word.upper() for word in words} | words)
