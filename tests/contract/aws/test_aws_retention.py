from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.stub import Stubber
from simulated_ledger import accepted, end_stage

from belay.aws.gateways import Aws
from belay.aws.rds import Databases
from belay.aws.sessions import Session
from belay.control.places import Places
from belay.control.registrations import ReadRegistrations
from belay.control.retention import SnapshotRetention, SnapshotsEverywhere
from belay.database.cluster import CLUSTER
from belay.database.instance import INSTANCE
from belay.database.kind import DatabaseKind
from belay.database.retention import Need
from belay.database.snapshots import snapshot_tags
from belay.errors import AccessDenied, Throttled
from belay.ledger.ledger import Ledger
from belay.release.place import PlaceRoles, Power, StagePlace
from belay.release.reason import from_document
from belay.release.records import ReleaseReference, Upload
from belay.release.registration import Database, Stage
from belay.release.vault import Vault
from belay.release.vault_copy import VaultCopy
from belay.subject.incident import Incident
from belay.subject.subjects import ReleaseAttempt

EXECUTIONS = "arn:aws:states:eu-west-1:111122223333:execution:belay-deploy-stage:"
NOW = "2026-01-01T10:00:00.000+00:00"
KINDS = (Database(INSTANCE, "orders-db"), Database(CLUSTER, "orders-cluster"))


def release(version: str) -> ReleaseReference:
    return ReleaseReference("orders", version, f"digest-{version}", version.replace(".", "").ljust(12, "0"))


@pytest.fixture
def rds(simulated: Callable[[str], Any]) -> Any:
    """Snapshots of five releases of both kinds, and one taken manually."""
    client = simulated("rds")
    # moto has no quotas; the gateway's reading of them is checked against botocore's model below.
    client.describe_account_attributes = lambda: {"AccountQuotas": []}
    login = {"MasterUsername": "admin1", "MasterUserPassword": "not-a-secret-1"}
    client.create_db_instance(
        DBInstanceIdentifier="orders-db", DBInstanceClass="db.t4g.micro", Engine="postgres", **login
    )
    client.create_db_cluster(DBClusterIdentifier="orders-cluster", Engine="aurora-postgresql", **login)
    for database in KINDS:
        for number in range(5):
            tags = snapshot_tags("orders", "production", f"1.{number}.0", f"{EXECUTIONS}{number}")
            Databases(client).create_snapshot(database, f"{database.identifier}-{number}", tags)
        Databases(client).create_snapshot(database, f"{database.identifier}-by-hand", {})
    return client


def names(rds: Any, database: Database) -> set[str]:
    found = Databases(rds).manual_snapshots(database.kind)
    return {each.name.removeprefix(f"{database.identifier}-") for each in found}


def needed(ledger: Ledger) -> None:
    """1.0.0 is the last known good, 1.1.0 on its way, and an incident about 1.2.0 is open."""
    deployed = accepted(ledger, Upload("orders", "b", "k", "v1", 1), "1.0.0")
    end_stage(ledger, deployed)
    attempt = ledger.attempts.get(deployed)
    assert attempt is not None
    ledger.attempts.announced(attempt)
    accepted(ledger, Upload("orders", "b", "k", "v2", 1), "1.1.0", execution="e2")
    subject = ReleaseAttempt(release("1.2.0"), "production", None)
    ledger.incidents.open(Incident("incident-1", subject, from_document("it failed"), "role"), NOW)


def test_what_nobody_needs_is_deleted_of_both_kinds(ledger: Ledger, rds: Any) -> None:
    needed(ledger)
    retention = SnapshotRetention(ledger, Databases(rds))
    for database in KINDS:
        said = retention.clean(database.kind, EXECUTIONS, 1, dry_run=False)
        assert names(rds, database) == {"0", "1", "2", "4", "by-hand"}
        assert list(said.deleted) == [f"{database.identifier}-3"]
        assert said.kept[f"{database.identifier}-0"] == Need.LAST_KNOWN_GOOD
        assert said.kept[f"{database.identifier}-1"] == Need.UNDER_WAY
        assert said.kept[f"{database.identifier}-2"] == Need.UNDER_WAY
        assert f"{database.identifier}-by-hand" not in said.kept
    assert retention.alone.problems == []


def test_what_is_still_to_be_copied_to_a_vault_stays(ledger: Ledger, rds: Any) -> None:
    copy = VaultCopy(
        release("1.1.0").origin,
        "production",
        kind="instance",
        database="orders-db",
        name="orders-db-1",
        source="arn:aws:rds:eu-west-1:111122223333:snapshot:orders-db-1",
        gibibytes=20,
        execution=f"{EXECUTIONS}1",
        vault=Vault("aws", "222222222222", "eu-west-1"),
        topic=None,
        since=datetime(2026, 1, 1, tzinfo=UTC),
    )
    ledger.vault_copies.enter(copy)
    report = SnapshotRetention(ledger, Databases(rds)).clean(INSTANCE, EXECUTIONS, 1, dry_run=True)
    assert report.kept["orders-db-1"] == Need.TO_VAULT
    ledger.vault_copies.forget(copy)
    report = SnapshotRetention(ledger, Databases(rds)).clean(INSTANCE, EXECUTIONS, 1, dry_run=True)
    assert "orders-db-1" in report.deleted


def test_a_dry_run_only_says_what_it_would_do(ledger: Ledger, rds: Any) -> None:
    report = SnapshotRetention(ledger, Databases(rds)).clean(INSTANCE, EXECUTIONS, 2, dry_run=True)
    assert list(report.deleted) == ["orders-db-0", "orders-db-1", "orders-db-2"]
    assert names(rds, KINDS[0]) == {"0", "1", "2", "3", "4", "by-hand"}


def test_another_belay_s_snapshots_are_left_alone(ledger: Ledger, rds: Any) -> None:
    other = EXECUTIONS.replace("belay-", "other-")
    report = SnapshotRetention(ledger, Databases(rds)).clean(INSTANCE, other, 1, dry_run=False)
    assert (report.deleted, report.kept) == ((), {})
    assert len(names(rds, KINDS[0])) == 6


def test_every_place_is_cleaned_and_one_that_cannot_be_reached_stops_no_other(
    ledger: Ledger, rds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = PlaceRoles.named_alike("aws", "210987654321")
    regions = ("eu-central-1", "eu-north-1", "eu-west-1")
    stages = [
        Stage("orders", region, "role", {}, databases=KINDS, place=StagePlace("aws", "210987654321", region, roles))
        for region in regions
    ]
    answers = {"eu-west-1": Databases(rds), "eu-north-1": Databases(rds)}

    def at(aws: Aws, place: StagePlace | None, power: Power, session: Session) -> Any:
        assert (power, session.about) == (Power.CLEAN, "cleanup")
        region = "eu-west-1" if place is None else place.region
        if region not in answers:
            raise AccessDenied("STS.AssumeRole", "AccessDenied", f"{session.stage} is out of reach")
        return SimpleNamespace(databases=answers[region])

    monkeypatch.setattr(Aws, "at", at)
    everywhere = SnapshotsEverywhere(ledger, Places(Aws(), Power.CLEAN, "cleanup"))
    report = everywhere.clean(ReadRegistrations(stages), EXECUTIONS, 2, dry_run=True)
    assert report["elsewhere"]["210987654321/eu-north-1"] == {kind: report[kind] for kind in ("instance", "cluster")}
    assert report["elsewhere"]["210987654321/eu-central-1"] == {}
    (problem,) = everywhere.alone.problems
    assert problem.startswith("account 210987654321, region eu-central-1: STS.AssumeRole answered AccessDenied: ")


def test_an_account_that_lets_one_application_in_is_cleaned_for_it(
    ledger: Ledger, rds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = StagePlace("aws", "210987654321", "eu-central-1", PlaceRoles.named_alike("aws", "210987654321"))
    stages = [Stage(each, "production", "role", {}, databases=KINDS, place=place) for each in ("a", "orders", "z")]

    def at(aws: Aws, place: StagePlace | None, power: Power, session: Session) -> Any:
        if place is not None and session.application != "orders":
            raise AccessDenied("STS.AssumeRole", "AccessDenied", f"{session.application} is not let in")
        return SimpleNamespace(databases=Databases(rds))

    monkeypatch.setattr(Aws, "at", at)
    everywhere = SnapshotsEverywhere(ledger, Places(Aws(), Power.CLEAN, "cleanup"))
    report = everywhere.clean(ReadRegistrations(stages), EXECUTIONS, 2, dry_run=True)
    assert everywhere.alone.problems == []
    assert report["elsewhere"]["210987654321/eu-central-1"] == {kind: report[kind] for kind in ("instance", "cluster")}


def test_what_fails_at_home_stops_no_place(ledger: Ledger, rds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    place = StagePlace("aws", "210987654321", "eu-central-1", PlaceRoles.named_alike("aws", "210987654321"))

    def at(aws: Aws, place: StagePlace | None, power: Power, session: Session) -> Any:
        if place is None:
            raise Throttled("RDS.DescribeDBSnapshots", "Throttling", "slow down")
        return SimpleNamespace(databases=Databases(rds))

    monkeypatch.setattr(Aws, "at", at)
    everywhere = SnapshotsEverywhere(ledger, Places(Aws(), Power.CLEAN, "cleanup"))
    stage = Stage("orders", "production", "role", {}, databases=KINDS, place=place)
    report = everywhere.clean(ReadRegistrations([stage]), EXECUTIONS, 2, dry_run=True)
    assert report["elsewhere"]["210987654321/eu-central-1"]["instance"]["deleted"]
    assert everywhere.alone.problems == ["RDS.DescribeDBSnapshots answered Throttling: slow down"]


def test_one_kind_that_cannot_be_looked_at_keeps_no_other(
    ledger: Ledger, rds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Databases.manual_snapshots

    def refused(databases: Databases, kind: DatabaseKind) -> Any:
        if kind is INSTANCE:
            raise KeyError("DBSnapshots")
        return listed(databases, kind)

    monkeypatch.setattr(Databases, "manual_snapshots", refused)
    monkeypatch.setattr(Aws, "at", lambda *_: SimpleNamespace(databases=Databases(rds)))
    everywhere = SnapshotsEverywhere(ledger, Places(Aws(), Power.CLEAN, "cleanup"))
    report = everywhere.clean(ReadRegistrations(), EXECUTIONS, 2, dry_run=False)
    assert [*report] == ["cluster"]
    assert report["cluster"]["deleted"] == ["orders-cluster-0", "orders-cluster-1", "orders-cluster-2"]
    assert everywhere.alone.problems == ["KeyError: 'DBSnapshots'"]


def test_one_that_cannot_be_deleted_keeps_no_other(
    ledger: Ledger, stubbed: Callable[[str], tuple[Any, Stubber]]
) -> None:
    client, stub = stubbed("rds")
    taken = [
        {
            "DBSnapshotIdentifier": f"orders-db-{number}",
            "DBInstanceIdentifier": "orders-db",
            "Status": "available",
            "SnapshotType": "manual",
            "SnapshotCreateTime": datetime(2026, 1, number, tzinfo=UTC),
            "TagList": [
                {"Key": key, "Value": value}
                for key, value in snapshot_tags("orders", "production", "1.0.0", f"{EXECUTIONS}x").items()
            ],
        }
        for number in (1, 2, 3)
    ]
    quotas = {"AccountQuotas": [{"AccountQuotaName": "ManualSnapshots", "Used": 103, "Max": 100}]}
    stub.add_response("describe_db_snapshots", {"DBSnapshots": taken})
    stub.add_response("describe_account_attributes", quotas)
    stub.add_client_error("delete_db_snapshot", "InvalidDBSnapshotState", "it is being copied")
    stub.add_response("delete_db_snapshot", {}, {"DBSnapshotIdentifier": "orders-db-2"})
    stub.add_response("describe_db_cluster_snapshots", {"DBClusterSnapshots": []})
    stub.add_response("describe_account_attributes", quotas)
    retention = SnapshotRetention(ledger, Databases(client))
    for kind in (INSTANCE, CLUSTER):
        retention.clean(kind, EXECUTIONS, 1, dry_run=False)
    problems = retention.alone.problems
    assert "103 of 100 manual instance snapshots" in problems[0]
    assert "orders-db-1 could not be deleted" in problems[1]
    assert "it is being copied" in problems[1]
