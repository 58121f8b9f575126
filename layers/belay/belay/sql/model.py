"""The virtual model of a database: its tables before and after each statement, and what is uncertain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from belay import documents
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
    """A table. ``unsure`` says why it may be wrong; ``created`` is the id of the change that created it, if any.

    ``constraints`` and ``indexes`` have the engine's names if the statement gives none; for an engine whose names
    cannot be predicted, their kind and columns in parentheses. A constraint's index is among ``indexes``. A
    ``temporary`` table lasts for the change that creates it; ``hidden`` is the table whose name it takes meanwhile.
    """

    name: Name
    columns: Mapping[str, ColumnDefinition] = field(default_factory=dict)
    constraints: Mapping[str, ConstraintDefinition] = field(default_factory=dict)
    indexes: Mapping[str, IndexDefinition] = field(default_factory=dict)
    unsure: tuple[str, ...] = ()
    created: str = ""
    parents: tuple[Name, ...] = ()
    partition: bool = False
    temporary: bool = False
    hidden: ModelTable | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """Every table, by name, and the enumeration types' values.

    ``complete`` is true if a table that is not in it does not exist; ``unsure`` says why any of it may be wrong.
    """

    tables: Mapping[Name, ModelTable] = field(default_factory=dict)
    enums: Mapping[Name, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = False
    unsure: tuple[str, ...] = ()

    def with_table(self, table: ModelTable) -> Model:
        """This model with the table added or replaced."""
        return replace(self, tables={**self.tables, table.name: table})

    def without_table(self, name: Name) -> Model:
        """This model without the table."""
        return replace(self, tables={each: table for each, table in self.tables.items() if each != name})


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """One operation of a statement of a change, and the model before and after it."""

    before: Model
    operation: Operation
    after: Model
    change: DatabaseChange
    statement: SqlStatement


@dataclass(frozen=True, slots=True)
class _Enum:
    name: Name
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A model as stored: names are not keys in JSON."""

    tables: tuple[ModelTable, ...]
    enums: tuple[_Enum, ...]
    complete: bool
    unsure: tuple[str, ...]


def to_json(model: Model) -> documents.Document:
    """The document of a model, which :func:`from_json` reads."""
    enums = tuple(_Enum(name, values) for name, values in model.enums.items())
    return documents.sparse(_Kept(tuple(model.tables.values()), enums, model.complete, model.unsure))


def from_json(document: documents.Document) -> Model:
    """The model of a document. Raises ``UnknownSchema`` and ``UnreadableRecord``."""
    kept = documents.read(_Kept, document, "the model of a database")
    return Model(
        {table.name: table for table in kept.tables},
        {enum.name: enum.values for enum in kept.enums},
        kept.complete,
        kept.unsure,
    )
