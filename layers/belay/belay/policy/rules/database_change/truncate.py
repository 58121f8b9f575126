"""Tables that are emptied."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity
from belay.sql.operations import Truncate

POLICY = Policy(
    title="A table is emptied",
    severity=Severity.HIGH,
    why="All rows are deleted immediately; MySQL, Oracle and Db2 cannot even roll it back with the transaction.",
    fix="Delete the rows that are not needed, in batches and with a condition, or have the operator waive it.",
    source="https://www.postgresql.org/docs/18/sql-truncate.html; "
    "https://dev.mysql.com/doc/refman/8.4/en/truncate-table.html",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for tables that existed before the release."""
    for step, emptied in changes.of(Truncate):
        detail = f"partition {emptied.partition} of {emptied.table}" if emptied.partition else f"{emptied.table}"
        yield from step.loses(emptied.table, detail, emptied.partition)
