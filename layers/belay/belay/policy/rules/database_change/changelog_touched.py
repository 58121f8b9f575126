"""The tables in which tools record what was applied."""

from collections.abc import Iterator
from typing import Final

from belay.policy.database_changes import ChangesToApply, StepToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql.operations import CreateTable, Name

POLICY = Policy(
    title="A change touches the table in which changes are recorded",
    severity=Severity.HIGH,
    why="What was applied is then no longer known: changes are skipped, or run twice.",
    fix="Leave that table to the tool that owns it; use its own command to repair it.",
    source="https://documentation.red-gate.com/fd/flyway-schema-history-table-273973417.html; "
    "https://docs.liquibase.com/concepts/tracking-tables/tracking-tables.html",
)

TABLES: Final = frozenset(
    {
        *("__efmigrationshistory", "__migrationhistory", "_prisma_migrations", "alembic_version"),
        *("ar_internal_metadata", "belay_changes", "databasechangelog", "databasechangeloghistory"),
        *("databasechangeloglock", "django_migrations", "flyway_schema_history", "goose_db_version"),
        *("knex_migrations", "knex_migrations_lock", "schema_migrations", "schema_version"),
    }
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for any statement about the tables of Belay's executors, Flyway, Liquibase and other tools."""
    for step in changes.steps:
        if isinstance(step.operation, CreateTable) and step.operation.if_not_exists:
            continue
        for name in _names(step):
            if name.name.lower() in TABLES:
                yield step.violation(Verdict.FAIL, name, f"{name}")


def _names(step: StepToApply) -> Iterator[Name]:
    for attribute in ("table", "to", "name"):
        value = getattr(step.operation, attribute, None)
        if isinstance(value, Name):
            yield value
