"""Connecting to PostgreSQL: verified TLS, a login by IAM or by a secret, and starting workers."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pg8000.exceptions
import pytest
from botocore.stub import Stubber
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from belay.database.executor import DatabaseAddress
from belay.sql.changes import Engine
from local.postgres import Address
from packs.executors.serving import RefusedRequest
from packs.postgresql import app
from packs.postgresql import connecting as way_in

NOW = datetime.now(UTC)


def certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, *hosts: str
) -> bytes:
    """A certificate in PEM; without hosts it is a CA's."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    by = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])
    builder = x509.CertificateBuilder(by, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=not hosts, path_length=None), critical=True)
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
    ).add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    if hosts:
        names = [x509.IPAddress(ipaddress.ip_address(each)) for each in hosts]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


QUIET_SECONDS = 60.0
"""A client that sends nothing for this long is dropped."""


class Front(threading.Thread):
    """TLS in front of a server that is built without it; it ends with its listening socket."""

    def __init__(self, server: Address, context: ssl.SSLContext) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.context = context
        self.listening = socket.create_server(("127.0.0.1", 0))

    def run(self) -> None:
        while True:
            try:
                plain, _ = self.listening.accept()
            except OSError:
                return
            with plain:
                plain.settimeout(QUIET_SECONDS)
                plain.recv(8)
                plain.sendall(b"S")
                with contextlib.suppress(OSError), self.context.wrap_socket(plain, server_side=True) as client:
                    self._relay(client)

    def _relay(self, client: ssl.SSLSocket) -> None:
        with socket.create_connection((self.server.host, self.server.port)) as server:
            while True:
                ready = [client] if client.pending() else select.select([client, server], [], [], QUIET_SECONDS)[0]
                if not ready:
                    return
                for source, target in ((client, server), (server, client)):
                    if source in ready:
                        data = source.recv(65536)
                        if not data:
                            return
                        target.sendall(data)


@pytest.fixture(scope="module")
def with_tls(postgres: Address, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Address, Path, Path]]:
    """A server with a certificate for 127.0.0.1, its CA, and another CA."""
    directory = tmp_path_factory.mktemp("tls")
    ours, other, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    (directory / "ours.pem").write_bytes(certificate("ours", ours, "ours", ours))
    (directory / "other.pem").write_bytes(certificate("ours", other, "ours", other))
    private = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / "server.pem").write_bytes(private + certificate("db", server_key, "ours", ours, "127.0.0.1"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem")
    front = Front(postgres, context)
    front.start()
    port = int(front.listening.getsockname()[1])
    yield replace(postgres, port=port), directory / "ours.pem", directory / "other.pem"
    front.listening.shutdown(socket.SHUT_RDWR)
    front.listening.close()
    front.join(QUIET_SECONDS * 2)
    assert not front.is_alive(), "the front did not end with the socket that it listens on"


def where(address: Address, **more: Any) -> DatabaseAddress:
    made = DatabaseAddress(Engine.POSTGRESQL, "instance", "db", address.host, address.port, address.database)
    return replace(made, **more)


class Clients:
    """The AWS calls of the connection: a secret, and a token."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.asked: list[Any] = []

    def __call__(self, service: str) -> Clients:
        self.asked.append(service)
        return self

    def get_secret_value(self, **asked: str) -> dict[str, str]:
        self.asked.append(asked)
        secret = {"username": self.address.user, "password": self.address.password}
        return {"SecretString": json.dumps(secret)}

    def generate_db_auth_token(self, **asked: Any) -> str:
        self.asked.append(asked)
        return self.address.password


def test_a_server_with_a_certificate_of_the_bundle_is_connected_to(with_tls: tuple[Address, Path, Path]) -> None:
    address, ours, _ = with_tls
    own = way_in.Login("postgres", "none", "arn:secret", str(ours))
    session = way_in.connect(where(address), own, Clients(address))
    assert session.rows("SELECT 1") == [[1]]
    session.close()


def test_a_server_of_another_authority_is_refused(with_tls: tuple[Address, Path, Path]) -> None:
    address, _, other = with_tls
    own = way_in.Login("postgres", "none", "arn:secret", str(other))
    with pytest.raises(Exception, match="certificate verify failed"):
        way_in.connect(where(address), own, Clients(address))


def test_a_server_of_another_name_is_refused(with_tls: tuple[Address, Path, Path]) -> None:
    address, ours, _ = with_tls
    own = way_in.Login("postgres", "none", "arn:secret", str(ours))
    with pytest.raises(Exception, match=r"doesn't match|not valid for|mismatch"):
        way_in.connect(where(address, endpoint="localhost"), own, Clients(address))


def test_a_server_without_tls_is_refused(postgres: Address, with_tls: tuple[Address, Path, Path]) -> None:
    own = way_in.Login("postgres", "none", "arn:secret", str(with_tls[1]))
    with pytest.raises(pg8000.exceptions.InterfaceError, match="refuses SSL"):
        way_in.connect(where(postgres), own, Clients(postgres))


@pytest.mark.parametrize(
    ("own", "request_has", "asked"),
    [
        (("none", "arn:own"), {}, ["secretsmanager", {"SecretId": "arn:own"}]),
        (("none", "arn:own"), {"secret": "arn:asked"}, ["secretsmanager", {"SecretId": "arn:asked"}]),
        (("rdsadmin", "none"), {}, ["rds", "rdsadmin"]),
        (("other", "none"), {"user": "rdsadmin"}, ["rds", "rdsadmin"]),
    ],
)
def test_the_login_is_the_request_s_or_the_executor_s_own(
    postgres: Address, own: tuple[str, str], request_has: dict[str, str], asked: list[Any]
) -> None:
    clients = Clients(postgres)
    credentials = way_in.Login("postgres", *own, way_in.NONE)
    way_in.connect(where(postgres, **request_has), credentials, clients).close()
    service, given = clients.asked
    assert [service, given.get("DBUsername", given)] == asked
    if service == "rds":
        assert (given["DBHostname"], given["Port"]) == (postgres.host, postgres.port)


def test_without_a_login_nothing_is_tried(postgres: Address) -> None:
    with pytest.raises(RefusedRequest, match="expected a user or a secret"):
        way_in.connect(where(postgres), way_in.Login("db", "none", "none", "none"), Clients(postgres))


SETTINGS = app.Settings("artifacts", "orders", "none", "arn:secret", "ca.pem", "5s", "0", "worker", "project")


@pytest.mark.parametrize(("project", "quick"), [("project", True), ("none", True), ("none", False)])
def test_the_function_does_what_is_quick(
    monkeypatch: pytest.MonkeyPatch, client: Callable[[str], tuple[Any, Stubber]], project: str, quick: bool
) -> None:
    database = DatabaseAddress(Engine.POSTGRESQL, "instance", "db", "db.example.com", 5432)
    made, stubber = client("lambda")
    payload = {
        "operation": "t",
        "database": {
            "engine": "postgresql",
            "kind": "instance",
            "identifier": "db",
            "endpoint": "db.example.com",
            "port": 5432,
            "name": "",
            "user": "",
            "secret": "",
        },
    }
    asked = {"FunctionName": "worker", "InvocationType": "Event", "Payload": json.dumps(payload).encode()}
    stubber.add_response("invoke", {"StatusCode": 202}, asked)
    monkeypatch.setattr(app, "_client", lambda service: made)
    app.start(replace(SETTINGS, build_project=project), "t", database, quick)
    stubber.assert_no_pending_responses()


def test_a_build_does_what_may_take_longer(
    monkeypatch: pytest.MonkeyPatch, client: Callable[[str], tuple[Any, Stubber]]
) -> None:
    database = DatabaseAddress(Engine.POSTGRESQL, "instance", "db", "db.example.com", 5432)
    made, stubber = client("codebuild")
    stubber.add_response("start_build", {"build": {"id": "project:1"}})
    monkeypatch.setattr(app, "_client", lambda service: made)
    app.start(SETTINGS, "t", database, quick=False)
    stubber.assert_no_pending_responses()


@pytest.fixture
def client() -> Callable[[str], tuple[Any, Stubber]]:
    import boto3  # noqa: PLC0415

    def make(service: str) -> tuple[Any, Stubber]:
        made = boto3.client(  # type: ignore[call-overload]
            service, region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        stubber = Stubber(made)
        stubber.activate()
        return made, stubber

    return make
