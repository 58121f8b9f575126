"""Constraints that read every row when they are added, and constraints that are validated in the same transaction."""

from collections.abc import Iterable, Iterator

from belay.policy.database_changes import ChangesToApply, StepToApply
from belay.policy.policies import Violation
from belay.policy.verdict import Verdict
from belay.sql.changes import MYSQL, DatabaseChange, Engine
from belay.sql.operations import (
    AddColumn,
    AddConstraint,
    ConstraintDefinition,
    ConstraintKind,
    Name,
    Transaction,
    ValidateConstraint,
)


def scanned(changes: ChangesToApply, kind: ConstraintKind) -> Iterator[Violation]:
    """Yield a violation for every constraint of a kind that is validated while its table is locked.

    It is if it is added to an existing table without NOT VALID or NOCHECK; and in PostgreSQL also if the transaction
    that adds it validates it, since the lock of the first statement lasts until the end.
    """
    added: dict[tuple[DatabaseChange, Name, str], bool] = {}
    for step in changes.steps:
        match step.operation:
            case AddColumn(table=table, constraints=constraints):
                for constraint in _validated(constraints, kind):
                    yield from _blocks(step, table, constraint)
            case AddConstraint(table=table, constraint=constraint) if constraint.kind is kind:
                if not constraint.validated:
                    added[(step.change, table, constraint.name)] = step.begun
                elif not _unchecked(step, kind):
                    yield from _blocks(step, table, constraint)
            case Transaction(verb="commit"):
                added.clear()
            case ValidateConstraint(table=table, constraint=name):
                begun = added.get((step.change, table, name))
                if begun is not None and step.existing and changes.engine is Engine.POSTGRESQL:
                    yield from _together(step, table, name, begun=begun)


def _validated(constraints: Iterable[ConstraintDefinition], kind: ConstraintKind) -> list[ConstraintDefinition]:
    return [each for each in constraints if each.kind is kind and each.validated]


def _blocks(step: StepToApply, table: Name, constraint: ConstraintDefinition) -> Iterator[Violation]:
    shown = constraint.name or f"a {constraint.kind} on {', '.join(constraint.columns)}"
    to = f" to {constraint.references}" if constraint.references else ""
    yield from step.blocks(table, f"{shown} of {table}{to}", constraint.name or ", ".join(constraint.columns))


def _unchecked(step: StepToApply, kind: ConstraintKind) -> bool:
    off = step.settings.get("foreign_key_checks") in ("0", "off", "false")
    return kind is ConstraintKind.FOREIGN_KEY and step.engine in MYSQL and off


def _together(step: StepToApply, table: Name, name: str, *, begun: bool) -> Iterator[Violation]:
    detail = f"{name} of {table} is validated in the transaction that adds it"
    if begun:
        yield step.violation(Verdict.FAIL, table, detail, name)
    elif step.change.transactional:
        yield step.violation(Verdict.REVIEW, table, f"{detail}, if the change runs in one", name)
