"""The PostgreSQL behind the engine's RDS: rows, users, and endpoints that belong to names."""

import json
import os
import signal
import socket
import struct
from contextlib import closing, suppress
from dataclasses import replace

import boto3
import pg8000.native
import pytest
from pg8000.exceptions import DatabaseError, InterfaceError

from local.engine import EmbeddedEngine
from local.postgres import Address, connect

MASTER = {"MasterUsername": "orders", "MasterUserPassword": "not-a-secret"}
INSTANCE = {"DBInstanceClass": "db.t3.micro", "Engine": "postgres", "AllocatedStorage": 20, "DBName": "shop"}


@pytest.fixture
def rds(aws):
    return aws("rds")


class Databases:
    """Instances of RDS, and the content of their databases."""

    def __init__(self, rds, until):
        self.rds, self.until = rds, until

    def create(self, name, **options):
        self.rds.create_db_instance(DBInstanceIdentifier=name, **{**INSTANCE, **MASTER, **options})
        return self.available(name)

    def snapshot(self, name, snapshot):
        self.rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot)
        return self.taken(snapshot)

    def taken(self, snapshot):
        def status():
            return self.rds.describe_db_snapshots(DBSnapshotIdentifier=snapshot)["DBSnapshots"][0]["Status"]

        self.until(status, lambda seen: seen == "available")
        return snapshot

    def restore(self, name, snapshot):
        self.rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot)
        return self.available(name)

    def rename(self, old, new):
        self.rds.modify_db_instance(DBInstanceIdentifier=old, NewDBInstanceIdentifier=new, ApplyImmediately=True)
        return self.available(new)

    def available(self, name):
        def look():
            with suppress(self.rds.exceptions.DBInstanceNotFoundFault):
                return self.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]

        found = self.until(look, lambda seen: seen and seen["DBInstanceStatus"] == "available")
        return address(found["Endpoint"]["Address"], found["Endpoint"]["Port"])


@pytest.fixture
def databases(rds, until):
    return Databases(rds, until)


def address(host, port):
    return Address(host, port, MASTER["MasterUsername"], MASTER["MasterUserPassword"], "shop")


def run(where, *statements):
    with closing(connect(where)) as connection:
        return [connection.run(statement) for statement in statements][-1]


def greets(client):
    """Whether a server responds to the TLS request, by refusing it."""
    client.sendall(struct.pack("!ii", 8, 80877103))
    with suppress(ConnectionResetError):
        return client.recv(1) == b"N"


def reaches(where):
    with socket.create_connection((where.host, where.port)) as client:
        return greets(client)


def numbers(where):
    return [number for (number,) in run(where, "SELECT number FROM kept ORDER BY 1")]


KEEP = "CREATE TABLE kept (number integer PRIMARY KEY)"


def test_a_database_has_its_master_user_who_is_no_superuser(databases, unique):
    where = databases.create(unique("database"))

    assert run(where, "SELECT current_user, current_database()") == [["orders", "shop"]]
    assert run(where, "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user") == [
        [False, True, True]
    ]
    assert run(where, KEEP, "SELECT count(*) > 0 FROM pg_stat_statements") == [[True]]
    with pytest.raises(DatabaseError, match="permission denied"):
        run(where, "COPY (SELECT 1) TO PROGRAM 'cat'")
    with pytest.raises(DatabaseError, match="password authentication failed"):
        connect(Address(where.host, where.port, "orders", "wrong"))


def test_a_snapshot_has_the_rows_of_its_time_while_clients_work(databases, unique):
    name, snapshot = unique("database"), unique("snapshot")
    where = databases.create(name)
    with closing(connect(where)) as client:
        client.run(KEEP)
        client.run("INSERT INTO kept VALUES (1)")
        client.run("BEGIN")
        client.run("INSERT INTO kept VALUES (2)")
        databases.snapshot(name, snapshot)
        client.run("COMMIT")
    databases.rds.copy_db_snapshot(SourceDBSnapshotIdentifier=snapshot, TargetDBSnapshotIdentifier=f"{snapshot}-copied")
    databases.rds.delete_db_snapshot(DBSnapshotIdentifier=snapshot)

    restored = databases.restore(f"{name}-restored", databases.taken(f"{snapshot}-copied"))

    assert (numbers(restored), numbers(where)) == ([1], [1, 2])
    assert restored.port == where.port


def test_an_endpoint_belongs_to_the_name(databases, unique):
    name, snapshot = unique("database"), unique("snapshot")
    where = databases.create(name)
    run(where, KEEP, "INSERT INTO kept VALUES (1)")
    databases.snapshot(name, snapshot)
    run(where, "INSERT INTO kept VALUES (2)")
    databases.restore(f"{name}-new", snapshot)

    with socket.create_connection((where.host, where.port)) as client:
        assert greets(client)
        replaced = databases.rename(name, f"{name}-old")
        assert client.recv(1) == b""
    assert not reaches(where)
    assert databases.rename(f"{name}-new", name) == where

    assert (numbers(where), numbers(replaced)) == ([1], [1, 2])


def test_a_deleted_database_leaves_its_final_snapshot(databases, unique):
    name, snapshot = unique("database"), unique("snapshot")
    where = databases.create(name)
    run(where, KEEP, "INSERT INTO kept VALUES (1)")

    databases.rds.delete_db_instance(DBInstanceIdentifier=name, FinalDBSnapshotIdentifier=snapshot)

    # Another process may be listening at its port by now.
    with pytest.raises((DatabaseError, InterfaceError)):
        run(where, "SELECT 1")
    assert numbers(databases.restore(name, databases.taken(snapshot))) == [1]


def test_a_restore_to_a_point_in_time_has_what_is_there_now(databases, unique):
    name = unique("database")
    run(databases.create(name), KEEP, "INSERT INTO kept VALUES (1)")

    databases.rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier=name, TargetDBInstanceIdentifier=f"{name}-then", UseLatestRestorableTime=True
    )

    assert numbers(databases.available(f"{name}-then")) == [1]


def test_a_stopped_database_is_not_reachable(databases, unique):
    name = unique("database")
    where = databases.create(name)
    run(where, KEEP)

    databases.rds.stop_db_instance(DBInstanceIdentifier=name)
    assert not reaches(where)
    databases.rds.start_db_instance(DBInstanceIdentifier=name)

    assert numbers(databases.available(name)) == []


def test_a_new_password_is_the_servers(databases, unique):
    name = unique("database")
    where = databases.create(name)
    run(where, KEEP)

    databases.rds.modify_db_instance(DBInstanceIdentifier=name, MasterUserPassword="another", ApplyImmediately=True)

    with pytest.raises(DatabaseError, match="password authentication failed"):
        connect(where)
    assert run(Address(where.host, where.port, "orders", "another", "shop"), "SELECT 1") == [[1]]


def test_a_managed_password_is_in_the_secret_and_rotates(aws, databases, rds, unique):
    name = unique("database")
    rds.create_db_instance(
        DBInstanceIdentifier=name, **INSTANCE, MasterUsername="orders", ManageMasterUserPassword=True
    )
    where = databases.available(name)
    arn = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["MasterUserSecret"]["SecretArn"]

    def credentials():
        return json.loads(aws("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])

    def connects(secret):
        with closing(connect(Address(where.host, where.port, secret["username"], secret["password"], "shop"))) as to:
            return to.run("SELECT current_user") == [["orders"]]

    first = credentials()
    assert connects(first)
    rds.modify_db_instance(DBInstanceIdentifier=name, RotateMasterUserPassword=True, ApplyImmediately=True)
    with pytest.raises(DatabaseError, match="password authentication failed"):
        connects(first)
    assert connects(credentials())

    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    with pytest.raises(aws("secretsmanager").exceptions.ResourceNotFoundException):
        credentials()


def test_a_clusters_endpoints_are_one_server_whose_snapshot_has_its_rows(rds, until, unique):
    name, snapshot = unique("cluster"), unique("snapshot")

    def available(cluster):
        def look():
            return rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]

        return until(look, lambda seen: seen["Status"] == "available")

    rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-postgresql", DatabaseName="shop", **MASTER)
    rds.create_db_instance(
        DBInstanceIdentifier=f"{name}-1",
        DBClusterIdentifier=name,
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
    )
    found = available(name)
    where = address(found["Endpoint"], found["Port"])
    run(where, KEEP, "INSERT INTO kept VALUES (1)")
    rds.create_db_cluster_snapshot(DBClusterIdentifier=name, DBClusterSnapshotIdentifier=snapshot)
    until(
        lambda: rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=snapshot)["DBClusterSnapshots"][0],
        lambda seen: seen["Status"] == "available",
    )
    run(where, "INSERT INTO kept VALUES (2)")
    rds.restore_db_cluster_from_snapshot(
        DBClusterIdentifier=f"{name}-restored", SnapshotIdentifier=snapshot, Engine="aurora-postgresql"
    )

    restored = available(f"{name}-restored")
    member = rds.describe_db_instances(DBInstanceIdentifier=f"{name}-1")["DBInstances"][0]["Endpoint"]
    assert (member["Address"], member["Port"]) == (where.host, where.port)
    assert numbers(address(found["ReaderEndpoint"], found["Port"])) == [1, 2]
    assert numbers(address(restored["Endpoint"], restored["Port"])) == [1]


def test_each_region_has_databases_of_its_own(databases, engine, unique, until):
    elsewhere = boto3.client(
        "rds",
        endpoint_url=engine.endpoint,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    name = unique("database")
    here, there = databases.create(name), Databases(elsewhere, until).create(name)

    run(here, KEEP)

    assert run(there, "SELECT to_regclass('kept')") == [[None]]


def test_a_killed_engine_leaves_no_server(tmp_path, unique, until):
    engine = EmbeddedEngine.start(directory=tmp_path)
    where = Databases(engine.client("rds"), until).create("database")
    table = unique("table").replace("-", "_")
    run(where, f"CREATE TABLE {table} ()")
    [[port]] = run(where, "SELECT inet_server_port()")
    server = replace(where, host="127.0.0.1", port=port)

    os.kill(engine.process_group, signal.SIGKILL)

    def is_there():
        # Another process may be listening at its port by now.
        login = {"user": server.user, "password": server.password, "database": server.database}
        with (
            suppress(ConnectionError, DatabaseError, InterfaceError),
            socket.create_connection((server.host, server.port), 30.0) as client,
            closing(pg8000.native.Connection(**login, sock=client)) as connection,
        ):
            return connection.run(f"SELECT to_regclass('{table}')") == [[table]]

    until(is_there, lambda seen: not seen)
    engine.stop()
    assert [path.name for path in tmp_path.iterdir()] == [engine.log.name]
