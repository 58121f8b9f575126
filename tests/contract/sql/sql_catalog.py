"""A PostgreSQL server's catalogs and a model in one form, for comparison."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pg8000.native

from belay.sql.model import Model, ModelTable
from belay.sql.operations import ColumnDefinition, ConstraintKind, IndexDefinition, SqlType

_TABLES = """
SELECT n.nspname, c.relname, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
"""
_COLUMNS = """
SELECT attrelid, attname, format_type(atttypid, atttypmod),
  attnotnull AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conrelid = attrelid AND contype = 'n'
                             AND conkey = ARRAY[attnum] AND NOT convalidated),
  attidentity <> '' OR
  coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false), attgenerated = 's',
  coalesce(attgenerated = '' AND pg_get_expr(d.adbin, d.adrelid) NOT LIKE 'NULL::%', false)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE attnum > 0 AND NOT attisdropped
"""
_CONSTRAINTS = """
SELECT conrelid, conname, contype, convalidated, confrelid,
  ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY k (n, o)
        JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.n ORDER BY o)
FROM pg_constraint WHERE contype IN ('p', 'u', 'f', 'c', 'x') AND conrelid <> 0
"""
_INDEXES = """
SELECT indrelid, i.relname, indisunique, am.amname, indnkeyatts, indpred IS NOT NULL,
  ARRAY(SELECT coalesce(attname::text, '()') FROM unnest(indkey::int2[]) WITH ORDINALITY k (n, o)
        LEFT JOIN pg_attribute a ON a.attrelid = indrelid AND a.attnum = k.n ORDER BY o)
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am am ON am.oid = i.relam
"""
_ENUMS = """
SELECT n.nspname, t.typname, array_agg(e.enumlabel::text ORDER BY enumsortorder)
FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace GROUP BY 1, 2
"""
_KINDS = {
    "p": ConstraintKind.PRIMARY_KEY,
    "u": ConstraintKind.UNIQUE,
    "f": ConstraintKind.FOREIGN_KEY,
    "c": ConstraintKind.CHECK,
    "x": ConstraintKind.EXCLUDE,
}
_FORMATTED = {
    "varchar": "character varying",
    "char": "character",
    "varbit": "bit varying",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
}

Column = tuple[str, bool, bool, bool, bool]
"""Type, required, numbered, computed, with a default."""
Constraint = tuple[str, bool, str, tuple[str, ...]]
"""Kind, validated, table it refers to, columns in order."""
Index = tuple[bool, str, int, bool, tuple[str, ...]]
"""Unique, method, columns of its key, partial, columns in order."""


@dataclass
class Table:
    """A table in the common form."""

    columns: dict[str, Column] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)


def of_server(connection: pg8000.native.Connection) -> tuple[dict[str, Table], dict[str, tuple[str, ...]]]:
    """Tables and enumeration types of a server, by name."""
    names = {oid: _name(schema, table) for schema, table, oid in connection.run(_TABLES)}
    tables = {name: Table() for name in names.values()}
    for oid, name, type_, *rest in connection.run(_COLUMNS):
        if oid in names:
            tables[names[oid]].columns[name] = (_unqualified(type_), *rest)
    for oid, name, kind, validated, target, columns in connection.run(_CONSTRAINTS):
        if oid in names:
            tables[names[oid]].constraints[name] = (
                str(_KINDS[kind]),
                validated,
                names.get(target, ""),
                tuple(sorted(columns) if kind == "c" else columns),
            )
    for oid, name, unique, method, keys, partial, columns in connection.run(_INDEXES):
        if oid in names:
            tables[names[oid]].indexes[name] = (unique, method, keys, partial, tuple(columns))
    enums = {_name(schema, name): tuple(values) for schema, name, values in connection.run(_ENUMS)}
    return tables, enums


def of_model(model: Model) -> dict[str, Table]:
    """Tables that a model is sure about."""
    return {str(table.name): _table(table) for table in _lasting(model) if not table.unsure}


def _lasting(model: Model) -> list[ModelTable]:
    """The tables that are not temporary."""
    lasting = [table.hidden if table.temporary else table for table in model.tables.values()]
    return [table for table in lasting if table]


def differences(model: Model, connection: pg8000.native.Connection) -> list[str]:
    """Where a server differs from what a model is sure about; nothing if everything is unsure."""
    if model.unsure:
        return []
    tables, enums = of_server(connection)
    unsure = {str(table.name) for table in _lasting(model) if table.unsure}
    modelled = of_model(model)
    found = [f"table {name}: not in the model" for name in tables.keys() - modelled.keys() - unsure]
    found += [f"table {name}: not on the server" for name in modelled.keys() - tables.keys()]
    for name in modelled.keys() & tables.keys():
        for part in ("columns", "constraints", "indexes"):
            found += _compared(f"{name} {part}", getattr(modelled[name], part), getattr(tables[name], part))
    sure = {str(name): values for name, values in model.enums.items()}
    return found + [
        f"enum {name}: {values} in the model, {enums.get(name)} on the server"
        for name, values in sure.items()
        if values and enums.get(name) != values
    ]


def _compared(what: str, model: Mapping[str, object], server: Mapping[str, object]) -> list[str]:
    return [
        f"{what} {name}: {model.get(name)} in the model, {server.get(name)} on the server"
        for name in sorted(model.keys() | server.keys())
        if model.get(name) != server.get(name)
    ]


def _name(schema: str, name: str) -> str:
    return name if schema == "public" else f"{schema}.{name}"


def _unqualified(type_: str) -> str:
    return re.sub(r'"', "", type_)


def _table(table: ModelTable) -> Table:
    return Table(
        {name: _column(column) for name, column in table.columns.items()},
        {
            name: (
                str(kept.kind),
                kept.validated,
                str(kept.references or ""),
                tuple(sorted(kept.columns) if kept.kind is ConstraintKind.CHECK else kept.columns),
            )
            for name, kept in table.constraints.items()
            if kept.kind is not ConstraintKind.NOT_NULL
        },
        {name: _index(index, table) for name, index in table.indexes.items()},
    )


def _column(column: ColumnDefinition) -> Column:
    given = bool(column.default.text) and not column.generated and not column.virtual
    numbered = column.identity or "nextval(" in column.default.text.lower()
    return formatted(column.type), not column.nullable, numbered, column.generated, given


def _index(index: IndexDefinition, table: ModelTable) -> Index:
    entries = tuple(column if column in table.columns else "()" for column in (*index.columns, *index.included))
    return index.unique, index.method or "btree", len(entries) - len(index.included), bool(index.where), entries


def formatted(type_: SqlType) -> str:
    """A type as PostgreSQL's ``format_type`` has it."""
    name, array = type_.name.removesuffix("[]"), "[]" if type_.name.endswith("[]") else ""
    arguments = type_.arguments
    if name == "interval":
        return f"interval {' '.join(arguments)}".strip() + array
    if name in ("char", "bit") and not arguments:
        arguments = ("1",)
    if name == "numeric" and len(arguments) == 1:
        arguments = (arguments[0], "0")
    spelled = _FORMATTED.get(name, name)
    if not arguments:
        return spelled + array
    first, _, rest = spelled.partition(" ")
    if name.startswith("time"):
        return f"{first}({arguments[0]}) {rest}{array}"
    return f"{spelled}({','.join(arguments)}){array}"
