"""Observing a database, its members and its dependents, before and while it is restored."""

from collections.abc import Sequence
from dataclasses import replace

from belay.aws.rds import Databases
from belay.database.kind import Description, Members
from belay.database.restore import Place, Unit
from belay.release.registration import Database


def found(databases: Databases, unit: Unit) -> Unit:
    """Return a unit with what exists at each of its places."""
    places = {place: databases.describe(unit.kind, unit.at(place)) for place in Place}
    return replace(unit, found={place: each for place, each in places.items() if each is not None})


def members(databases: Databases, of: Members, described: Description) -> dict[str, Description]:
    """Return a database's members by name, in the order in which they are restored."""
    seen = {name: databases.describe(of.kind, name) for name in of.names(described)}
    return {name: each for name, each in seen.items() if each is not None}


def leaning(databases: Databases, database: Database, head: Unit) -> Sequence[str]:
    """Return dependents that the database's description does not show; looked up until the swap begins."""
    if head.original is None or head.original_place is not Place.NAME:
        return ()
    proxies = databases.proxies_of(database)
    deployments = databases.deployments_of(head.kind.arn(head.original))
    return (
        *(f"the proxy {name} uses it, and would not use the restored one" for name in proxies),
        *(f"the Blue/Green deployment {name} uses it" for name in deployments),
    )
