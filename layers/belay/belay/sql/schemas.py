"""The schema of unqualified names: as a session sets it, with ``USE``, ``SET search_path`` and the like."""

from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

from belay.sql.changes import DEFAULT_SCHEMAS, Engine
from belay.sql.model import Model
from belay.sql.operations import CreateTable, Name, Operation, Setting

_SAYS = {
    Engine.POSTGRESQL: ("search_path",),
    Engine.MYSQL: ("database",),
    Engine.MARIADB: ("database",),
    Engine.ORACLE: ("current_schema",),
    Engine.SQLSERVER: ("database",),
    Engine.DB2: ("schema", "current_schema"),
}
_HOME = ("", "public", "$user", "pg_catalog", "default")

Resolved = TypeVar("Resolved")


class Schemas:
    """A session's schema or database: the first schema that changes name is the one of unqualified names.

    In PostgreSQL that is ``public``, whatever they name.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._home: str | None = DEFAULT_SCHEMAS.get(engine) if engine is Engine.POSTGRESQL else None
        self._current = ""

    def reset(self) -> None:
        """Start a new session, without a set schema."""
        self._current = ""

    def resolved(self, operation: Operation, model: Model) -> Operation:
        """The operation with its names resolved."""
        if isinstance(operation, Setting) and operation.name in _SAYS[self._engine]:
            self._enter(operation.value)
            return operation
        if not self._current and not self._home:
            return operation
        if self._engine is Engine.SQLSERVER:  # a database there is above the schemas of names
            return operation
        return self._renamed(operation, operation, model)

    def _enter(self, value: str) -> None:
        first = value.split(",", maxsplit=1)[0].strip().strip("\"'`")
        if self._engine is Engine.POSTGRESQL:
            self._current = "" if first in _HOME else first
            return
        folded = first.upper() if self._engine in (Engine.ORACLE, Engine.DB2) else first.lower()
        self._home = self._home or folded
        self._current = "" if folded == self._home else folded

    def _renamed(self, value: Resolved, operation: Operation, model: Model) -> Resolved:
        """A dataclass with every name in it resolved."""
        if not is_dataclass(value) or isinstance(value, type):
            return value
        changed = {}
        for each in fields(value):
            inner = getattr(value, each.name)
            if isinstance(inner, Name):
                made = isinstance(operation, CreateTable) and each.name == "table"
                new: object = self._meant(inner, model, made=made)
            elif isinstance(inner, tuple) and inner and is_dataclass(inner[0]):
                new = tuple(
                    self._meant(one, model, made=False)
                    if isinstance(one, Name)
                    else self._renamed(one, operation, model)
                    for one in inner
                )
            else:
                new = self._renamed(inner, operation, model)
            if new is not inner:
                changed[each.name] = new
        return replace(value, **changed) if changed else value

    def _meant(self, name: Name, model: Model, *, made: bool) -> Name:
        if name.schema:
            return Name(name.name) if name.schema == self._home else name
        here = Name(name.name, self._current)
        if not self._current or made or here in model.tables or name not in model.tables:
            return here if self._current else name
        return name if self._engine is Engine.POSTGRESQL else here
