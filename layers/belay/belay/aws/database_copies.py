"""RDS: copies of databases, made from snapshots and deleted again."""

from collections.abc import Mapping
from typing import Any

from botocore import xform_name

from belay.aws.clients import Gateway
from belay.aws.faults import translated
from belay.database.copy import FoundCopy, found_copy
from belay.database.kind import DatabaseKind, Description, UnitKind
from belay.database.kinds import KINDS

_EXISTS = {"DBInstanceAlreadyExists", "DBClusterAlreadyExistsFault"}
_GONE = {"DBInstanceNotFound", "DBClusterNotFoundFault"}
_BUSY = {"InvalidDBInstanceState", "InvalidDBClusterStateFault"}


class DatabaseCopies(Gateway):
    """The databases that are copies, and the snapshots they are made from."""

    def snapshots(self, kind: DatabaseKind, identifier: str) -> list[Description]:
        """Return every snapshot of a database, automated and manual, as RDS describes it."""
        with translated(f"RDS.{kind.snapshot.describe}"):
            pages = self._pages(kind.snapshot.describe, {kind.identifier: identifier})
            return [each for page in pages for each in page[kind.snapshot.listed]]

    def make(self, kind: UnitKind, parameters: Mapping[str, Any]) -> None:
        """Begin to make a copy, or a cluster's instance; idempotent.

        A cluster that is not available yet gets its instance later.
        """
        with translated(f"RDS.{kind.made_by}", ignoring=_EXISTS | _BUSY):
            getattr(self._client, xform_name(kind.made_by))(**parameters)

    def all(self) -> list[FoundCopy]:
        """Return every copy in the account and region, clusters' instances before clusters."""
        return [each for kind in KINDS.values() for each in self._of(kind)]

    def _of(self, kind: DatabaseKind) -> list[FoundCopy]:
        with translated(f"RDS.{kind.describe}"):
            described = [each for page in self._pages(kind.describe, {}) for each in page[kind.listed]]
        copies = [found_copy(kind, each) for each in described]
        return [each for each in copies if each is not None]

    def delete(self, copy: FoundCopy) -> None:
        """Begin to delete a copy, without a final snapshot; one that is busy is left for the next call.

        Succeeds if already deleted.
        """
        kind = copy.kind
        with translated(f"RDS.{kind.delete}", ignoring=_GONE | _BUSY):
            getattr(self._client, xform_name(kind.delete))(**{kind.identifier: copy.name, "SkipFinalSnapshot": True})

    def _pages(self, operation: str, parameters: Mapping[str, Any]) -> Any:
        return self._client.get_paginator(xform_name(operation)).paginate(**parameters)
