"""Foreign keys that read every row while others wait."""

from collections.abc import Iterator

from belay.policy.constraint_scans import scanned
from belay.policy.database_changes import ChangesToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity
from belay.sql.operations import ConstraintKind

POLICY = Policy(
    title="A foreign key locks two tables while their rows are compared",
    severity=Severity.HIGH,
    why="Writes to both stop for as long as that takes (MySQL copies the table), and one row without a match makes the "
    "change fail.",
    fix="Add it as NOT VALID in PostgreSQL, as ENABLE NOVALIDATE in Oracle, WITH NOCHECK in SQL Server, and validate "
    "it in a later change; in MySQL set foreign_key_checks=0 for the statement after having checked the rows.",
    source="https://www.postgresql.org/docs/18/sql-altertable.html#SQL-ALTERTABLE-NOTES; "
    "https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html#online-ddl-foreign-key-operations; "
    "https://docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/constraint.html; "
    "https://learn.microsoft.com/en-us/sql/t-sql/statements/alter-table-transact-sql",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for foreign keys on existing tables, including those written on a new column, and those that are added NOT
    VALID and validated in the same transaction.
    """
    return scanned(changes, ConstraintKind.FOREIGN_KEY)
