"""Indexes over many columns."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply
from belay.policy.new_indexes import new_indexes
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict

POLICY = Policy(
    title="An index spans many columns",
    severity=Severity.HIGH,
    why="Every write pays for it, it is often larger than its table, and queries seldom use more than its first "
    "columns.",
    fix="Index the columns that select most; cover others with INCLUDE where the engine has it.",
    source="https://www.postgresql.org/docs/18/indexes-multicolumn.html",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Count the columns of every new index, key and unique constraint, including those of new tables; more than the
    setting `maximums: {index-columns: 3}` is too many. Columns that are only included do not count.
    """
    most = settings.maximum("index-columns")
    for step in changes.steps:
        for table, index in new_indexes(step):
            if len(index.columns) > most:
                columns = ", ".join(index.columns)
                detail = f"{index.shown} on {table} has {len(index.columns)} ({columns}), at most {most} are allowed"
                yield step.violation(Verdict.FAIL, table, detail, index.shown)
