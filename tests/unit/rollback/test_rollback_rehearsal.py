"""The rehearsal: three-valued, described in words, stored as a document, a gate if the registration says so."""

import json

import pytest

from belay.database.cluster import CLUSTER
from belay.database.instance import INSTANCE
from belay.database.snapshots import SnapshotSource
from belay.release.registration import Database
from belay.release.verification import AlarmSeen
from belay.rollback.rehearsal import (
    Check,
    Readiness,
    Rehearsal,
    StatefulChange,
    check_alarms,
    check_data,
    check_databases,
    check_last_known_good,
    check_permissions,
    check_services,
    check_snapshot_quota,
    check_values,
    check_verify_function,
    gathered,
    refusal,
)
from belay.template.loader import load
from belay.template.policies import UNREADABLE, deletion_policies

READY = Check("alarms", Readiness.READY, "both exist")
MISSING = Check("templates", Readiness.NOT_READY, "service.yaml is gone")
UNKNOWN = Check("permissions", Readiness.NOT_KNOWN, "the simulation was refused")


@pytest.mark.parametrize(
    ("checks", "readiness"),
    [
        ((), Readiness.READY),
        ((READY,), Readiness.READY),
        ((READY, UNKNOWN), Readiness.NOT_KNOWN),
        ((UNKNOWN, MISSING, READY), Readiness.NOT_READY),
    ],
)
def test_what_is_missing_counts_more_than_what_is_not_known(checks: tuple[Check, ...], readiness: Readiness) -> None:
    assert Rehearsal(checks).readiness is readiness
    assert Rehearsal(checks).ready is (readiness is Readiness.READY)


def test_it_is_told_worst_first() -> None:
    assert Rehearsal((UNKNOWN, READY, MISSING)).describe() == [
        "NOT rollback ready. Checked: permissions, alarms, templates.",
        "not ready: templates: service.yaml is gone",
        "not known: permissions: the simulation was refused",
    ]
    assert Rehearsal((READY,)).describe() == ["Rollback ready. Checked: alarms."]


def test_it_survives_being_kept() -> None:
    rehearsal = Rehearsal((UNKNOWN, READY, MISSING))

    document = json.loads(json.dumps(rehearsal.to_dict()))

    assert document["readiness"] == "not ready"
    assert Rehearsal.from_dict(document) == rehearsal


def test_several_problems_are_one_check() -> None:
    assert gathered("alarms", ["a is red", "b is gone"], "fine") == Check(
        "alarms", Readiness.NOT_READY, "a is red; b is gone"
    )
    assert gathered("alarms", [], "fine") == Check("alarms", Readiness.READY, "fine")


@pytest.mark.parametrize(("check", "refused"), [(READY, False), (MISSING, True), (UNKNOWN, True)])
def test_a_gate_lets_through_only_what_is_ready(check: Check, refused: bool) -> None:
    rehearsal = Rehearsal((check,))

    assert refusal(rehearsal, required=False) == []
    reasons = refusal(rehearsal, required=True)
    assert bool(reasons) is refused
    assert not refused or check.in_words() in reasons


DB = Database(INSTANCE, "orders-db")


@pytest.mark.parametrize(
    ("check", "readiness", "told"),
    [
        (check_last_known_good(None, ()), Readiness.READY, "deletes what the release creates"),
        (check_last_known_good("1.0.0", ()), Readiness.READY, "all templates of version 1.0.0"),
        (check_last_known_good("1.0.0", ["a.yaml"]), Readiness.NOT_READY, "a.yaml of version 1.0.0 is missing"),
        (check_alarms([AlarmSeen("errors", "OK")], coming=False), Readiness.READY, "1 watched"),
        (check_alarms([AlarmSeen("errors", "INSUFFICIENT_DATA")], coming=False), Readiness.READY, "1 watched"),
        (check_alarms([AlarmSeen("errors", "ALARM")], coming=False), Readiness.NOT_READY, "errors is in ALARM already"),
        (check_alarms([AlarmSeen("errors", None)], coming=False), Readiness.NOT_READY, "errors does not exist"),
        (check_verify_function("verify", "Active", coming=False), Readiness.READY, "it is Active"),
        (check_verify_function("verify", "Inactive", coming=False), Readiness.READY, "it is Inactive"),
        (check_verify_function("verify", "Pending", coming=False), Readiness.NOT_KNOWN, "verify is Pending"),
        (check_verify_function("verify", "Failed", coming=False), Readiness.NOT_READY, "verify is Failed"),
        (check_verify_function("verify", None, coming=False), Readiness.NOT_READY, "verify does not exist"),
        (check_services({"orders/api": "ECS"}, coming=False), Readiness.READY, "1 can be restarted"),
        (check_services({"orders/api": None}, coming=False), Readiness.NOT_READY, "orders/api does not exist"),
        (check_services({"orders/api": "CODE_DEPLOY"}, coming=False), Readiness.NOT_READY, "deployed by CODE_DEPLOY"),
        (check_alarms([AlarmSeen("errors", None)], coming=True), Readiness.READY, "created by the release: errors"),
        (check_alarms([AlarmSeen("errors", "ALARM")], coming=True), Readiness.NOT_READY, "errors is in ALARM already"),
        (check_verify_function("verify", None, coming=True), Readiness.READY, "created by the release: verify"),
        (check_services({"orders/api": None}, coming=True), Readiness.READY, "created by the release: orders/api"),
        (check_services({"orders/api": "CODE_DEPLOY"}, coming=True), Readiness.NOT_READY, "deployed by CODE_DEPLOY"),
        (check_permissions("role", ()), Readiness.READY, "role has the permissions"),
        (check_permissions("role", ["iam:PassRole on x"]), Readiness.NOT_READY, "role may not iam:PassRole on x"),
    ],
)
def test_what_each_check_says(check: Check, readiness: Readiness, told: str) -> None:
    assert check.readiness is readiness
    assert told in check.reason


@pytest.mark.parametrize(
    ("status", "replicas", "restore", "readiness"),
    [
        ("available", [], "approval", Readiness.READY),
        ("storage-optimization", [], "approval", Readiness.READY),
        (None, [], "approval", Readiness.READY),
        ("modifying", [], "approval", Readiness.READY),
        ("stopped", [], "approval", Readiness.NOT_READY),
        ("available", ["orders-replica"], "approval", Readiness.NOT_READY),
        ("available", ["orders-replica"], "automatic", Readiness.NOT_READY),
        ("available", ["orders-replica"], "never", Readiness.READY),
    ],
)
def test_databases(status: str | None, replicas: list[str], restore: str, readiness: Readiness) -> None:
    seen = SnapshotSource(INSTANCE, "orders-db", status)

    check = check_databases([seen], {"orders-db": replicas}, restore)  # type: ignore[arg-type]

    assert check.readiness is readiness
    assert ("orders-replica" in check.reason) == (readiness is Readiness.NOT_READY and bool(replicas))
    assert ("modifying" in check.reason) == (status == "modifying")


@pytest.mark.parametrize(
    ("databases", "quotas", "readiness"),
    [
        ([DB], {"ManualSnapshots": (99, 100)}, Readiness.READY),
        ([DB], {"ManualSnapshots": (100, 100)}, Readiness.NOT_READY),
        ([DB, Database(INSTANCE, "two")], {"ManualSnapshots": (99, 100)}, Readiness.NOT_READY),
        ([Database(CLUSTER, "aurora")], {"ManualClusterSnapshots": (0, 100)}, Readiness.READY),
        ([Database(CLUSTER, "aurora")], {"ManualSnapshots": (0, 100)}, Readiness.NOT_KNOWN),
    ],
)
def test_the_quota_has_room_for_one_more_of_each(
    databases: list[Database], quotas: dict[str, tuple[int, int]], readiness: Readiness
) -> None:
    assert check_snapshot_quota(databases, quotas).readiness is readiness


def change(
    *,
    adds: bool = False,
    removes: bool = False,
    creates: bool = False,
    policy: str | None = None,
    first: bool = False,
) -> Check:
    changes = [StatefulChange("first/Table", "AWS::DynamoDB::Table", adds, removes, creates, policy)]
    return check_data(changes, first=first)


def test_data_that_comes_or_goes_makes_going_back_a_persons_matter() -> None:
    assert check_data([], first=False).readiness is Readiness.READY
    assert change().readiness is Readiness.READY
    assert "without its data" in change(removes=True, policy="Retain").reason
    assert "new stack" in change(adds=True, creates=True, policy="Retain").reason
    assert "without a DeletionPolicy" in change(adds=True).reason
    assert change(adds=True, policy="Delete").readiness is Readiness.NOT_READY
    assert change(adds=True, policy="Snapshot").readiness is Readiness.READY
    assert change(adds=True, policy=UNREADABLE).readiness is Readiness.NOT_KNOWN


def test_the_first_release_of_a_stage_may_bring_stacks_that_hold_data() -> None:
    assert change(adds=True, creates=True, first=True).readiness is Readiness.READY
    assert change(adds=True, creates=True, policy=UNREADABLE, first=True).readiness is Readiness.READY
    assert change(adds=True, first=True).readiness is Readiness.NOT_READY
    assert change(removes=True, first=True).readiness is Readiness.NOT_READY


TEMPLATE = """
Resources:
  Kept: {Type: AWS::DynamoDB::Table, DeletionPolicy: Retain}
  Lost: {Type: AWS::DynamoDB::Table}
  Chosen: {Type: AWS::DynamoDB::Table, DeletionPolicy: !If [Production, Retain, Delete]}
  Alone: {Type: AWS::RDS::DBInstance, Properties: {Engine: postgres}}
  Member: {Type: AWS::RDS::DBInstance, Properties: {DBClusterIdentifier: !Ref Cluster}}
  Cluster: {Type: AWS::RDS::DBCluster}
  Fn::ForEach::Queues: [Name, [a, b], {"Queue${Name}": {Type: AWS::SQS::Queue}}]
"""


def test_deletion_policies_as_a_template_has_them() -> None:
    found = deletion_policies(load(TEMPLATE.encode(), "template.yaml"))

    assert {name: policy for (name, _), policy in found.items()} == {
        "Kept": "Retain",
        "Lost": None,
        "Chosen": UNREADABLE,
        "Alone": "Snapshot",
        "Member": None,
        "Cluster": "Snapshot",
    }


@pytest.mark.parametrize(
    ("changed", "unknown", "readiness"),
    [
        ([], [], Readiness.READY),
        (["first/Pin"], [], Readiness.NOT_READY),
        (["first/Pin"], ["first/Word"], Readiness.NOT_READY),
        ([], ["first/Word"], Readiness.NOT_KNOWN),
    ],
)
def test_a_hidden_value_that_changes_does_not_come_back(
    changed: list[str], unknown: list[str], readiness: Readiness
) -> None:
    check = check_values(changed, unknown)
    assert check.readiness is readiness
    assert all(each in check.reason for each in changed or unknown)
