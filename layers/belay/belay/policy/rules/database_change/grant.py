"""Permissions that a change grants."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from belay.masking import masked
from belay.policy.database_changes import ChangesToApply
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity, Verdict
from belay.sql.operations import ChangeTable, Grant

POLICY = Policy(
    title="A change grants access to the database",
    severity=Severity.HIGH,
    why="Who may read and write what is the operator's decision; a release that grants it extends its own permissions.",
    fix="Grant it where the operator manages users, or have the operator waive it.",
    source="https://www.postgresql.org/docs/18/sql-grant.html; OWASP, database security: least privilege",
)

ROW_SECURITY: Final = "row level security"
LESS: Final = re.compile(r"\b(?:DISABLE|NO\s+FORCE)\b", re.IGNORECASE)
LONGEST: Final = 80
OWNER: Final = re.compile(r"OWNER OF (?:public\.|dbo\.)?(\S+) TO ")


def check(changes: ChangesToApply, settings: PolicySettings) -> Iterator[Violation]:
    """Look for permissions, roles, users and owners that are granted, and row level security that is switched off.
    Revoking them is allowed, and so are the owners of tables that the release itself creates.
    """
    created = {str(name) for name, table in changes.tables.items() if table.created}
    for step, grant in changes.of(Grant):
        owned = OWNER.match(grant.text)
        if not grant.revoke and not (owned and owned[1] in created):
            words = " ".join(masked(grant.text).split())
            shown = words if len(words) <= LONGEST else f"{words[:LONGEST]}..."
            yield step.violation(Verdict.FAIL, owned[1] if owned else step.change.id, shown)
    for step, changed in changes.of(ChangeTable):
        if changed.property == ROW_SECURITY and _takes_less(step.statement.text) and step.existing:
            yield step.violation(Verdict.FAIL, changed.table, f"{ROW_SECURITY} of {changed.table} is taken away")


@lru_cache(maxsize=16)
def _takes_less(statement: str) -> bool:
    return bool(LESS.search(statement))
