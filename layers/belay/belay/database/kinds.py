"""The kinds of database that can be registered. CONTRIBUTING.md says how to add one."""

from collections.abc import Mapping
from typing import Final

from belay.database.cluster import CLUSTER
from belay.database.instance import INSTANCE
from belay.database.kind import DatabaseKind, UnitKind

KINDS: Final[Mapping[str, DatabaseKind]] = {kind.name: kind for kind in (INSTANCE, CLUSTER)}
"""By name, which is the key in a registration."""

UNIT_KINDS: Final[tuple[UnitKind, ...]] = (
    *KINDS.values(),
    *(kind.members.kind for kind in KINDS.values() if kind.members),
)
"""Everything that a recovery restores and renames."""
