"""Indexes that already exist."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply, canonical
from belay.policy.new_indexes import indexes_of, new_indexes
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql.operations import CreateTable

POLICY = Policy(
    title="An index already exists",
    severity=Severity.MEDIUM,
    why="It is of no use to any query, and every write pays for both.",
    fix="Leave it out; if it is to replace the other one, drop that one in the same release.",
    source="https://www.postgresql.org/docs/18/indexes-intro.html; "
    "https://dev.mysql.com/doc/refman/8.4/en/create-index.html",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Compare every new index with those that its table has in the model, including those of its keys: the same columns
    in the same order, of the same kind and with the same condition. One that the release later drops is ignored.
    """
    for step in changes.steps:
        known = [] if isinstance(step.operation, CreateTable) else indexes_of(step.before)
        for table, index in new_indexes(step):
            twins = [each for each in known if each.same == index.same and each.shown != index.shown]
            known.append(index)
            last = changes.final.tables.get(canonical(table, changes.engine))
            if twins and (last is None or len([each for each in indexes_of(last) if each.same == index.same]) > 1):
                detail = f"{index.shown} on {table} ({', '.join(index.columns)}) is the same as {twins[0].shown}"
                yield step.violation(Verdict.FAIL, table, detail, index.shown)
