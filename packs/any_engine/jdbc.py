"""The JDBC URL of a database, with verified TLS; it never contains the login."""

from typing import Final

from belay.database.executor import DatabaseAddress
from belay.sql.changes import Engine

_URLS: Final = {
    Engine.POSTGRESQL: "jdbc:postgresql://{endpoint}:{port}/{name}?sslmode=verify-full&sslrootcert={ca}",
    Engine.MYSQL: "jdbc:mysql://{endpoint}:{port}/{name}?sslMode=VERIFY_IDENTITY",
    Engine.MARIADB: "jdbc:mariadb://{endpoint}:{port}/{name}?sslMode=verify-full&serverSslCert={ca}",
    Engine.ORACLE: "jdbc:oracle:thin:@tcps://{endpoint}:{port}/{name}?ssl_server_dn_match=true",
    Engine.SQLSERVER: "jdbc:sqlserver://{endpoint}:{port};databaseName={name};encrypt=true;trustServerCertificate=false",
    Engine.DB2: "jdbc:db2://{endpoint}:{port}/{name}:sslConnection=true;sslCertLocation={ca};",
}
"""Drivers without a CA file option use Java's, into which the build imports Amazon RDS's."""


def url(address: DatabaseAddress, name: str, ca_bundle: str, template: str = "") -> str:
    """Return the URL; ``template`` is the operator's own, with ``{endpoint}``, ``{port}``, ``{name}`` and ``{ca}``."""
    database = address.name or name
    parts = {"endpoint": address.endpoint, "port": str(address.port), "name": database, "ca": ca_bundle}
    made = template or _URLS[address.engine]
    for part, value in parts.items():
        made = made.replace(f"{{{part}}}", value)
    return made
