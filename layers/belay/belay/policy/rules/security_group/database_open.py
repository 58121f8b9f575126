"""Database and cache ports open to the Internet."""

from collections.abc import Iterator

from belay.policy.exposed_ports import exposed
from belay.policy.model import TCP, UDP, SecurityGroup
from belay.policy.policies import Policy, Violation
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Severity

POLICY = Policy(
    title="A database is reachable from the whole Internet",
    severity=Severity.CRITICAL,
    why="A database's own login is then the only thing between strangers and the data.",
    fix="Allow only the security group of the service that uses the database.",
    source="https://www.iana.org/assignments/service-names-port-numbers",
    internet="ingress",
)
PORTS = {
    (TCP, 1433): "SQL Server",
    (UDP, 1434): "SQL Server Browser",
    (TCP, 1521): "Oracle",
    (TCP, 2483): "Oracle",
    (TCP, 2484): "Oracle over TLS",
    (TCP, 3306): "MySQL",
    (TCP, 5432): "PostgreSQL",
    (TCP, 5439): "Redshift",
    (TCP, 5984): "CouchDB",
    (TCP, 6379): "Redis",
    (TCP, 7000): "Cassandra",
    (TCP, 7001): "Cassandra over TLS",
    (TCP, 8182): "Neptune",
    (TCP, 9042): "Cassandra",
    (TCP, 9200): "Elasticsearch",
    (TCP, 9300): "Elasticsearch",
    (TCP, 11211): "Memcached",
    (UDP, 11211): "Memcached",
    (TCP, 27017): "MongoDB",
    (TCP, 27018): "MongoDB",
    (TCP, 27019): "MongoDB",
    (TCP, 50000): "Db2",
}


def check(group: SecurityGroup, settings: PolicySettings) -> Iterator[Violation]:
    """Report which of the ports the group opens to the Internet."""
    return exposed(group, PORTS)
