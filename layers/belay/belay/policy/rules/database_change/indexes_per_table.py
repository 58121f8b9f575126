"""Tables with many indexes."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply
from belay.policy.new_indexes import indexes_of, new_indexes
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="A table has many indexes",
    severity=Severity.MEDIUM,
    why="Every row that is written is written to each of them, and PostgreSQL no longer updates rows in place.",
    fix="Drop indexes that no query uses before you add another one.",
    source="https://www.postgresql.org/docs/18/indexes-intro.html",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Count a table's indexes with those of its keys after each one that is added; more than the setting `maximums:
    {indexes-per-table: 10}` are too many. Unknown parts of a table are not counted.
    """
    most = settings.maximum("indexes-per-table")
    for step in changes.steps:
        tables = {table for table, _ in new_indexes(step)}
        count = len(indexes_of(step.after))
        for table in tables:
            if count > most:
                yield step.violation(Verdict.FAIL, table, f"{table} has {count}, at most {most} are allowed")
