"""Liquibase's change types as the SQL that Liquibase sends for them.

Each type knows the attributes and elements that it understands; anything else in it makes the change not understood.

Source: https://docs.liquibase.com/change-types/home.html
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from belay.sql.changes import MYSQL, Engine
from belay.sql.liquibase.elements import Element
from belay.sql.liquibase.names import column_type, quoted

_PLACES: Final = frozenset({"catalogName", "schemaName", "tablespace", "remarks", "cascadeConstraints", "cascade"})
_VALUES: Final = ("value", "valueNumeric", "valueBoolean", "valueDate", "valueComputed", "valueSequenceNext")
_DEFAULTS: Final = tuple(f"default{each[0].upper()}{each[1:]}" for each in _VALUES)


class NotTranslated(Exception):  # noqa: N818 - it never leaves the reading of changelogs
    """A change that cannot be reliably translated to SQL; the message says why."""


@dataclass(frozen=True, slots=True)
class Context:
    """The engine, and whether a condition lets a change skip what already exists or no longer exists."""

    engine: Engine
    if_not_exists: bool = False
    if_exists: bool = False
    as_written: bool = False

    def quoted(self, name: str) -> str:
        """Return a name in quotes."""
        return quoted(name, self.engine, as_written=self.as_written)

    def qualified(self, schema: str, name: str) -> str:
        """Return a name with its schema in front, if it has one; a name may hold its schema itself."""
        if not schema and "." in name:
            schema, _, name = name.partition(".")
        return f"{self.quoted(schema)}.{self.quoted(name)}" if schema else self.quoted(name)

    def name(self, element: Element, attribute: str, schema: str = "schemaName") -> str:
        """Return the name in a required attribute, with its schema."""
        return self.qualified(element.get(schema), _required(element, attribute))

    def column(self, element: Element, attribute: str) -> str:
        """Return the name in a required attribute."""
        return self.quoted(_required(element, attribute))

    def columns(self, text: str) -> str:
        """Return a list of columns separated by commas."""
        return ", ".join(self.quoted(each.strip()) for each in text.split(",") if each.strip())


Translator = Callable[[Element, Context], Iterable[str]]


def translate(element: Element, context: Context) -> list[str]:
    """Return the statements of a change. Raises :class:`NotTranslated`."""
    translator = _TRANSLATORS.get(element.name)
    if translator is None:
        raise NotTranslated(f"{element.name} is not read")
    function, known, inside = translator
    _check(element, known, inside)
    return list(function(element, context))


def _check(element: Element, known: Iterable[str], inside: Iterable[str] = ()) -> None:
    unknown = element.attributes.keys() - set(known) - _PLACES
    others = {each.name for each in element.children} - set(inside) - set(known)
    if unknown or others:
        raise NotTranslated(f"{element.name} has {', '.join(sorted(unknown | others))}, which is not read")


def _required(element: Element, attribute: str) -> str:
    value = element.get(attribute)
    if not value:
        raise NotTranslated(f"{element.name} has no {attribute}")
    return value


def _true(element: Element, attribute: str, default: bool = False) -> bool:
    value = element.get(attribute).lower()
    if value not in {"", "true", "false"}:
        raise NotTranslated(f"{element.name} has {attribute}={value}, expected true or false")
    return value == "true" if value else default


def _columns(element: Element) -> list[Element]:
    """The columns in an element, directly or in a list of them."""
    lists = list(element.named("columns"))
    for each in lists:
        _check(each, (), ("column",))
    found = [*element.named("column"), *(column for each in lists for column in each.named("column"))]
    found = [inner for each in found for inner in (each.named("column") if _is_list(each) else (each,))]
    if not found:
        raise NotTranslated(f"{element.name} has no column")
    return found


def _is_list(column: Element) -> bool:
    """Whether it is a list of columns under the name of one, as JSON and YAML changelogs allow."""
    return not column.attributes and any(column.named("column"))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _value(element: Element, names: tuple[str, ...], engine: Engine) -> str | None:
    """A value as SQL, by its attribute; None if there is none."""
    text, number, boolean, date, computed, sequence = names
    if text in element.attributes:
        value = element.attributes[text]
        escaped = value.replace("\\", "\\\\") if engine in MYSQL else value
        return _literal(escaped)
    if element.get(boolean):
        true = _true(element, boolean)
        return str(true).upper() if engine in (Engine.POSTGRESQL, *MYSQL) else str(int(true))
    if element.get(date):
        value = element.get(date)
        return f"'{value}'" if value[:1].isdigit() and "'" not in value else value
    if element.get(sequence):
        raise NotTranslated(f"{element.name} has {sequence}, which is not read")
    return element.get(number) or element.get(computed) or None


_COLUMN: Final = (
    *("name", "type", "autoIncrement", "startWith", "incrementBy", "generationType", "remarks", "position"),
    *("afterColumn", "beforeColumn", "defaultOnNull", "defaultValueConstraintName"),
    *_DEFAULTS,
    *_VALUES,
)
_CONSTRAINTS: Final = (
    *("nullable", "notNullConstraintName", "primaryKey", "primaryKeyName", "primaryKeyTablespace", "unique"),
    *("uniqueConstraintName", "references", "referencedTableName", "referencedColumnNames", "foreignKeyName"),
    *("deleteCascade", "deferrable", "initiallyDeferred", "checkConstraint", "referencedTableSchemaName"),
    *("referencedTableCatalogName", "validateNullable", "validateUnique", "validatePrimaryKey", "validateForeignKey"),
)


def _definition(column: Element, context: Context, *, key: bool) -> str:
    """A column as declared; ``key`` allows a primary key on it."""
    engine = context.engine
    _check(column, _COLUMN, ("constraints",))
    parts = [context.column(column, "name"), _type(column, "type", engine)]
    if _true(column, "autoIncrement"):
        parts.append(_identity(engine))
    default = _value(column, _DEFAULTS, engine)
    if default is not None:
        parts.append(f"DEFAULT {default}")
    for constraints in column.named("constraints"):
        _check(constraints, _CONSTRAINTS)
        parts += _constraints(constraints, context, key=key)
    return " ".join(parts)


def _constraints(element: Element, context: Context, *, key: bool) -> Iterator[str]:
    primary = _true(element, "primaryKey")
    if primary or not _true(element, "nullable", default=True):
        yield "NOT NULL"
    if primary and key:
        yield _named(element, "primaryKeyName", context) + "PRIMARY KEY"
    if _true(element, "unique"):
        yield _named(element, "uniqueConstraintName", context) + "UNIQUE"
    if check := element.get("checkConstraint"):
        yield f"CHECK ({check})"
    if references := _references(element, context):
        yield _named(element, "foreignKeyName", context) + references


def _named(element: Element, attribute: str, context: Context) -> str:
    # MySQL accepts no name for a constraint on a column, except for a check.
    return "" if context.engine in MYSQL else _constraint(element.get(attribute), context)


def _constraint(name: str, context: Context) -> str:
    return f"CONSTRAINT {context.quoted(name)} " if name else ""


def _references(element: Element, context: Context) -> str:
    written = element.get("references")
    table, _, columns = written.partition("(")
    table = element.get("referencedTableName") or table.strip()
    columns = element.get("referencedColumnNames") or columns.rstrip(") ")
    if not table:
        return ""
    if not columns:
        raise NotTranslated(f"{element.name} refers to {table} without its columns")
    target = context.qualified(element.get("referencedTableSchemaName"), table)
    cascade = " ON DELETE CASCADE" if _true(element, "deleteCascade") else ""
    return f"REFERENCES {target} ({context.columns(columns)}){cascade}"


def _type(element: Element, attribute: str, engine: Engine) -> str:
    written = _required(element, attribute)
    try:
        return column_type(written, engine)
    except ValueError as error:
        raise NotTranslated(f"{element.name} has the type {written}, which is not read") from error


def _identity(engine: Engine) -> str:
    if engine in MYSQL:
        return "AUTO_INCREMENT"
    return "IDENTITY (1, 1)" if engine is Engine.SQLSERVER else "GENERATED BY DEFAULT AS IDENTITY"


def _create_table(element: Element, context: Context) -> Iterator[str]:
    columns = _columns(element)
    keys = {
        context.column(column, "name"): constraints.get("primaryKeyName")
        for column in columns
        for constraints in column.named("constraints")
        if _true(constraints, "primaryKey")
    }
    parts = [_definition(each, context, key=False) for each in columns]
    if keys:
        name = next(filter(None, keys.values()), "")
        parts.append(f"{_constraint(name, context)}PRIMARY KEY ({', '.join(keys)})")
    exists = "IF NOT EXISTS " if _true(element, "ifNotExists") or context.if_not_exists else ""
    yield f"CREATE TABLE {exists}{context.name(element, 'tableName')} ({', '.join(parts)})"


def _add_column(element: Element, context: Context) -> Iterator[str]:
    table = context.name(element, "tableName")
    word = "ADD" if context.engine in {Engine.ORACLE, Engine.SQLSERVER} else "ADD COLUMN"
    exists = " IF NOT EXISTS" if context.if_not_exists and context.engine in _KNOW_IF_EXISTS else ""
    for column in _columns(element):
        yield f"ALTER TABLE {table} {word}{exists} {_definition(column, context, key=True)}"
        value = _value(column, _VALUES, context.engine)
        if value is not None:
            yield f"UPDATE {table} SET {context.column(column, 'name')} = {value}"


_KNOW_IF_EXISTS: Final = frozenset({Engine.POSTGRESQL, Engine.MARIADB})
"""Engines with ``IF [NOT] EXISTS`` for columns and indexes."""


def _exists(context: Context, *, everywhere: bool = False) -> str:
    return "IF EXISTS " if context.if_exists and (everywhere or context.engine in _KNOW_IF_EXISTS) else ""


def _drop_table(element: Element, context: Context) -> Iterator[str]:
    cascade = " CASCADE" if _true(element, "cascadeConstraints") else ""
    if cascade and context.engine is Engine.ORACLE:
        cascade = " CASCADE CONSTRAINTS"
    yield f"DROP TABLE {_exists(context, everywhere=True)}{context.name(element, 'tableName')}{cascade}"


def _drop_column(element: Element, context: Context) -> Iterator[str]:
    inside = [each for one in (element, *element.named("columns")) for each in one.named("column")]
    names = [context.column(each, "name") for each in inside] or [context.column(element, "columnName")]
    for name in names:
        yield f"ALTER TABLE {context.name(element, 'tableName')} DROP COLUMN {_exists(context)}{name}"


def _rename_table(element: Element, context: Context) -> Iterator[str]:
    old, new = context.name(element, "oldTableName"), context.column(element, "newTableName")
    if context.engine is Engine.SQLSERVER:
        yield _sp_rename(_plain(element, "oldTableName"), element.get("newTableName"))
    elif context.engine is Engine.DB2:
        yield f"RENAME TABLE {old} TO {new}"
    else:
        yield f"ALTER TABLE {old} RENAME TO {new}"


def _rename_column(element: Element, context: Context) -> Iterator[str]:
    table = context.name(element, "tableName")
    old, new = context.column(element, "oldColumnName"), context.column(element, "newColumnName")
    if context.engine is Engine.SQLSERVER:
        written = f"{_plain(element, 'tableName')}.{element.get('oldColumnName')}"
        yield _sp_rename(written, element.get("newColumnName"), "COLUMN")
    else:
        yield f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}"


def _plain(element: Element, attribute: str) -> str:
    schema = element.get("schemaName")
    return f"{schema}.{_required(element, attribute)}" if schema else _required(element, attribute)


def _sp_rename(old: str, new: str, kind: str = "") -> str:
    return "EXEC sp_rename " + ", ".join(_literal(each) for each in (old, new, kind) if each)


def _alter_column(element: Element, context: Context, change: str, *, type_: str = "") -> str:
    """ALTER TABLE for one column: ``change`` is PostgreSQL's form, from which the others are derived."""
    table, column = context.name(element, "tableName"), context.column(element, "columnName")
    nullable = {"SET NOT NULL": " NOT NULL", "DROP NOT NULL": " NULL"}.get(change, "")
    if context.engine in {Engine.POSTGRESQL, Engine.DB2}:
        word = "SET DATA TYPE" if context.engine is Engine.DB2 else "TYPE"
        return f"ALTER TABLE {table} ALTER COLUMN {column} {f'{word} {type_}' if change == 'TYPE' else change}"
    if context.engine is Engine.ORACLE:
        return f"ALTER TABLE {table} MODIFY {column} {type_ if change == 'TYPE' else nullable.strip()}"
    if not type_:
        raise NotTranslated(f"{element.name} has no columnDataType")
    word = "ALTER COLUMN" if context.engine is Engine.SQLSERVER else "MODIFY"
    return f"ALTER TABLE {table} {word} {column} {type_}{nullable}"


def _modify_data_type(element: Element, context: Context) -> Iterator[str]:
    yield _alter_column(element, context, "TYPE", type_=_type(element, "newDataType", context.engine))


def _nullability(change: str) -> Translator:
    def statements(element: Element, context: Context) -> Iterator[str]:
        table, column = context.name(element, "tableName"), context.column(element, "columnName")
        if value := element.get("defaultNullValue"):
            literal = value if value.isdigit() else _literal(value)
            yield f"UPDATE {table} SET {column} = {literal} WHERE {column} IS NULL"
        type_ = _type(element, "columnDataType", context.engine) if element.get("columnDataType") else ""
        yield _alter_column(element, context, change, type_=type_)

    return statements


def _default(element: Element, context: Context) -> Iterator[str]:
    table, column = context.name(element, "tableName"), context.column(element, "columnName")
    dropped = element.name == "dropDefaultValue"
    value = None if dropped else _value(element, _DEFAULTS, context.engine)
    if not dropped and value is None:
        raise NotTranslated(f"{element.name} has no value")
    if context.engine is Engine.ORACLE:
        yield f"ALTER TABLE {table} MODIFY {column} DEFAULT {value or 'NULL'}"
    elif context.engine is Engine.SQLSERVER:
        if dropped:
            raise NotTranslated("dropDefaultValue looks up the constraint's name in SQL Server")
        yield f"ALTER TABLE {table} ADD DEFAULT {value} FOR {column}"
    else:
        change = f"SET DEFAULT {value}" if value is not None else "DROP DEFAULT"
        yield f"ALTER TABLE {table} ALTER COLUMN {column} {change}"


def _add_auto_increment(element: Element, context: Context) -> Iterator[str]:
    table, column = context.name(element, "tableName"), context.column(element, "columnName")
    if context.engine is Engine.POSTGRESQL:
        yield f"ALTER TABLE {table} ALTER COLUMN {column} ADD {_identity(context.engine)}"
    elif context.engine in MYSQL:
        yield f"ALTER TABLE {table} MODIFY {column} {_type(element, 'columnDataType', context.engine)} AUTO_INCREMENT"
    else:
        raise NotTranslated("addAutoIncrement is read for PostgreSQL and MySQL alone")


def _add_key(word: str) -> Translator:
    def statements(element: Element, context: Context) -> Iterator[str]:
        constraint = _constraint(element.get("constraintName"), context)
        table, columns = context.name(element, "tableName"), context.columns(_required(element, "columnNames"))
        yield f"ALTER TABLE {table} ADD {constraint}{word} ({columns})"

    return statements


def _add_foreign_key(element: Element, context: Context) -> Iterator[str]:
    constraint = _constraint(element.get("constraintName"), context)
    table = context.name(element, "baseTableName", "baseTableSchemaName")
    target = context.name(element, "referencedTableName", "referencedTableSchemaName")
    columns = context.columns(_required(element, "baseColumnNames"))
    referenced = context.columns(_required(element, "referencedColumnNames"))
    cascade = " ON DELETE CASCADE" if _true(element, "deleteCascade") and not element.get("onDelete") else ""
    actions = cascade + "".join(
        f" ON {verb} {element.get(attribute).upper()}"
        for verb, attribute in (("DELETE", "onDelete"), ("UPDATE", "onUpdate"))
        if element.get(attribute)
    )
    deferred = " DEFERRABLE" if _true(element, "deferrable") else ""
    deferred += " INITIALLY DEFERRED" if _true(element, "initiallyDeferred") else ""
    reference = f"REFERENCES {target} ({referenced}){actions}{deferred}"
    yield f"ALTER TABLE {table} ADD {constraint}FOREIGN KEY ({columns}) {reference}"


def _drop_constraint(mysql: str, table: str = "tableName", schema: str = "schemaName") -> Translator:
    def statements(element: Element, context: Context) -> Iterator[str]:
        start = f"ALTER TABLE {context.name(element, table, schema)} DROP"
        if context.engine in MYSQL:
            name = "" if mysql == "PRIMARY KEY" else f" {context.column(element, 'constraintName')}"
            yield f"{start} {mysql}{name}"
        elif element.name == "dropPrimaryKey" and context.engine in {Engine.DB2, Engine.ORACLE}:
            yield f"{start} PRIMARY KEY"
        else:
            yield f"{start} CONSTRAINT {_exists(context)}{context.column(element, 'constraintName')}"

    return statements


def _create_index(element: Element, context: Context) -> Iterator[str]:
    columns = []
    for column in _columns(element):
        _check(column, ("name", "descending", "computed", "type", "remarks", *_DEFAULTS))
        name = f"({column.get('name')})" if _true(column, "computed") else context.column(column, "name")
        columns.append(f"{name} DESC" if _true(column, "descending") else name)
    unique = "UNIQUE " if _true(element, "unique") else ""
    exists = "IF NOT EXISTS " if context.if_not_exists and context.engine in _KNOW_IF_EXISTS else ""
    name = context.quoted(element.get("indexName")) + " " if element.get("indexName") else ""
    yield f"CREATE {unique}INDEX {exists}{name}ON {context.name(element, 'tableName')} ({', '.join(columns)})"


def _drop_index(element: Element, context: Context) -> Iterator[str]:
    exists = _exists(context)
    if context.engine in (*MYSQL, Engine.SQLSERVER):
        yield f"DROP INDEX {exists}{context.column(element, 'indexName')} ON {context.name(element, 'tableName')}"
    else:
        yield f"DROP INDEX {exists}{context.name(element, 'indexName')}"


def _create_view(element: Element, context: Context) -> Iterator[str]:
    query = (element.get("selectQuery") or element.text.text).strip().rstrip(";")
    if not query:
        raise NotTranslated("createView has no query")
    if _true(element, "fullDefinition"):
        yield query
        return
    replaced = "OR ALTER " if context.engine is Engine.SQLSERVER else "OR REPLACE "
    replaced = replaced if _true(element, "replaceIfExists") else ""
    yield f"CREATE {replaced}VIEW {context.name(element, 'viewName')} AS {query}"


def _drop_object(kind: str, attribute: str) -> Translator:
    def statements(element: Element, context: Context) -> Iterator[str]:
        exists = "IF EXISTS " if _true(element, "ifExists") else _exists(context, everywhere=True)
        yield f"DROP {kind} {exists}{context.name(element, attribute)}"

    return statements


def _sequence(element: Element, context: Context) -> Iterator[str]:
    verb = "ALTER" if element.name == "alterSequence" else "CREATE"
    words = {"startValue": "START WITH", "incrementBy": "INCREMENT BY", "minValue": "MINVALUE", "maxValue": "MAXVALUE"}
    options = [f"{word} {element.get(name)}" for name, word in words.items() if element.get(name)]
    yield " ".join([f"{verb} SEQUENCE {context.name(element, 'sequenceName')}", *options])


def _insert(element: Element, context: Context) -> Iterator[str]:
    columns = _values(element)
    names = ", ".join(context.column(each, "name") for each in columns)
    values = ", ".join(_stored(each, context) for each in columns)
    yield f"INSERT INTO {context.name(element, 'tableName')} ({names}) VALUES ({values})"


def _values(element: Element) -> list[Element]:
    columns = _columns(element)
    for column in columns:
        _check(column, ("name", "type", *_VALUES))
    return columns


def _stored(column: Element, context: Context) -> str:
    value, text = _value(column, _VALUES, context.engine), column.text.text.strip()
    if value is None and text:
        return _literal(text)
    return "NULL" if value is None else value


def _update(element: Element, context: Context) -> Iterator[str]:
    columns = _values(element)
    values = ", ".join(f"{context.column(each, 'name')} = {_stored(each, context)}" for each in columns)
    yield f"UPDATE {context.name(element, 'tableName')} SET {values}{_where(element)}"


def _delete(element: Element, context: Context) -> Iterator[str]:
    yield f"DELETE FROM {context.name(element, 'tableName')}{_where(element)}"


def _where(element: Element) -> str:
    where = element.get("where")
    return f" WHERE {where}" if where else ""


def _nothing(element: Element, context: Context) -> Iterator[str]:
    return iter(())


_KEY: Final = ("tableName", "columnNames", "constraintName", "validate", "clustered", "forIndexName", "disabled")
_NULL: Final = ("tableName", "columnName", "columnDataType", "defaultNullValue", "constraintName", "validate")
_SEQUENCE: Final = ("sequenceName", "incrementBy", "minValue", "maxValue", "cacheSize", "ordered")
_TRANSLATORS: Final[dict[str, tuple[Translator, tuple[str, ...], tuple[str, ...]]]] = {
    "createTable": (_create_table, ("tableName", "ifNotExists"), ("column", "columns")),
    "addColumn": (_add_column, ("tableName", "afterColumn", "beforeColumn", "position"), ("column", "columns")),
    "dropTable": (_drop_table, ("tableName",), ()),
    "dropColumn": (_drop_column, ("tableName", "columnName"), ("column", "columns")),
    "renameTable": (_rename_table, ("oldTableName", "newTableName"), ()),
    "renameColumn": (_rename_column, ("tableName", "oldColumnName", "newColumnName", "columnDataType"), ()),
    "modifyDataType": (_modify_data_type, ("tableName", "columnName", "newDataType"), ()),
    "addNotNullConstraint": (_nullability("SET NOT NULL"), _NULL, ()),
    "dropNotNullConstraint": (_nullability("DROP NOT NULL"), _NULL, ()),
    "addDefaultValue": (
        _default,
        ("tableName", "columnName", "columnDataType", "defaultValueConstraintName", *_DEFAULTS),
        (),
    ),
    "dropDefaultValue": (_default, ("tableName", "columnName", "columnDataType"), ()),
    "addAutoIncrement": (
        _add_auto_increment,
        ("tableName", "columnName", "columnDataType", "startWith", "incrementBy", "generationType", "defaultOnNull"),
        (),
    ),
    "addPrimaryKey": (_add_key("PRIMARY KEY"), _KEY, ()),
    "dropPrimaryKey": (_drop_constraint("PRIMARY KEY"), ("tableName", "constraintName"), ()),
    "addUniqueConstraint": (_add_key("UNIQUE"), _KEY, ()),
    "dropUniqueConstraint": (_drop_constraint("KEY"), ("tableName", "constraintName", "uniqueColumns"), ()),
    "addForeignKeyConstraint": (
        _add_foreign_key,
        (
            *("baseTableName", "baseTableSchemaName", "baseTableCatalogName", "baseColumnNames", "referencedTableName"),
            *("referencedTableSchemaName", "referencedTableCatalogName", "referencedColumnNames", "constraintName"),
            *("onDelete", "onUpdate", "deleteCascade", "deferrable", "initiallyDeferred", "validate"),
            "referencesUniqueColumn",
        ),
        (),
    ),
    "dropForeignKeyConstraint": (
        _drop_constraint("FOREIGN KEY", "baseTableName", "baseTableSchemaName"),
        ("baseTableName", "baseTableSchemaName", "baseTableCatalogName", "constraintName"),
        (),
    ),
    "createIndex": (_create_index, ("indexName", "tableName", "unique", "associatedWith"), ("column", "columns")),
    "dropIndex": (_drop_index, ("indexName", "tableName", "associatedWith"), ()),
    "createView": (_create_view, ("viewName", "selectQuery", "replaceIfExists", "fullDefinition", "encoding"), ()),
    "dropView": (_drop_object("VIEW", "viewName"), ("viewName", "ifExists"), ()),
    "createSequence": (_sequence, (*_SEQUENCE, "startValue", "cycle", "dataType"), ()),
    "alterSequence": (_sequence, _SEQUENCE, ()),
    "dropSequence": (_drop_object("SEQUENCE", "sequenceName"), ("sequenceName",), ()),
    "dropProcedure": (_drop_object("PROCEDURE", "procedureName"), ("procedureName",), ()),
    "insert": (_insert, ("tableName",), ("column", "columns")),
    "update": (_update, ("tableName", "where"), ("column", "columns")),
    "delete": (_delete, ("tableName", "where"), ()),
    "empty": (_nothing, (), ()),
    "tagDatabase": (_nothing, ("tag", "keepTagOnRollback"), ()),
    "output": (_nothing, ("target", "message"), ()),
    "setTableRemarks": (_nothing, ("tableName", "remarks"), ()),
    "setColumnRemarks": (_nothing, ("tableName", "columnName", "remarks", "columnDataType"), ()),
}

_INVERSES: Final = {
    "createTable": "dropTable",
    "createIndex": "dropIndex",
    "createView": "dropView",
    "createSequence": "dropSequence",
    "addPrimaryKey": "dropPrimaryKey",
    "addUniqueConstraint": "dropUniqueConstraint",
    "addForeignKeyConstraint": "dropForeignKeyConstraint",
    "addNotNullConstraint": "dropNotNullConstraint",
    "dropNotNullConstraint": "addNotNullConstraint",
    "addDefaultValue": "dropDefaultValue",
    "addColumn": "dropColumn",
}
_SWAPPED: Final = {
    "renameTable": ("oldTableName", "newTableName"),
    "renameColumn": ("oldColumnName", "newColumnName"),
}
_NOTHING_TO_UNDO: Final = frozenset({"empty", "tagDatabase", "output", "setTableRemarks", "setColumnRemarks"})


def inverse(element: Element) -> Element | None:
    """Return the change with which Liquibase itself undoes another; None if it has none."""
    if element.name in _NOTHING_TO_UNDO:
        return element
    if element.name in _SWAPPED:
        one, other = _SWAPPED[element.name]
        swapped = {one: element.get(other), other: element.get(one)}
        return replace(element, attributes={**element.attributes, **swapped})
    name = _INVERSES.get(element.name)
    if name is None:
        return None
    known = set(_TRANSLATORS[name][1]) | {"schemaName", "catalogName"}
    attributes = {key: value for key, value in element.attributes.items() if key in known and key != "defaultNullValue"}
    columns = _columns(element) if name == "dropColumn" else []
    children = tuple(replace(each, attributes={"name": each.get("name")}, children=()) for each in columns)
    return replace(element, name=name, attributes=attributes, children=children)
