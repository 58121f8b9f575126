"""The indexes that a step creates in any form: as indexes, or as keys and unique constraints."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from belay.policy.database_changes import StepToApply
from belay.sql.model import ModelTable
from belay.sql.operations import (
    AddColumn,
    AddConstraint,
    ConstraintDefinition,
    ConstraintKind,
    CreateIndex,
    CreateTable,
    IndexDefinition,
    Name,
)

KEYS: Final = frozenset({ConstraintKind.PRIMARY_KEY, ConstraintKind.UNIQUE, ConstraintKind.EXCLUDE})


class Index(NamedTuple):
    """An index's name or kind to display, its columns in order, and what else decides whether it is the same."""

    shown: str
    columns: tuple[str, ...]
    method: str = ""
    where: str = ""
    included: frozenset[str] = frozenset()
    modifiers: tuple[str, ...] = ()

    @property
    def same(self) -> tuple[object, ...]:
        """What two indexes have in common if one of them is redundant."""
        return (self.columns, self.method, self.where, self.included, self.modifiers)


def new_indexes(step: StepToApply) -> Iterator[tuple[Name, Index]]:
    """Yield the table and each index that a step creates."""
    match step.operation:
        case CreateTable(table=table, constraints=constraints, indexes=indexes):
            yield from ((table, each) for each in all_indexes(indexes, constraints))
        case AddColumn(table=table, constraints=constraints):
            yield from ((table, each) for each in all_indexes((), constraints))
        case AddConstraint(table=table, constraint=constraint):
            yield from ((table, each) for each in all_indexes((), [constraint]))
        case CreateIndex(table=table, index=index):
            yield from ((table, each) for each in all_indexes([index], ()))


def indexes_of(table: ModelTable | None) -> list[Index]:
    """Return the indexes of a table in the model, including those of its keys."""
    return list(all_indexes(table.indexes.values(), ())) if table else []


def all_indexes(indexes: Iterable[IndexDefinition], constraints: Iterable[ConstraintDefinition]) -> Iterator[Index]:
    """Yield indexes, and those of keys that do not use an existing one."""
    for index in indexes:
        method = "" if index.method in ("btree", "normal") else index.method
        stored = index.modifiers if any(index.modifiers) else ()
        yield Index(index.name or "an index", index.columns, method, index.where, frozenset(index.included), stored)
    for constraint in constraints:
        if constraint.kind in KEYS and not constraint.using_index:
            yield Index(constraint.name or f"a {constraint.kind}", constraint.columns)
