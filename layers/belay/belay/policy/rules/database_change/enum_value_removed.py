"""Enumeration values that rows and the running version may have."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from belay.policy.database_changes import ChangesToApply, StepToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql import operations as op
from belay.sql.changes import MYSQL, DatabaseChange

POLICY = Policy(
    title="A value of an enumeration is no longer allowed",
    severity=Severity.HIGH,
    why="Rows that have the value are refused or emptied, and the running version fails when it writes it.",
    fix="Keep the value until no row and no running version has it; add a new name beside it instead of renaming it.",
    source="https://www.postgresql.org/docs/18/sql-altertype.html; https://dev.mysql.com/doc/refman/8.4/en/enum.html",
)

LISTED: Final = frozenset({"enum", "set"})
TEXT: Final = re.compile(r"'([^']*+(?:''[^']*+)*+)'")
ANY_OF: Final = re.compile(r"\bin\s*\(|=\s*any\b", re.IGNORECASE)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for values that are renamed, for columns of an enumeration whose new type lacks some of the old values, for
    CHECK constraints that list fewer values than those they replace, and for writes to PostgreSQL's catalog of them.
    """
    dropped: dict[tuple[DatabaseChange, op.Name], dict[str, op.ConstraintDefinition]] = {}
    for step in changes.steps:
        match step.operation:
            case op.RenameEnumValue(type=name, value=value, to=to):
                yield step.violation(Verdict.FAIL, name, f"{value} becomes {to}")
            case op.WriteRows(table=op.Name(name="pg_enum") as name):
                yield step.violation(Verdict.FAIL, name, "the catalog of enumerations is written to")
            case op.ChangeColumn(type=op.SqlType()) if step.existing:
                yield from _column(step, step.operation, changes)
            case op.DropConstraint(table=table, constraint=named) if step.existing and step.before:
                gone = step.before.constraints.get(named)
                if gone is not None and gone.kind is op.ConstraintKind.CHECK:
                    dropped.setdefault((step.change, table), {})[named] = gone
            case op.AddConstraint(table=table, constraint=constraint) if constraint.kind is op.ConstraintKind.CHECK:
                yield from _check(step, table, constraint, dropped.get((step.change, table), {}))


def _column(step: StepToApply, change: op.ChangeColumn, changes: ChangesToApply) -> Iterator[Violation]:
    if change.type is None or change.column in step.table.added:
        return
    new = _values(change.type, step.enums, changes)
    if new is None:
        return
    was = step.before.columns.get(change.column) if step.before else None
    shown = f"{change.table}.{change.column}"
    if was is None:
        detail = f"{shown} allows {', '.join(new)}, and what it allowed before is not known"
        yield step.violation(Verdict.REVIEW, change.table, detail, change.column)
        return
    old = _values(was.type, step.enums, changes) or ()
    if gone := [value for value in old if value not in new]:
        yield step.violation(Verdict.FAIL, change.table, f"{shown} no longer allows {', '.join(gone)}", change.column)


def _values(
    type_: op.SqlType, enums: Mapping[op.Name, tuple[str, ...]], changes: ChangesToApply
) -> tuple[str, ...] | None:
    if type_.name in LISTED and changes.engine in MYSQL:
        return type_.arguments
    schema, _, name = type_.name.rpartition(".")
    return enums.get(op.Name(name, schema))


def _check(
    step: StepToApply,
    table: op.Name,
    constraint: op.ConstraintDefinition,
    dropped: Mapping[str, op.ConstraintDefinition],
) -> Iterator[Violation]:
    new = _listed(constraint.expression)
    for named, old in dropped.items():
        same = set(old.columns) & set(constraint.columns) or named == constraint.name
        gone = _listed(old.expression) - new
        if new and same and gone:
            detail = f"{constraint.name or 'a check'} of {table} no longer allows {', '.join(sorted(gone))}"
            yield step.violation(Verdict.FAIL, table, detail, constraint.name)


def _listed(expression: str) -> set[str]:
    return set(TEXT.findall(expression)) if ANY_OF.search(expression) else set()
