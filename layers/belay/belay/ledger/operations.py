"""Who started each stack operation, and with which change set and templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from belay.aws.clock import kept_until
from belay.aws.dynamodb import Item
from belay.ledger.records import Records, is_current
from belay.release.origin import Origin
from belay.release.records import ReleaseReference

_NEWEST: Final = "NEWEST"
_SETTLED: Final = "SETTLED"


class Purpose(StrEnum):
    """What an operation is for."""

    DEPLOY = "deploy"
    RECOVER = "recover"
    DELETE = "delete"
    PIPELINE = "pipeline"
    """Started by a pipeline that Belay follows."""
    REPAIR = "repair"
    """Started by a person, who finished what an incident had left for them."""


@dataclass(frozen=True)
class Operation:
    """A stack operation with a known origin; Belay's own are recorded before the call.

    ``release`` is the subject of the incident that a failed deployment opens.
    """

    attempt: str
    stage: str
    purpose: Purpose
    release: ReleaseReference | None = None

    @classmethod
    def from_item(cls, item: Item) -> "Operation":
        """Read the ledger's item; Belay 0.1 always stored a release, also for other origins."""
        release = ReleaseReference.from_dict(item["release"]) if "release" in item else None
        attempt = item["attempt"] if release is None else release.attempt
        found = release if release is not None and release.digest else None
        return cls(attempt, item["stage"], Purpose(item["purpose"]), found)


@dataclass(frozen=True)
class Submitted:
    """What Belay submitted in its newest operation on a stack, to recognize it by.

    ``change_set_id`` is an ARN, ``templates`` the SHA-256 (hex) of the texts submitted, ``at`` when (ISO 8601 in UTC).
    """

    change_set_id: str
    templates: tuple[str, ...]
    at: str


class OperationRecords(Records):
    """Items ``OPERATION#`` of a stack, ``NEWEST`` and ``SETTLED``; the last two do not expire.

    CloudFormation shows the result of a stack's last operation for years: without a record, it would look foreign.
    """

    def record(
        self,
        stack_id: str,
        token: str,
        of: ReleaseReference | Origin,
        stage: str,
        *,
        purpose: Purpose,
        now: str,
        change_set_id: str | None = None,
        templates: Sequence[str] = (),
    ) -> None:
        """Record who started a stack operation, and what it submits if it executes a change set."""
        noted: Item = {"attempt": of.attempt, "stage": stage, "purpose": purpose.value, "at": now}
        noted |= {"release": of.to_dict()} if isinstance(of, ReleaseReference) else {}
        noted |= {"change_set_id": change_set_id, "templates": list(templates)} if change_set_id else {}
        pk = f"STACK#{stack_id}"
        self._table.transact(
            self._table.new({"PK": pk, "SK": f"OPERATION#{token}", "expires": kept_until(now)} | noted),
            self._table.new({"PK": pk, "SK": _NEWEST, "token": token} | noted),
        )

    def get(self, stack_id: str, token: str) -> Operation | None:
        """Return the record of a stack event's operation; None if its origin is unknown."""
        if not token:
            return None
        item = self._table.get(f"STACK#{stack_id}", f"OPERATION#{token}")
        if item is None or not is_current(item):
            newest = self._table.get(f"STACK#{stack_id}", _NEWEST)
            item = newest if newest is not None and newest["token"] == token else None
        return None if item is None else Operation.from_item(item)

    def submitted(self, stack_id: str) -> Submitted | None:
        """Return what the newest operation on a stack submitted, if that is Belay's and executes a change set."""
        item = self._table.get(f"STACK#{stack_id}", _NEWEST)
        if item is None or "change_set_id" not in item:
            return None
        return Submitted(item["change_set_id"], tuple(item["templates"]), item["at"])

    def note_settled(self, stack_id: str, standing: str) -> None:
        """Record that a failure has been handled; ``standing`` is the stack's state after that."""
        self._table.put({"PK": f"STACK#{stack_id}", "SK": _SETTLED, "standing": standing})

    def settled(self, stack_id: str) -> str | None:
        """Return a stack's state when its last failure was handled; None if there was none."""
        item = self._table.get(f"STACK#{stack_id}", _SETTLED)
        return None if item is None else str(item["standing"])
