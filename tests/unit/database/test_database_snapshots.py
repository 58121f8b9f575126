"""Which databases can be snapshotted, a snapshot's progress and owner, and how its age is shown."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from belay.database.cluster import CLUSTER
from belay.database.instance import INSTANCE
from belay.database.snapshots import (
    Availability,
    SnapshotState,
    age_in_words,
    snapshot_of,
    snapshot_source,
    snapshot_tags,
)

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def instance(status: str = "available", **more: Any) -> dict[str, Any]:
    return {
        "DBInstanceIdentifier": "orders-db",
        "DBInstanceStatus": status,
        "DBInstanceArn": "arn:aws:rds:eu-west-1:111122223333:db:orders-db",
    } | more


def cluster(status: str = "available") -> dict[str, Any]:
    return {
        "DBClusterIdentifier": "orders-db",
        "Status": status,
        "DBClusterArn": "arn:aws:rds:eu-west-1:111122223333:cluster:orders-db",
    }


def snapshot(status: str = "available", **more: Any) -> dict[str, Any]:
    return {
        "DBSnapshotIdentifier": "belay-orders-1",
        "DBInstanceIdentifier": "orders-db",
        "DBSnapshotArn": "arn:aws:rds:eu-west-1:111122223333:snapshot:belay-orders-1",
        "Status": status,
        "SnapshotType": "manual",
        "SnapshotCreateTime": NOW - timedelta(minutes=12),
        "PercentProgress": 100,
        "TagList": [
            {"Key": key, "Value": value}
            for key, value in snapshot_tags("orders", "production", "1.3.0", "arn:x").items()
        ],
    } | more


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("available", Availability.READY),
        ("storage-optimization", Availability.READY),
        ("backing-up", Availability.NOT_YET),
        ("creating", Availability.NOT_YET),
        ("modifying", Availability.NOT_YET),
        ("rebooting", Availability.NOT_YET),
        ("starting", Availability.NOT_YET),
        ("upgrading", Availability.NOT_YET),
        ("stopped", Availability.NOT_POSSIBLE),
        ("deleting", Availability.NOT_POSSIBLE),
        ("failed", Availability.NOT_POSSIBLE),
        ("storage-full", Availability.NOT_POSSIBLE),
        ("incompatible-parameters", Availability.NOT_POSSIBLE),
        ("inaccessible-encryption-credentials", Availability.NOT_POSSIBLE),
    ],
)
def test_a_snapshot_needs_a_database_that_is_available(status: str, expected: Availability) -> None:
    assert snapshot_source(INSTANCE, "orders-db", instance(status)).availability is expected
    assert snapshot_source(CLUSTER, "orders-db", cluster(status)).availability is expected


def test_a_database_that_does_not_exist_yet_is_absent_and_no_fault() -> None:
    seen = snapshot_source(INSTANCE, "orders-db", None)
    assert seen.availability is Availability.ABSENT
    assert seen.in_words() == "instance orders-db does not exist"


def test_a_member_of_a_cluster_has_no_snapshots_of_its_own() -> None:
    seen = snapshot_source(INSTANCE, "orders-db-1", instance(DBClusterIdentifier="orders-db"))
    assert seen.availability is Availability.NOT_POSSIBLE
    assert seen.in_words() == "instance orders-db-1 is a member of cluster orders-db: register the cluster instead"


def test_what_is_seen_is_told_with_its_status() -> None:
    assert snapshot_source(CLUSTER, "orders-db", cluster()).in_words() == "cluster orders-db is available"
    assert snapshot_source(INSTANCE, "orders-db", instance()).in_words() == "instance orders-db is available"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("available", SnapshotState.AVAILABLE),
        ("creating", SnapshotState.CREATING),
        ("copying", SnapshotState.CREATING),
        ("pending", SnapshotState.CREATING),
        ("failed", SnapshotState.FAILED),
        ("deleting", SnapshotState.FAILED),
        ("incompatible-restore", SnapshotState.FAILED),
    ],
)
def test_how_far_a_snapshot_is(status: str, state: SnapshotState) -> None:
    assert snapshot_of(INSTANCE, snapshot(status)).state is state


def test_a_snapshot_being_created_has_no_time() -> None:
    description = snapshot("creating", PercentProgress=0)
    del description["SnapshotCreateTime"]
    assert snapshot_of(INSTANCE, description).created is None


def test_a_cluster_snapshot_is_read_by_its_own_names() -> None:
    read = snapshot_of(
        CLUSTER,
        {
            "DBClusterSnapshotIdentifier": "belay-orders-1",
            "DBClusterIdentifier": "orders-db",
            "DBClusterSnapshotArn": "arn:aws:rds:eu-west-1:111122223333:cluster-snapshot:belay-orders-1",
            "Status": "available",
            "SnapshotType": "automated",
            "SnapshotCreateTime": NOW.astimezone(timezone(timedelta(hours=2))),
            "PercentProgress": 40,
        },
    )
    assert (read.name, read.source, read.manual) == ("belay-orders-1", "orders-db", False)
    assert read.created == NOW
    assert read.created.tzinfo is UTC


@pytest.mark.parametrize(
    ("changes", "version", "taken"),
    [
        ({}, "1.3.0", True),
        ({}, "1.4.0", False),
        ({"TagList": []}, "1.3.0", False),
        ({"SnapshotType": "automated"}, "1.3.0", False),
    ],
)
def test_a_snapshot_is_ours_by_its_tags(changes: dict[str, Any], version: str, *, taken: bool) -> None:
    assert snapshot_of(INSTANCE, snapshot(**changes)).taken_for("orders", "production", version) is taken


def test_tags_say_whose_a_snapshot_is_and_leave_out_what_is_unknown() -> None:
    assert snapshot_tags("orders", "production", "1.3.0", "arn:aws:states:x") == {
        "belay:application": "orders",
        "belay:stage": "production",
        "belay:release": "1.3.0",
        "belay:execution": "arn:aws:states:x",
    }
    assert "belay:execution" not in snapshot_tags("orders", "production", "1.3.0")


def test_the_tags_fit_the_api() -> None:
    shape = botocore.session.get_session().get_service_model("rds").operation_model("CreateDBSnapshot").input_shape
    tags = [{"Key": key, "Value": value} for key, value in snapshot_tags("orders", "production", "1.3.0+b.1").items()]
    arguments = {"DBInstanceIdentifier": "orders-db", "DBSnapshotIdentifier": "belay-orders-1", "Tags": tags}
    assert not ParamValidator().validate(arguments, shape).has_errors()


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=-5), "less than a minute"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=12, seconds=59), "12 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=3, minutes=5), "3 hours and 5 minutes"),
        (timedelta(days=1, minutes=30), "1 day"),
        (timedelta(days=2, hours=4, minutes=59), "2 days and 4 hours"),
    ],
)
def test_an_age_is_told_in_its_two_largest_units(age: timedelta, words: str) -> None:
    assert age_in_words(age) == words
