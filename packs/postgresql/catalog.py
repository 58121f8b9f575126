"""What a database's catalog contains: its structure as Belay's model, its sizes, its queries, and its storage files."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from pg8000.native import DatabaseError

from belay.database.executor import LockTaken, QuerySeen, RowsTouched, TableSize
from belay.sql import operations as op
from belay.sql.model import Model, ModelTable
from packs.postgresql.record import SCHEMA
from packs.postgresql.session import DatabaseSession

MOST_QUERIES: Final = 300

_OURS: Final = f"n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', '{SCHEMA}')"

_COLUMNS: Final = f"""
    SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
           pg_get_expr(d.adbin, d.adrelid), a.attidentity <> '', a.attgenerated <> '',
           CASE WHEN a.attcollation <> t.typcollation THEN l.collname ELSE '' END,
           EXISTS (SELECT FROM pg_depend e JOIN pg_proc p ON p.oid = e.refobjid
                   WHERE e.objid = d.oid AND e.classid = 'pg_attrdef'::regclass
                   AND e.refclassid = 'pg_proc'::regclass AND p.provolatile = 'v'),
           pg_get_expr(d.adbin, d.adrelid) ~* '\\m(random|gen_random_uuid|clock_timestamp|timeofday|nextval|uuidv.)\\('
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND {_OURS}
    ORDER BY n.nspname, c.relname, a.attnum"""  # noqa: S608

_TABLES: Final = f"""
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND {_OURS} ORDER BY 1, 2"""  # noqa: S608

_CONSTRAINTS: Final = f"""
    SELECT n.nspname, c.relname, o.conname, o.contype::text, o.convalidated,
           ARRAY(SELECT a.attname::text FROM unnest(o.conkey) WITH ORDINALITY AS k (number, place)
                 JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.number ORDER BY k.place),
           f.nspname, r.relname,
           ARRAY(SELECT a.attname::text FROM unnest(o.confkey) WITH ORDINALITY AS k (number, place)
                 JOIN pg_attribute a ON a.attrelid = o.confrelid AND a.attnum = k.number ORDER BY k.place),
           pg_get_expr(o.conbin, o.conrelid)
    FROM pg_constraint o
    JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_class r ON r.oid = o.confrelid LEFT JOIN pg_namespace f ON f.oid = r.relnamespace
    WHERE c.relkind IN ('r', 'p') AND o.contype IN ('p', 'u', 'f', 'c', 'x') AND {_OURS} ORDER BY 1, 2, 3"""  # noqa: S608

_INDEXES: Final = f"""
    SELECT n.nspname, c.relname, x.relname,
           ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(1, i.indnkeyatts) k),
           ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(i.indnkeyatts + 1, i.indnatts) k),
           i.indisunique, m.amname, pg_get_expr(i.indpred, i.indrelid)
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
    WHERE c.relkind IN ('r', 'p') AND {_OURS} ORDER BY 1, 2, 3"""  # noqa: S608

_ENUMS: Final = f"""
    SELECT n.nspname, t.typname, array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
    FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE {_OURS} GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608

_OTHER_OBJECTS: Final = f"""
    SELECT 'view', n.nspname, c.relname, pg_get_viewdef(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND {_OURS}
    UNION ALL SELECT 'sequence', n.nspname, c.relname, format_type(s.seqtypid, NULL) || ' ' || s.seqincrement
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OURS}
    UNION ALL SELECT 'function', n.nspname, p.oid::regprocedure::text, md5(pg_get_functiondef(p.oid))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.prokind IN ('f', 'p') AND {_OURS}
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    UNION ALL SELECT 'trigger', n.nspname, c.relname, pg_get_triggerdef(t.oid)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND {_OURS}
    UNION ALL SELECT 'privileges', n.nspname, c.relname, c.relacl::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relacl IS NOT NULL AND {_OURS}
    UNION ALL SELECT 'schema', n.nspname, '', '' FROM pg_namespace n WHERE {_OURS}
    UNION ALL SELECT 'extension', '', e.extname, e.extversion FROM pg_extension e
    ORDER BY 1, 2, 3, 4"""  # noqa: S608

_KINDS: Final = {
    "p": op.ConstraintKind.PRIMARY_KEY,
    "u": op.ConstraintKind.UNIQUE,
    "f": op.ConstraintKind.FOREIGN_KEY,
    "c": op.ConstraintKind.CHECK,
    "x": op.ConstraintKind.EXCLUDE,
}

_SPELLING: Final = {
    "character varying": "varchar",
    "character": "char",
    "bpchar": "char",
    "bit varying": "varbit",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "time with time zone": "timetz",
}
"""The model's names of types that ``format_type`` spells differently."""
_TYPE: Final = re.compile(r"(?P<name>[^(]+?)(?:\((?P<arguments>[^)]*)\))?(?P<more>[^()\[]*)(?P<array>(?:\[\])*)")

_QUERY: Final = re.compile(r"\s*(?:select|insert|update|delete|merge|with|values)\b", re.IGNORECASE)


def model(session: DatabaseSession) -> Model:
    """Return the tables, columns, constraints, indexes and enumerations of every schema but the system's and
    Belay's.
    """
    columns: dict[op.Name, dict[str, op.ColumnDefinition]] = {
        op.Name(table, schema): {} for schema, table in session.rows(_TABLES)
    }
    for schema, table, *column in session.rows(_COLUMNS):
        columns[op.Name(table, schema)][column[0]] = _column(column)
    constraints: dict[op.Name, dict[str, op.ConstraintDefinition]] = {name: {} for name in columns}
    for schema, table, *constraint in session.rows(_CONSTRAINTS):
        constraints[op.Name(table, schema)][constraint[0]] = _constraint(constraint)
    indexes: dict[op.Name, dict[str, op.IndexDefinition]] = {name: {} for name in columns}
    for schema, table, index, on, included, unique, method, where in session.rows(_INDEXES):
        indexes[op.Name(table, schema)][index] = op.IndexDefinition(
            name=index, columns=tuple(on), unique=unique, included=tuple(included), method=method, where=where or ""
        )
    tables = {name: ModelTable(name, columns[name], constraints[name], indexes[name]) for name in columns}
    enums = {op.Name(enum, schema): tuple(values) for schema, enum, values in session.rows(_ENUMS)}
    return Model(tables, enums, complete=True)


def _column(row: list[Any]) -> op.ColumnDefinition:
    name, kind, nullable, default, identity, generated, collation, *volatile = row
    how = op.DefaultKind.VOLATILE if any(volatile) else op.DefaultKind.CONSTANT
    return op.ColumnDefinition(
        name=name,
        type=sql_type(kind),
        nullable=nullable,
        default=op.Default() if default is None or generated else op.Default(how, default),
        identity=identity,
        generated=generated,
        collation=collation or "",
    )


def _constraint(row: list[Any]) -> op.ConstraintDefinition:
    name, kind, validated, columns, other_schema, other, referenced, expression = row
    return op.ConstraintDefinition(
        kind=_KINDS[kind],
        name=name,
        columns=tuple(columns),
        references=op.Name(other, other_schema) if other else None,
        referenced_columns=tuple(referenced),
        expression=expression or "",
        validated=validated,
    )


def sql_type(text: str) -> op.SqlType:
    """Return a type in the model's spelling; ``format_type`` writes ``timestamp(3) without time zone[]``."""
    found = _TYPE.fullmatch(text)
    if found is None or text.startswith(("interval", '"')):
        return op.SqlType(text)
    name = f"{found['name']}{found['more']}".strip()
    arguments = tuple(each.strip() for each in found["arguments"].split(",")) if found["arguments"] else ()
    return op.SqlType(_SPELLING.get(name, name) + found["array"], arguments)


def structure(session: DatabaseSession) -> str:
    """Return the digest of a database's structure, ignoring the order of a table's columns."""
    parts: list[Any] = [sorted(session.rows(each), key=repr) for each in (_COLUMNS, _CONSTRAINTS, _INDEXES, _ENUMS)]
    return hashlib.sha256(json.dumps([*parts, session.rows(_OTHER_OBJECTS)], default=str).encode()).hexdigest()


def sizes(session: DatabaseSession) -> tuple[TableSize, ...]:
    """Return the size of every table: the rows that the last ANALYZE estimated, and the bytes with its indexes."""
    rows = session.rows(
        "SELECT format('%I.%I', n.nspname, c.relname), greatest(c.reltuples, 0)::bigint, pg_total_relation_size(c.oid)"  # noqa: S608
        f" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND {_OURS} ORDER BY 1"
    )
    return tuple(TableSize(*row) for row in rows)


def queries(session: DatabaseSession) -> tuple[QuerySeen, ...]:
    """Return the queries that took the most time, from pg_stat_statements if the database has it.

    They are normalized; one with a remaining quoted literal is skipped, and so is anything that is not a query.
    """
    found = session.rows(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
        " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = e.extname WHERE e.extname = 'pg_stat_statements'"
    )
    if not found:
        return ()
    try:
        rows = session.rows(
            f"SELECT query, sum(calls)::bigint, sum(total_exec_time) / greatest(sum(calls), 1) FROM {found[0][0]}"  # noqa: S608
            " WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query IS NOT NULL"
            " GROUP BY query ORDER BY sum(total_exec_time) DESC LIMIT 5000"
        )
    except DatabaseError:
        # It is installed, but not preloaded.
        return ()
    seen = [QuerySeen(query, calls, round(float(mean), 3)) for query, calls, mean in rows if is_plannable(query)]
    return tuple(seen[:MOST_QUERIES])


def is_plannable(query: str) -> bool:
    """Whether a text is one of the application's queries, with no literal in it."""
    return bool(_QUERY.match(query)) and "'" not in query and "pg_" not in query and f"{SCHEMA}.belay_" not in query


def stored(session: DatabaseSession) -> dict[int, tuple[str, int | None]]:
    """Return each table's name and its storage file; another file means that it was rewritten."""
    rows = session.rows(
        "SELECT c.oid, format('%I.%I', n.nspname, c.relname), pg_relation_filenode(c.oid) FROM pg_class c"  # noqa: S608
        f" JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm') AND {_OURS} ORDER BY 2"
    )
    return {table: (name, file) for table, name, file in rows}


def locks(session: DatabaseSession) -> tuple[LockTaken, ...]:
    """Return the locks that this transaction has on tables and other relations of the database's own."""
    rows = session.rows(
        "SELECT format('%I.%I', n.nspname, c.relname), l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"  # noqa: S608
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND {_OURS} ORDER BY 1, 2"
    )
    return tuple(LockTaken(*row) for row in rows)


def rows_touched(session: DatabaseSession) -> dict[str, RowsTouched]:
    """Return the rows that this session wrote and that are not counted elsewhere yet, by table."""
    rows = session.rows(
        "SELECT format('%I.%I', schemaname, relname), n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_xact_user_tables"  # noqa: S608
        f" WHERE schemaname <> '{SCHEMA}' AND n_tup_ins + n_tup_upd + n_tup_del > 0 ORDER BY 1"
    )
    return {table: RowsTouched(table, *counts) for table, *counts in rows}


def rows_since(before: Mapping[str, RowsTouched], after: Mapping[str, RowsTouched]) -> tuple[RowsTouched, ...]:
    """Return the rows that were written between two reads in one transaction."""
    found = []
    for table, now in after.items():
        was = before.get(table, RowsTouched(table))
        found.append(
            RowsTouched(table, now.inserted - was.inserted, now.updated - was.updated, now.deleted - was.deleted)
        )
    return tuple(each for each in found if each != RowsTouched(each.table))
