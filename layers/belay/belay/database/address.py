"""Where a database is, for its executor."""

from collections.abc import Mapping

from belay.database.executor import DatabaseAddress
from belay.database.kind import DatabaseKind, Description
from belay.sql.changes import Engine


def address_of(  # noqa: PLR0917 - all are parts of one address
    kind: DatabaseKind, description: Description | None, engine: Engine, name: str, user: str, secret: str
) -> DatabaseAddress | None:
    """Return the address of a database as RDS describes it; None while it has no endpoint.

    An instance's endpoint has its port, a cluster's is the writer's
    (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Endpoint.html,
    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html).
    """
    endpoint = None if description is None else description.get("Endpoint")
    if description is None or not endpoint:
        return None
    host, port = (endpoint["Address"], endpoint["Port"]) if isinstance(endpoint, Mapping) else (endpoint, None)
    return DatabaseAddress(
        engine=engine,
        kind=str(kind),
        identifier=str(description[kind.identifier]),
        endpoint=str(host),
        port=int(description["Port"] if port is None else port),
        name=name,
        user=user,
        secret=secret,
    )
