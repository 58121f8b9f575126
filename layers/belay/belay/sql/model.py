"""The virtual model of a database: what its tables are before and after each statement, and what is not sure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from belay.sql.changes import DatabaseChange, SqlStatement
from belay.sql.operations import (
    ColumnDefinition,
    ConstraintDefinition,
    IndexDefinition,
    Name,
    Operation,
)


@dataclass(frozen=True, slots=True)
class ModelTable:
    """A table. ``unsure`` says why it may be otherwise; ``created`` is the id of the change that made it, if any."""

    name: Name
    columns: Mapping[str, ColumnDefinition] = field(default_factory=dict)
    constraints: Mapping[str, ConstraintDefinition] = field(default_factory=dict)
    indexes: Mapping[str, IndexDefinition] = field(default_factory=dict)
    unsure: tuple[str, ...] = ()
    created: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """Every table, by name, and the enumeration types' values.

    ``complete`` is true if a table that is not in it does not exist; ``unsure`` says why anything may be otherwise.
    """

    tables: Mapping[Name, ModelTable] = field(default_factory=dict)
    enums: Mapping[Name, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = False
    unsure: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """One operation of a statement of a change, and the model before and after it."""

    before: Model
    operation: Operation
    after: Model
    change: DatabaseChange
    statement: SqlStatement
