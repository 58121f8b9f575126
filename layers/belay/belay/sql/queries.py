"""Reading queries and row-writing statements, with sqlglot. Nothing else imports it, and only for such a statement.

Targets, conditions and calls are taken from the tree; a tree with anything in it that could do more is refused.
"""

import re
from collections.abc import Callable, Iterator
from itertools import accumulate, islice

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.simplify import simplify
from sqlglot.parser import logger

from belay.sql import operations as op
from belay.sql.changes import DEFAULT_SCHEMAS, Engine
from belay.sql.functions import changes_nothing
from belay.sql.tokens import NotReadable, Token, TokenForm, folded

DIALECTS = {
    Engine.POSTGRESQL: "postgres",
    Engine.MYSQL: "mysql",
    Engine.MARIADB: "mysql",
    Engine.ORACLE: "oracle",
    Engine.SQLSERVER: "tsql",
    Engine.DB2: "postgres",
}
"""sqlglot has no DB2 dialect; its queries are closest to PostgreSQL's."""

_REMOTE = frozenset({"openrowset", "openquery", "opendatasource"})
"""SQL Server's functions with side effects; user-defined ones can have none."""
_SYSTEM = frozenset({"pg_catalog", "information_schema", "sys", "dbo", "sysibm", "sysfun", "dbms_lob", "dbms_random"})
_DEEPEST = 100
"""Nested parentheses that are passed on: sqlglot recurses for each."""
_MOST_SIMPLIFIED = 100
"""Nodes of a condition."""
_MOST_COMMON_TABLES = 100
_OPPOSITES: dict[type[exp.Expr], type[exp.Binary]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.LT: exp.GTE,
    exp.GTE: exp.LT,
    exp.GT: exp.LTE,
    exp.LTE: exp.GT,
}
_QUOTED = re.compile(r"'[^']*+(?:''[^']*+)*+'")
logger.disabled = True  # parse failures are reported by the return value


def _depth(text: str) -> int:
    """The maximum nesting of parentheses, outside quoted texts."""
    return max(accumulate((each == "(") - (each == ")") for each in _QUOTED.sub("", text)), default=0)


def operations(text: str, engine: Engine) -> tuple[op.Operation, ...]:
    """What a query or a row-writing statement does. Raises NotReadable."""
    if _depth(text) > _DEEPEST:
        raise NotReadable(f"it has more than {_DEEPEST} parentheses within each other")
    try:
        trees = sqlglot.parse(text, dialect=DIALECTS[engine])
    except (SqlglotError, RecursionError) as error:
        raise NotReadable(f"it does not parse: {str(error).splitlines()[0][:120]}") from error
    if len(trees) != 1 or trees[0] is None:
        raise NotReadable("several statements where one was expected")
    tree = trees[0]
    if settings := _settings(tree):
        return settings
    if any(isinstance(node, (exp.Command, exp.Create, exp.Drop, exp.Alter)) for node in tree.walk()):
        raise NotReadable("it holds something that is no query")
    written = [
        _WRITES[type(node)](node, engine)
        for node in tree.find_all(exp.Insert, exp.Update, exp.Delete)
        if not isinstance(node.parent, exp.When)  # a branch of a MERGE
    ]
    written += [_merge(node, engine) for node in tree.find_all(exp.Merge)]
    into = [_into(node, engine) for node in tree.find_all(exp.Into)]
    called = tuple(dict.fromkeys(_unknown_calls(tree)))
    if called == ("setval",):
        return (op.AlterObject(op.ObjectKind.SEQUENCE, op.Name("")),)
    if called and (engine is not Engine.SQLSERVER or not _REMOTE.isdisjoint(called)):
        raise NotReadable(f"what {', '.join(called)} does is not known", everything=True)
    found: list[op.Operation] = [operation for operations in written for operation in operations]
    found += into
    return tuple(found) or (op.Harmless("select"),)


def _settings(tree: exp.Expr) -> tuple[op.Operation, ...]:
    """``SELECT set_config('name', 'value', false)``, as dumps have it."""
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1 or tree.args.get("from_"):
        return ()
    call = tree.expressions[0]
    call = call.expression if isinstance(call, exp.Dot) else call
    if not isinstance(call, exp.Anonymous) or call.name.lower() != "set_config":
        return ()
    name, value = call.expressions[:2]
    if not isinstance(name, exp.Literal) or not isinstance(value, exp.Literal):
        return ()
    return (op.Setting(name.name.lower(), value.name.lower()),)


def _unknown_calls(tree: exp.Expr) -> Iterator[str]:
    for call in tree.find_all(exp.Anonymous, exp.AnonymousAggFunc, exp.CombinedAggFunc):
        name = call.name.lower()
        schema = call.parent.this.name.lower() if isinstance(call.parent, exp.Dot) else ""
        if (schema and schema not in _SYSTEM) or not changes_nothing(name):
            yield name


_INSERT = {"this", "expression", "conflict", "returning", "is_function", "with_", "default", "hint", "alternative"}


def _insert(node: exp.Expr, engine: Engine) -> list[op.Operation]:
    _only(node, _INSERT | {"ignore", "columns"})
    target = node.this
    columns: tuple[str, ...] = ()
    if isinstance(target, exp.Schema):
        columns = tuple(_folded(each, engine) for each in target.expressions if isinstance(each, exp.Identifier))
        target = target.this
    literal = isinstance(node.expression, exp.Values) and not node.expression.find(exp.Query)
    return [op.WriteRows(_name(target, engine), "insert", filtered=False, columns=columns, literal=literal)]


_UPDATE = {"this", "expressions", "from_", "where", "returning", "with_", "order", "limit", "hint"}


def _update(node: exp.Expr, engine: Engine) -> list[op.Operation]:
    _only(node, _UPDATE)
    sources = _sources(node.this, node.args.get("from_"))
    filtered = _filtered(node, _joins(node.this, node.args.get("from_")))
    if not isinstance(node.this, exp.Table):
        raise NotReadable("an update of something that is no table")
    assigned: dict[str, list[str]] = {}
    for item in node.expressions:
        for table, column in _assigned(item, engine):
            assigned.setdefault(table if node.this.args.get("joins") else "", []).append(column)
    if node.this.args.get("joins") and "" in assigned:
        raise NotReadable("an update of several tables that does not say which column is whose")
    alias = node.this.alias_or_name
    return [
        op.WriteRows(_target(table or alias, sources, engine, node.this), "update", filtered, tuple(columns))
        for table, columns in assigned.items()
    ]


def _assigned(item: exp.Expr, engine: Engine) -> list[tuple[str, str]]:
    """The columns that an item of SET assigns, with the table of each."""
    if not isinstance(item, exp.EQ):
        raise NotReadable("an assignment of an unknown form")
    left = item.left.expressions if isinstance(item.left, exp.Tuple) else [item.left.unnest()]
    found = []
    for each in left:
        column = each.this if isinstance(each, (exp.Bracket, exp.Dot)) else each
        if isinstance(column, exp.Column) and isinstance(column.this, exp.Identifier):
            found.append((column.table, _folded(column.this, engine)))
        elif isinstance(column, exp.Identifier):
            found.append(("", _folded(column, engine)))
        else:
            raise NotReadable("an assignment to what is no column")
    return found


_DELETE = {"this", "tables", "using", "where", "returning", "with_", "order", "limit", "hint", "cluster"}


def _delete(node: exp.Expr, engine: Engine) -> list[op.Operation]:
    _only(node, _DELETE)
    tables = node.args.get("tables")
    using = node.args.get("using")
    read = [node.this, *(using if isinstance(using, list) else [using])]
    sources = _sources(*read)
    filtered = _filtered(node, _joins(*read))
    if tables:
        return [op.WriteRows(_target(table.name, sources, engine, table), "delete", filtered) for table in tables]
    return [op.WriteRows(_name(node.this, engine), "delete", filtered)]


def _merge(node: exp.Expr, engine: Engine) -> list[op.Operation]:
    table = _name(node.this, engine)
    deletes = any(isinstance(when.args.get("then"), exp.Var) for when in node.find_all(exp.When))
    merged: list[op.Operation] = [op.WriteRows(table, "merge", filtered=True)]
    return [*merged, op.WriteRows(table, "delete", filtered=True)] if deletes else merged


def _into(node: exp.Into, engine: Engine) -> op.Operation:
    _only(node, {"this", "temporary", "unlogged"})
    table = _name(node.this, engine)
    return op.CreateTable(
        table, (), temporary=bool(node.args.get("temporary")) or table.name.startswith("#"), copied=True
    )


_WRITES: dict[type[exp.Expr], Callable[[exp.Expr, Engine], list[op.Operation]]] = {
    exp.Insert: _insert,
    exp.Update: _update,
    exp.Delete: _delete,
}


def _only(node: exp.Expr, known: set[str]) -> None:
    for argument, value in node.args.items():
        if value not in (None, False, []) and argument not in known:
            raise NotReadable(f"{argument} is not understood in {node.key}")


def _sources(*nodes: exp.Expr | None) -> list[exp.Table]:
    """The tables that are read or written at the statement's own level."""
    found: list[exp.Table] = []
    for each in nodes:
        node = each.this if isinstance(each, exp.From) else each
        if isinstance(node, (exp.Table, exp.Subquery)):
            found += [node] if isinstance(node, exp.Table) else []
            found += [join.this for join in node.args.get("joins") or [] if isinstance(join.this, exp.Table)]
    return found


def _target(alias: str, sources: list[exp.Table], engine: Engine, written: exp.Expr) -> op.Name:
    """The table that an alias refers to: in a FROM of its own if it has one, as SQL Server reads it."""
    if isinstance(written, exp.Table) and written.args.get("db"):
        return _name(written, engine)
    named = [table for table in sources if table.alias.lower() == alias.lower()]
    named = named or [table for table in sources if table.name.lower() == alias.lower()]
    names = {_name(table, engine) for table in named}
    if len(names) == 1:
        return names.pop()
    if any(table is written for table in named):
        return _name(written, engine)
    raise NotReadable(f"{alias} is no table of this statement, or several")


def _joins(*nodes: exp.Expr | None) -> list[exp.Join]:
    found: list[exp.Join] = []
    for each in nodes:
        node = each.this if isinstance(each, exp.From) else each
        if isinstance(node, exp.Expr):
            found += node.args.get("joins") or []
    return found


def _filtered(node: exp.Expr, joins: list[exp.Join]) -> bool:
    where = node.args.get("where")
    if where is not None and not always_true(where.this):
        return True
    return any(
        (join.args.get("using") or (join.args.get("on") and not always_true(join.args["on"])))
        and join.side not in ("LEFT", "RIGHT", "FULL")
        for join in joins
    )


def always_true(condition: exp.Expr) -> bool:
    """Whether a condition is true for every row, whatever its content: ``1 = 1``, ``true``, ``'a' = 'a' OR x``."""
    if _about_rows(condition.unnest()):
        return False
    simple = _simplified(condition)
    if not any(simple.find_all(*_OF_ROWS)) and not _always_false(simple):
        return True
    if isinstance(simple, exp.Literal):
        return simple.is_number and float(simple.name) != 0
    if isinstance(simple, (exp.EQ, exp.GTE, exp.LTE)):
        return simple.left == simple.right
    if isinstance(simple, exp.Or):
        parts = set(simple.flatten())
        return any(always_true(part) or _negated(part) in parts for part in parts)
    if isinstance(simple, exp.And):
        return all(always_true(part) for part in simple.flatten())
    if isinstance(simple, exp.Exists):
        query = simple.this
        return isinstance(query, exp.Select) and not query.args.get("from_") and not query.args.get("where")
    return isinstance(simple, exp.Boolean) and bool(simple.this)


def _simplified(condition: exp.Expr) -> exp.Expr:
    """A condition in its simplest form; a large one unchanged: sqlglot compares all pairs of its parts."""
    if next(islice(condition.walk(), _MOST_SIMPLIFIED, None), None) is not None:
        return condition.unnest()
    try:
        return simplify(condition.copy()).unnest()  # type: ignore[no-any-return]
    except Exception:
        return condition.unnest()


_OF_ROWS = (exp.Column, exp.Query, exp.Parameter, exp.Placeholder, exp.SessionParameter, exp.Anonymous)
"""What makes a condition differ between rows, or between runs."""


def _always_false(condition: exp.Expr) -> bool:
    if isinstance(condition, exp.Literal):
        return condition.is_number and float(condition.name) == 0
    return isinstance(condition, exp.Null) or (isinstance(condition, exp.Boolean) and not condition.this)


def _about_rows(condition: exp.Expr) -> bool:
    """Whether a condition compares a column with another kind of operand, as most do: no further check is needed."""
    if not isinstance(condition, (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like)):
        return False
    sides = (condition.left.unnest(), condition.right.unnest())
    return any(isinstance(one, exp.Column) and isinstance(other, exp.Literal) for one, other in (sides, sides[::-1]))


def _negated(condition: exp.Expr) -> exp.Expr:
    """The condition's negation, if that only needs dropping its NOT or inverting its operator."""
    if isinstance(condition, exp.Not):
        return condition.this.unnest()  # type: ignore[no-any-return]
    opposite = _OPPOSITES.get(type(condition))
    if opposite and isinstance(condition, exp.Binary):
        return opposite(this=condition.left.copy(), expression=condition.right.copy())
    if condition.args.get("negate"):
        plain = condition.copy()
        plain.set("negate", None)
        return plain
    return exp.null()


def _common_table(node: exp.Table) -> exp.Expr | None:
    """The one table whose rows a common table expression has, where SQL Server writes through it."""
    above = None if node.args.get("db") else node.parent
    while above is not None:
        clause = above.args.get("with_")
        if clause and len(clause.expressions) > _MOST_COMMON_TABLES:
            raise NotReadable(f"it has more than {_MOST_COMMON_TABLES} common table expressions")
        for each in clause.expressions if clause else []:
            if each.alias.lower() == node.name.lower():
                source = each.this.args.get("from_")
                if not isinstance(each.this, exp.Select) or source is None or each.this.args.get("joins"):
                    raise NotReadable("rows of a query that is no table")
                return source.this  # type: ignore[no-any-return]
        above = above.parent
    return None


def _name(node: exp.Expr | None, engine: Engine) -> op.Name:
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
        raise NotReadable("rows of something that is no table")
    if (source := _common_table(node)) is not None:
        return _name(source, engine)
    schema = node.args.get("db")
    parts = [_folded(part, engine) if isinstance(part, exp.Identifier) else "" for part in (node.this, schema)]
    return op.Name(parts[0], "" if parts[1] == DEFAULT_SCHEMAS.get(engine) else parts[1])


def _folded(identifier: exp.Identifier, engine: Engine) -> str:
    kind = TokenForm.QUOTED if identifier.quoted else TokenForm.WORD
    return folded(Token(kind, "", identifier.name, 0, 0), engine)
