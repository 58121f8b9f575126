"""The kinds of database that can be registered.

To add a kind of database:

1. Describe it in ``database/<name>.py``, made after ``instance.py``: what RDS calls it, its snapshots, what a restore
   gives back and what would be left behind. ``DatabaseKind`` says what each part is for.
2. Enter it in ``KINDS``, under the key that a registration names it by.
3. Grant the operations in ``template.yaml``, as ``tests/conventions/test_convention_permissions.py`` asks for it.
4. Run ``tests/unit/database``, which holds the description against botocore's model of RDS: each field that RDS has
   is given back, or has a reason not to be.
5. Play its restore in ``tests/unit/rollback/test_rollback_databases.py``, and on the engine in ``tests/machines``.
6. Add it to ``databases`` in ``docs/registration.md`` and to ``docs/databases.md``.
"""

from collections.abc import Mapping
from typing import Final

from belay.database.cluster import CLUSTER
from belay.database.instance import INSTANCE
from belay.database.kind import DatabaseKind, UnitKind

KINDS: Final[Mapping[str, DatabaseKind]] = {kind.name: kind for kind in (INSTANCE, CLUSTER)}
"""Each by its name, which is its key in a registration."""

UNIT_KINDS: Final[tuple[UnitKind, ...]] = (
    *KINDS.values(),
    *(kind.members.kind for kind in KINDS.values() if kind.members),
)
"""Everything that a recovery restores and renames."""
