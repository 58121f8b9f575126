"""The registrations that cannot be read, so that each is announced once."""

from dataclasses import dataclass

from belay.aws.dynamodb import Item
from belay.ledger.records import Records, read_each

_PK = "UNREADABLE"


@dataclass(frozen=True)
class UnreadableRegistration:
    """A parameter with the same problems ``since`` a time; ``digest`` identifies the problems."""

    parameter: str
    digest: str
    since: str


class RegistrationRecords(Records):
    """Items of the partition ``UNREADABLE``."""

    def note_unreadable(self, parameter: str, digest: str, now: str) -> UnreadableRegistration:
        """Record that a parameter cannot be read; one with the same problems as before is left unchanged."""
        self._table.update(
            _PK,
            parameter,
            "SET digest = :digest, since = :now",
            "attribute_not_exists(PK) OR digest <> :digest",
            {":digest": digest, ":now": now},
        )
        item = self._table.get(_PK, parameter) or {}
        return UnreadableRegistration(parameter, digest, str(item.get("since", now)))

    def unreadable(self, faults: list[Exception] | None = None) -> list[UnreadableRegistration]:
        """Return the parameters that could not be read, by name; ``faults`` as for ``read_each``."""
        return read_each(self._table.query(_PK), _unreadable, faults)

    def forget(self, unreadable: UnreadableRegistration) -> None:
        """Remove a parameter that can be read again, or was deleted."""
        self._table.delete(_PK, unreadable.parameter)


def _unreadable(item: Item) -> UnreadableRegistration:
    return UnreadableRegistration(item["SK"], item["digest"], item["since"])
