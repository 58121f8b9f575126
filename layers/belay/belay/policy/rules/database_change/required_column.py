"""Columns that the running version does not fill."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from belay.policy.database_changes import ChangesToApply, StepToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql import operations as op

POLICY = Policy(
    title="A required column has no default value",
    severity=Severity.HIGH,
    why="The statement fails if the table has rows, and every INSERT of the running version fails after it.",
    fix="Give the column a default, or leave it nullable until every running version fills it.",
    source="https://www.postgresql.org/docs/18/sql-altertable.html; strong_migrations, adding a column",
)

NOT_NULL: Final = re.compile(r"\bNOT\s+NULL\b", re.IGNORECASE)
DEFAULT: Final = re.compile(r"\bDEFAULT\b", re.IGNORECASE)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for new columns of tables with rows that are NOT NULL or a key and have no default, by one statement or
    several; and for existing columns that stay NOT NULL and lose their default.
    """
    domains = {
        name
        for step, made in changes.of(op.CreateObject)
        if made.kind is op.ObjectKind.DOMAIN and _never_null(step.statement.text)
        for name in (made.name.name, str(made.name))
    }
    for step in changes.steps:
        match step.operation:
            case op.AddColumn(table=table, column=column, constraints=constraints) if step.existing or step.table.rows:
                never_null = replace(column, nullable=column.nullable and str(column.type) not in domains)
                if _required(never_null, constraints):
                    yield step.violation(Verdict.FAIL, table, f"{table}.{column.name}", column.name)
            case op.ChangeColumn():
                yield from _changed(step, step.operation)
            case op.AddConstraint(constraint=constraint) if constraint.validated:
                yield from _constrained(step, step.operation)


def _constrained(step: StepToApply, added: op.AddConstraint) -> Iterator[Violation]:
    for name in added.constraint.columns:
        column = step.table.added.get(name)
        if column and not _required(column) and _required(column, [added.constraint]):
            yield step.violation(Verdict.FAIL, added.table, f"{added.table}.{name}", name)


def _never_null(domain: str) -> bool:
    """Whether a domain's definition, which the model does not hold, requires a value and gives none."""
    return bool(NOT_NULL.search(domain)) and not DEFAULT.search(domain)


def _required(column: op.ColumnDefinition, constraints: Iterable[op.ConstraintDefinition] = ()) -> bool:
    given = column.identity or column.generated or column.default.kind is not op.DefaultKind.NONE
    return not given and (not column.nullable or any(_requires(each, column.name) for each in constraints))


def _requires(constraint: op.ConstraintDefinition, column: str) -> bool:
    return column in constraint.columns and constraint.kind in (
        op.ConstraintKind.PRIMARY_KEY,
        op.ConstraintKind.NOT_NULL,
    )


def _changed(step: StepToApply, change: op.ChangeColumn) -> Iterator[Violation]:
    added = step.table.added.get(change.column)
    if added is not None and step.existing:
        nullable = added.nullable if change.nullable is None else change.nullable
        default = added.default if change.default is None else change.default
        given = added.identity or added.generated or default.kind is not op.DefaultKind.NONE
        if not nullable and not given and not _required(added):
            yield step.violation(Verdict.FAIL, change.table, f"{change.table}.{change.column}", change.column)
        return
    before = step.before.columns.get(change.column) if step.before else None
    if before is None or change.default is None or change.default.kind is not op.DefaultKind.NONE or before.identity:
        return
    nullable = before.nullable if change.nullable is None else change.nullable
    if before.default.kind is not op.DefaultKind.NONE and not nullable:
        detail = f"{change.table}.{change.column} loses its default {before.default.text}"
        yield from step.loses(change.table, detail, change.column)
