"""Gap: nothing listens at the endpoints of moto's databases.

Here the endpoint of a PostgreSQL database is a loopback address that belongs to its name, and its port. Connections
reach the database that has the name at that time, so a client keeps its endpoint over a restore as on AWS; for a name
without an available database, they are closed immediately. Security groups are ignored. It can be removed once moto has
databases.
"""

import asyncio
import logging
import os
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.rds.models import DBCluster, DBInstance, rds_backends

from local.bridges import database_restores, database_servers, moto_services
from local.postgres import Address

NOT_REACHABLE = ("creating", "rebooting", "stopped", "deleting")
CHUNK_BYTES = 65_536
WAITING_CONNECTIONS = 64


@dataclass(frozen=True)
class EndpointName:
    """What an endpoint belongs to."""

    account: str
    region: str
    kind: str
    identifier: str


@dataclass(frozen=True)
class Endpoint:
    """An address and port at which the engine listens."""

    host: str
    port: int


class Endpoints:
    """The endpoints by name; each is opened on first use."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._known: dict[EndpointName, tuple[Endpoint, asyncio.Server]] = {}
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def of(self, name: EndpointName, port: int) -> Endpoint:
        """A name's endpoint, with this port if it is free at one of the loopback addresses, else with another one."""
        known = self._known.get(name)
        if known is not None and known[0].port == port:
            return known[0]
        listening = _listen(port)
        host, chosen = listening.getsockname()[:2]
        self.forget(name)
        self._known[name] = (Endpoint(host, chosen), self._run(self._serve(name, listening)))
        return self._known[name][0]

    def forget(self, name: EndpointName) -> None:
        """Stop listening at a name's endpoint."""
        known = self._known.pop(name, None)
        if known is not None:
            self._loop.call_soon_threadsafe(known[1].close)

    def reset(self) -> None:
        """Stop listening everywhere."""
        for name in [*self._known]:
            self.forget(name)

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _serve(self, name: EndpointName, listening: socket.socket) -> asyncio.Server:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                address = await asyncio.to_thread(_address, name, self._seconds)
                to_reader, to_writer = await asyncio.open_connection(address.host, address.port)
            except Exception as error:
                logging.getLogger(__name__).warning("no connection to %s: %s", name.identifier, error)
                writer.close()
                return
            await asyncio.gather(_pass_on(reader, to_writer), _pass_on(to_reader, writer))

        return await asyncio.start_server(serve, sock=listening)


endpoints: Endpoints
"""The engine's; set by ``install``."""


def install(seconds: float) -> None:
    """Listen at the endpoints of PostgreSQL's databases; ``seconds`` is how long a rename takes."""
    global endpoints  # noqa: PLW0603
    endpoints = Endpoints(seconds)
    _show_instances()
    _show_clusters()
    _forget_deleted()


def _show_instances() -> None:
    shown = DBInstance.endpoint.fget  # type: ignore[attr-defined]

    def endpoint(self: DBInstance) -> dict[str, Any]:
        found = _endpoint(self) if self.backend.databases.get(self.db_instance_identifier) is self else None
        return {"Address": found.host, "Port": found.port} if found else shown(self)

    DBInstance.endpoint = property(endpoint)  # type: ignore[assignment]


def _show_clusters() -> None:
    create = DBCluster.__init__
    shown, shown_for_readers = DBCluster.endpoint.fget, DBCluster.reader_endpoint.fget  # type: ignore[attr-defined]

    def create_at_endpoint(self: DBCluster, *args: Any, **kwargs: Any) -> None:
        create(self, *args, **kwargs)
        found = _endpoint(self)
        if found is not None:
            self.port = found.port

    def show(otherwise: Any) -> property:
        def endpoint(self: DBCluster) -> str:
            found = _endpoint(self) if self.backend.clusters.get(self.db_cluster_identifier) is self else None
            return found.host if found else otherwise(self)

        return property(endpoint)

    DBCluster.__init__ = create_at_endpoint  # type: ignore[method-assign]
    DBCluster.endpoint = show(shown)  # type: ignore[assignment,method-assign]
    DBCluster.reader_endpoint = show(shown_for_readers)  # type: ignore[assignment,method-assign]


def _forget_deleted() -> None:
    for operation in ("delete_db_instance", "delete_db_cluster"):
        database_servers.afterwards(operation, lambda database: endpoints.forget(_name(database)))


def _endpoint(database: database_servers.Owner) -> Endpoint | None:
    owner = database_servers.owner_of(database)
    return None if owner is None else endpoints.of(_name(owner), int(owner.port or 0))


def _name(database: database_servers.Owner) -> EndpointName:
    kind = "cluster" if isinstance(database, DBCluster) else "db"
    return EndpointName(database.account_id, database.region, kind, database.resource_id)


def _address(name: EndpointName, seconds: float) -> Address:
    """Return where the server of the database with this name is listening. Raises ``LookupError`` if it is not
    reachable.
    """
    with moto_services.one_at_a_time:
        backend = rds_backends[name.account][name.region]
        database_restores.settle(backend, seconds)
        those: Any = backend.clusters if name.kind == "cluster" else backend.databases
        found = those.get(name.identifier)
    if found is None or found.status in NOT_REACHABLE:
        raise LookupError(f"it is {found.status}" if found else "there is none")
    return database_servers.servers.of(found).address(found)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


def _listen(port: int) -> socket.socket:
    for host in _hosts():
        try:
            return _listening(host, port)
        except OSError:
            continue
    return _listening("127.0.0.1", 0)


def _hosts() -> Iterator[str]:
    """The loopback addresses: Linux has sixteen million, some of them used by an engine itself, others have two."""
    if sys.platform != "linux":
        return iter(("127.0.0.1", "::1"))
    process = os.getpid()
    return (f"127.{process >> 8 & 127 | 64}.{process & 255}.{last}" for last in range(1, 255))


def _listening(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(WAITING_CONNECTIONS)
    except OSError:
        listening.close()
        raise
    return listening
