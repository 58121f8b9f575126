"""How the executor connects to the database: over verified TLS, with IAM or with a secret."""

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pg8000.native

from belay.database.executor import DatabaseAddress
from packs.executors.serving import RefusedRequest
from packs.postgresql.session import DatabaseSession

NONE: Final = "none"
"""The value of an unused setting: an environment variable cannot be empty."""

CONNECT_SECONDS: Final = 10
"""How long connecting may take; a statement has no time limit."""


@dataclass(frozen=True)
class Login:
    """The operator's own settings, for what a request leaves empty. ``ca_bundle`` is the CA file."""

    database_name: str
    database_user: str
    secret_arn: str
    ca_bundle: str


def connect(address: DatabaseAddress, own: Login, client: Callable[[str], Any]) -> DatabaseSession:
    """Return a connection. ``client`` creates boto3's. Raises ``RefusedRequest`` if no user is given."""
    secret = address.secret or (own.secret_arn if own.secret_arn != NONE else "")
    if secret:
        found = json.loads(client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
        user, password = str(found["username"]), str(found["password"])
    else:
        user = address.user or (own.database_user if own.database_user != NONE else "")
        if not user:
            raise RefusedRequest(
                "database: user: expected a user or a secret, in the request or in the executor's settings"
            )
        # Signed here, without a call: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
        password = client("rds").generate_db_auth_token(DBHostname=address.endpoint, Port=address.port, DBUsername=user)
    connection = pg8000.native.Connection(
        user,
        host=address.endpoint,
        port=address.port,
        database=address.name or own.database_name,
        password=password,
        ssl_context=tls(own.ca_bundle),
        timeout=CONNECT_SECONDS,
        application_name="belay",
    )
    # The same limit would end a long statement.
    connection._usock.settimeout(None)
    return DatabaseSession(connection)


def tls(ca_bundle: str) -> ssl.SSLContext | bool:
    """Return the TLS context that verifies a connection: the chain up to a CA of the bundle, and the host's name.

    Without a bundle there is no TLS: only the embedded engine's databases, on the same machine, have none.
    """
    return ssl.create_default_context(cafile=ca_bundle) if ca_bundle != NONE else False
