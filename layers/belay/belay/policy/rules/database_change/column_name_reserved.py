"""Names that every statement has to quote."""

from collections.abc import Iterator

from belay.policy.database_changes import ChangesToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql.operations import AddColumn, CreateTable, Name, RenameColumn, RenameTable
from belay.sql.reserved_words import RESERVED

POLICY = Policy(
    title="A name is a reserved word of the engine",
    severity=Severity.LOW,
    why="Every statement must quote it, and one that does not fails or means something else.",
    fix="Choose another name.",
    source="https://www.postgresql.org/docs/18/sql-keywords-appendix.html; "
    "https://dev.mysql.com/doc/refman/8.4/en/keywords.html; "
    "https://docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/Oracle-SQL-Reserved-Words.html; "
    "https://learn.microsoft.com/en-us/sql/t-sql/language-elements/reserved-keywords-transact-sql; "
    "https://www.ibm.com/docs/en/db2/12.1.0?topic=sql-reserved-schema-names-reserved-words",
)


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Check the names of new and renamed tables and columns."""
    reserved = RESERVED[changes.engine]
    for step in changes.steps:
        match step.operation:
            case CreateTable(table=table, columns=columns):
                names = [(table, ""), *((table, column.name) for column in columns)]
            case AddColumn(table=table, column=column):
                names = [(table, column.name)]
            case RenameColumn(table=table, to=to):
                names = [(table, to)]
            case RenameTable(to=Name() as table):
                names = [(table, "")]
            case _:
                continue
        for table, column_name in names:
            if (column_name or table.name).lower() in reserved:
                yield step.violation(Verdict.FAIL, table, column_name or table.name, column_name)
