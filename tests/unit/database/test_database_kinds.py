"""The descriptions of the kinds of database, checked against botocore's model of RDS."""

from dataclasses import dataclass, replace
from typing import Any, cast

import botocore.session
import pytest

from belay.database.cluster import CLUSTER
from belay.database.instance import INSTANCE
from belay.database.kind import DatabaseKind, UnitKind
from belay.database.kinds import KINDS, UNIT_KINDS
from belay.documents import plain, read
from belay.errors import UnreadableRecord
from belay.release.origin import Origin
from belay.release.registration import Application, Database, Stage, parse_stage
from belay.rollback.rehearsal import check_snapshot_quota

ARN = "arn:aws:rds:eu-west-1:111122223333"
MODEL = botocore.session.get_session().get_service_model("rds")


@dataclass(frozen=True)
class Kept:
    """A stored document with databases, such as an accepted release."""

    databases: tuple[Database, ...]


def taken(operation: str) -> set[str]:
    return set(MODEL.operation_model(operation).input_shape.members)


def listed(operation: str, key: str) -> set[str]:
    """The keys of what a describe call lists."""
    return set(MODEL.operation_model(operation).output_shape.members[key].member.members)


@pytest.mark.parametrize("kind", UNIT_KINDS, ids=str)
def test_what_a_unit_is_called_is_what_rds_calls_it(kind: UnitKind) -> None:
    assert kind.identifier in taken(kind.describe)
    assert {kind.identifier, f"New{kind.identifier}", "ApplyImmediately"} <= taken(kind.modify)
    assert {kind.identifier, "RoleArn", "FeatureName"} <= taken(kind.add_role)
    assert {kind.identifier, f"{kind.noun}Arn", kind.status_key, kind.id_key} <= listed(kind.describe, kind.listed)
    given = {kind.identifier, "Tags", *kind.of_snapshot, *kind.unless_of_snapshot, *filter(None, [kind.made_in])}
    assert given <= taken(kind.made_by)


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_what_the_snapshots_of_a_kind_are_called_is_what_rds_calls_them(kind: DatabaseKind) -> None:
    described = listed(kind.describe, kind.listed)
    snapshot = listed(kind.snapshot.describe, kind.snapshot.listed)
    assert {kind.identifier, kind.snapshot.identifier, "SnapshotType"} <= taken(kind.snapshot.describe)
    assert {kind.identifier, kind.snapshot.identifier, "Tags"} == taken(kind.snapshot.create)
    assert taken(kind.snapshot.delete) == {kind.snapshot.identifier}
    assert {kind.snapshot.identifier, kind.identifier, kind.id_key, f"{kind.snapshot.noun}Arn"} <= snapshot
    assert {*kind.of_snapshot.values(), *kind.unless_of_snapshot} <= snapshot
    assert {*kind.obstacles, kind.replicas, *filter(None, [kind.part_of])} <= described
    assert kind.proxy_target in listed("DescribeDBProxyTargets", "Targets")


@pytest.mark.parametrize(
    ("kind", "arn", "snapshot"),
    [
        (
            INSTANCE,
            "arn:aws:rds:eu-west-1:111122223333:db:orders",
            "arn:aws:rds:eu-west-1:111122223333:snapshot:orders",
        ),
        (
            CLUSTER,
            "arn:aws:rds:eu-west-1:111122223333:cluster:orders",
            "arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:orders",
        ),
    ],
)
def test_a_snapshots_arn_is_told_from_its_databases(kind: DatabaseKind, arn: str, snapshot: str) -> None:
    assert kind.snapshot_arn({f"{kind.noun}Arn": arn}) == snapshot


def test_an_instance_has_no_members_and_a_cluster_its_writer_first() -> None:
    described: dict[str, Any] = {
        "DBClusterMembers": [
            {"DBInstanceIdentifier": "reader", "IsClusterWriter": False},
            {"DBInstanceIdentifier": "writer", "IsClusterWriter": True},
        ]
    }
    assert INSTANCE.members is None
    assert CLUSTER.members is not None
    assert CLUSTER.members.names(described) == ["writer", "reader"]


def registered(kind: str) -> Database:
    role = "arn:aws:iam::123456789012:role/x"
    text = f"service_role: {role}\nstacks: {{a: {{name: a}}}}\ndatabases: [{{{kind}: Orders-DB}}]"
    stage = parse_stage(Application("orders", (("production",),), None, {}), "production", text)
    assert isinstance(stage, Stage)
    return stage.databases[0]


@pytest.mark.parametrize("name", [*KINDS, "third"])
def test_whatever_the_table_has_can_be_registered(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    third = replace(CLUSTER, name="third", snapshot_quota="ThirdSnapshots", longest_snapshot_name=40)
    monkeypatch.setitem(cast(dict[str, DatabaseKind], KINDS), "third", third)
    database = registered(name)
    quota = {database.kind.snapshot_quota: (99, 100)}
    origin = Origin("orders", "1.2.0", "0123456789ab")

    assert (database.kind, database.identifier) == (KINDS[name], "orders-db")
    assert len(database.snapshot_name(origin, "x" * 300)) == database.kind.longest_snapshot_name
    assert check_snapshot_quota([database], quota).reason == f"99 of 100 {database.kind.snapshot_quota} taken"


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_a_document_names_a_kind_and_one_that_nobody_knows_is_refused(kind: DatabaseKind) -> None:
    kept = Kept((Database(kind, "orders-db"),))
    document = {"databases": [f"{kind.name} orders-db"]}

    assert plain(kept) == document
    assert read(Kept, document, "release.json") == kept
    with pytest.raises(UnreadableRecord, match="expected Database, found 'fourth orders-db'"):
        read(Kept, {"databases": ["fourth orders-db"]}, "release.json")
