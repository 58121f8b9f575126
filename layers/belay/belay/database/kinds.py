"""The kinds of database that can be registered.

To add one: write its description in a file of its own, like ``instance.py``, and name it in ``KINDS``. The tests then
hold the description against botocore's model of RDS and against IAM: ``template.yaml`` has to grant the operations.
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
