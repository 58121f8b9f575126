"""The registrations that cannot be read, so that people are told of each once."""

from dataclasses import dataclass

from belay.aws.dynamodb import Table

_PK = "UNREADABLE"


@dataclass(frozen=True)
class UnreadableRegistration:
    """A parameter with the same problems ``since`` a time; ``digest`` identifies the problems."""

    parameter: str
    digest: str
    since: str


class RegistrationRecords:
    """Items of the partition ``UNREADABLE``."""

    def __init__(self, table: Table) -> None:
        self._table = table

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

    def unreadable(self) -> list[UnreadableRegistration]:
        """Return every parameter that could not be read, in the order of their names."""
        return [UnreadableRegistration(i["SK"], i["digest"], i["since"]) for i in self._table.query(_PK)]

    def forget(self, unreadable: UnreadableRegistration) -> None:
        """Remove a parameter that can be read again, or is gone."""
        self._table.delete(_PK, unreadable.parameter)
