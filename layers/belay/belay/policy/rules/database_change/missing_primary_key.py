"""New tables without a primary key."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply, canonical
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql.operations import ConstraintKind, CreateTable, NotUnderstood

POLICY = Policy(
    title="A table has no primary key",
    severity=Severity.MEDIUM,
    why="Its rows cannot be distinguished: logical replication, change data capture and repairs need a key, and MySQL "
    "makes a hidden one.",
    fix="Give the table a primary key.",
    source="https://www.postgresql.org/docs/18/logical-replication-publication.html; "
    "https://dev.mysql.com/doc/refman/8.4/en/innodb-index-types.html",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look at every new table as it is after the last change, so that a key may be added later. Temporary tables and
    partitions need none.
    """
    unknown = [each for _, each in changes.of(NotUnderstood)]
    tainted = {name.name for each in unknown for name in each.names}
    for step, created in changes.of(CreateTable):
        if created.temporary or created.partition_of or created.table.name.startswith("#"):
            continue
        last = changes.final.tables.get(canonical(created.table, changes.engine)) or changes.final.tables.get(
            created.table
        )
        if last is None or last.created != step.change.id or created.table.name in tainted:
            continue
        if all(constraint.kind is not ConstraintKind.PRIMARY_KEY for constraint in last.constraints.values()):
            yield step.violation(Verdict.FAIL, created.table, f"{created.table}")
