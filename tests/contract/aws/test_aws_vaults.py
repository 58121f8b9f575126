"""Copies of snapshots in vaults, on RDS simulated by moto: sent, advanced, refused, abandoned, cleaned up after."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from modules import function
from simulated_ledger import accepted

from belay.aws.dynamodb import Table
from belay.aws.gateways import Aws, own_aws
from belay.aws.rds import Databases
from belay.aws.sessions import Session
from belay.control.vaults import CopyProgress, Sender, Sent, Vaults
from belay.database.cluster import CLUSTER
from belay.database.instance import INSTANCE
from belay.database.kind import DatabaseKind
from belay.database.snapshots import snapshot_tags
from belay.errors import AccessDenied, AwsFault, ServiceUnavailable, SnapshotsNotCleaned, Throttled
from belay.ledger.ledger import Ledger
from belay.pipeline.execution import origin_of
from belay.release.life import Occurrence
from belay.release.records import ReleaseReference, Upload
from belay.release.registration import Database, Stage
from belay.release.vault import Vault
from belay.release.vault_copy import MOST_AT_ONCE, TIME, VaultCopy

EXECUTIONS = "arn:aws:states:eu-west-1:111122223333:execution:belay-deploy-stage:"
NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
VAULT = Vault("aws", "222222222222", "eu-west-1", keep=1)
ORDERS = Database(INSTANCE, "orders-db")
AURORA = Database(CLUSTER, "orders-cluster")
STAGE = Stage("orders", "production", "role", {}, databases=(ORDERS, AURORA), vault=VAULT)
LOGIN = {"MasterUsername": "admin1", "MasterUserPassword": "not-a-secret-1"}


class Topics:
    """What was published."""

    def __init__(self) -> None:
        self.told: list[Mapping[str, Any]] = []

    def publish(self, arguments: Mapping[str, Any]) -> None:
        self.told.append(arguments)

    @property
    def kinds(self) -> list[str]:
        return [each["MessageAttributes"]["kind"]["StringValue"] for each in self.told]


@pytest.fixture
def release(ledger: Ledger) -> ReleaseReference:
    return accepted(ledger, Upload("orders", "b", "k", "v1", 1), "1.0.0")


@pytest.fixture
def rds(simulated: Callable[[str], Any]) -> Any:
    """A database of each kind; moto has no quotas."""
    client = simulated("rds")
    client.describe_account_attributes = lambda: {"AccountQuotas": []}
    client.create_db_instance(
        DBInstanceIdentifier="orders-db",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        **LOGIN,
    )
    client.create_db_cluster(DBClusterIdentifier="orders-cluster", Engine="aurora-postgresql", **LOGIN)
    return client


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch, rds: Any) -> Topics:
    """The vault is reached with its role, and is the account simulated by moto."""
    topics = Topics()

    def assuming(aws: Aws, role: str, region: str, session: Session) -> Any:
        assert (role, region) == (VAULT.role, VAULT.region)
        assert (session.application, session.stage, session.about) == ("orders", "production", "vault")
        return SimpleNamespace(databases=Databases(rds))

    monkeypatch.setattr(Aws, "assuming", assuming)
    monkeypatch.setattr(Aws, "notifications", topics)
    return topics


def take(rds: Any, database: Database, release: ReleaseReference) -> str:
    name = database.snapshot_name(release.origin, "production")
    tags = snapshot_tags("orders", "production", release.version, f"{EXECUTIONS}x")
    Databases(rds).create_snapshot(database, name, tags)
    return name


def sent(
    rds: Any, ledger: Ledger, release: ReleaseReference, stage: Stage = STAGE, *, now: datetime = NOW, **more: Any
) -> Sent:
    sender = Sender(stage, release.origin, f"{EXECUTIONS}x", EXECUTIONS, "arn:aws:sns:eu-west-1:111122223333:orders")
    return replace(sender, **more).send(Databases(rds), ledger, now)


def vaults(ledger: Ledger) -> Vaults:
    return Vaults(Aws(), ledger, "arn:aws:sns:eu-west-1:111122223333:belay")


def brought_on(ledger: Ledger, now: datetime = NOW) -> dict[str, list[str]]:
    of = vaults(ledger)
    found = of.bring_on(ledger.vault_copies.every(), now)
    assert of.alone.problems == []
    return {progress: names for progress, names in found.items() if names}


def in_history(ledger: Ledger, release: ReleaseReference, what: Occurrence) -> list[str]:
    attempt = ledger.attempts.get(release)
    assert attempt is not None
    return [each.detail for each in ledger.attempts.history(attempt) if each.what is what]


def one_copy(release: ReleaseReference, name: str = "belay-1", **more: Any) -> VaultCopy:
    copy = VaultCopy(
        release.origin,
        "production",
        kind="instance",
        database="orders-db",
        name=name,
        source=f"arn:aws:rds:eu-central-1:111122223333:snapshot:{name}",
        gibibytes=20,
        execution=f"{EXECUTIONS}x",
        taken_by=EXECUTIONS,
        vault=VAULT,
        topic=None,
        since=NOW,
    )
    return replace(copy, **more)


# -- what a release sends ----------------------------------------------------------------------------------------------


def test_a_stage_without_a_vault_sends_nothing(rds: Any, ledger: Ledger, release: ReleaseReference) -> None:
    stage = replace(STAGE, vault=None)
    take(rds, ORDERS, release)
    assert sent(rds, ledger, release, stage) == Sent((), ready=True)
    assert ledger.vault_copies.every() == []


def test_what_was_taken_is_shared_and_remembered(rds: Any, ledger: Ledger, release: ReleaseReference) -> None:
    names = [take(rds, each, release) for each in (ORDERS, AURORA)]

    told = sent(rds, ledger, release)

    assert told.ready
    assert told.lines[0] == (
        f"the snapshot {names[0]} of orders-db (20 GiB allocated) is to be copied to the vault in account "
        "222222222222, region eu-west-1"
    )
    shared = rds.describe_db_snapshot_attributes(DBSnapshotIdentifier=names[0])["DBSnapshotAttributesResult"]
    assert shared["DBSnapshotAttributes"] == [{"AttributeName": "restore", "AttributeValues": ["222222222222"]}]
    shared = rds.describe_db_cluster_snapshot_attributes(DBClusterSnapshotIdentifier=names[1])
    assert "222222222222" in str(shared["DBClusterSnapshotAttributesResult"])
    assert {each.name for each in ledger.vault_copies.every()} == set(names)
    assert {each.topic for each in ledger.vault_copies.every()} == {"arn:aws:sns:eu-west-1:111122223333:orders"}


def test_a_second_look_changes_nothing(rds: Any, ledger: Ledger, release: ReleaseReference) -> None:
    take(rds, ORDERS, release)
    sent(rds, ledger, release)
    before = ledger.vault_copies.every()
    sent(rds, ledger, release, now=NOW + timedelta(hours=1), execution="another")
    assert ledger.vault_copies.every() == before


def test_a_snapshot_that_cannot_be_shared_does_not_stop_the_release(
    rds: Any, ledger: Ledger, release: ReleaseReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(databases: Databases, kind: DatabaseKind, snapshot: str, account: str) -> None:
        raise AwsFault("RDS.ModifyDBSnapshotAttribute", "InvalidDBSnapshotState", "it has the default key")

    take(rds, ORDERS, release)
    monkeypatch.setattr(Databases, "share_snapshot", refuse)
    sent(rds, ledger, release)
    (copy,) = ledger.vault_copies.every()
    assert copy.unshared == "RDS.ModifyDBSnapshotAttribute answered InvalidDBSnapshotState: it has the default key"


def test_a_throttled_sharing_is_retried_by_the_machine(
    rds: Any, ledger: Ledger, release: ReleaseReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttle(databases: Databases, kind: DatabaseKind, snapshot: str, account: str) -> None:
        raise Throttled("RDS.ModifyDBSnapshotAttribute", "Throttling", "slow down")

    take(rds, ORDERS, release)
    monkeypatch.setattr(Databases, "share_snapshot", throttle)
    with pytest.raises(Throttled):
        sent(rds, ledger, release)
    assert ledger.vault_copies.every() == []


@pytest.mark.parametrize(("status", "ready"), [("creating", False), ("failed", True), (None, True)])
def test_a_snapshot_that_is_not_available_is_not_sent(
    status: str | None, ready: bool, ledger: Ledger, release: ReleaseReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = {"DBSnapshotIdentifier": "belay-1", "DBInstanceIdentifier": "orders-db", "Status": status}
    monkeypatch.setattr(Databases, "describe_snapshot", lambda *_: described if status else None)
    assert sent(None, ledger, release, replace(STAGE, databases=(ORDERS,))) == Sent((), ready=ready)
    assert ledger.vault_copies.every() == []


# -- what is made of it ------------------------------------------------------------------------------------------------


def gone_here(rds: Any, copy: VaultCopy) -> VaultCopy:
    """moto's vault is the stage's own account, where the snapshot has the copy's name: rename the copy."""
    return replace(copy, name=f"{copy.name}-copy")


def test_a_copy_is_made_with_its_tags_and_told_in_the_history_alone(
    rds: Any, ledger: Ledger, release: ReleaseReference, topics: Topics, simulated: Callable[[str], Any]
) -> None:
    key = simulated("kms").create_key()["KeyMetadata"]["Arn"]
    for database in (ORDERS, AURORA):
        take(rds, database, release)
    sent(rds, ledger, release)
    found = [replace(gone_here(rds, each), vault=replace(VAULT, key=key)) for each in ledger.vault_copies.every()]

    of = vaults(ledger)
    assert of.bring_on(found, NOW)[CopyProgress.BEING_MADE] == [each.name for each in found]
    assert of.bring_on(found, NOW)[CopyProgress.AVAILABLE] == [each.name for each in found]

    made = rds.describe_db_snapshots(DBSnapshotIdentifier=found[1].name)["DBSnapshots"][0]
    assert (made["KmsKeyId"], made["Encrypted"]) == (key, True)
    tags = {tag["Key"]: tag["Value"] for tag in made["TagList"]}
    assert tags == found[1].tags
    assert tags["belay:copied-from"] == found[1].source
    assert tags["belay:execution"] == f"{EXECUTIONS}x"
    assert len(in_history(ledger, release, Occurrence.IN_VAULT)) == 2
    assert topics.kinds == []


def test_what_is_concluded_is_forgotten(rds: Any, ledger: Ledger, release: ReleaseReference, topics: Topics) -> None:
    take(rds, ORDERS, release)
    sent(rds, ledger, release)
    (copy,) = ledger.vault_copies.every()

    assert brought_on(ledger) == {"available": [copy.name]}

    assert ledger.vault_copies.every() == []
    assert brought_on(ledger) == {}


@pytest.mark.parametrize(
    ("execution", "taken_by"), [(f"{EXECUTIONS}x", EXECUTIONS), ("orders-pipeline/12345678", "orders-pipeline/")]
)
def test_an_item_that_does_not_say_who_takes_the_stage_s_snapshots_is_read(
    simulated: Callable[[str], Any], ledger: Ledger, release: ReleaseReference, execution: str, taken_by: str
) -> None:
    copy = one_copy(release, execution=execution, taken_by=taken_by)
    ledger.vault_copies.enter(copy)
    table = Table(simulated("dynamodb"), "ledger")
    (item,) = table.query("VAULT")
    item["copy"].pop("taken_by")
    table.put(item)
    assert ledger.vault_copies.every() == [copy]


def test_few_are_made_at_once(ledger: Ledger, release: ReleaseReference, topics: Topics, monkeypatch: Any) -> None:
    copied: list[str] = []
    monkeypatch.setattr(
        Databases, "copy_snapshot", lambda databases, kind, source, name, key, tags: copied.append(name)
    )
    for number in range(MOST_AT_ONCE + 2):
        vault = replace(VAULT, keep=number + 1)  # Stages may keep as many as they like in one account and region.
        copy = one_copy(release, f"belay-{number}", vault=vault, since=NOW - timedelta(minutes=number))
        ledger.vault_copies.enter(copy)

    found = brought_on(ledger)

    assert len(copied) == MOST_AT_ONCE
    assert found["waiting"] == ["belay-1", "belay-0"], "the oldest go first"


def refusing(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    def copy_snapshot(*_: Any) -> None:
        raise fault

    monkeypatch.setattr(Databases, "copy_snapshot", copy_snapshot)


NO_KEY = AwsFault("RDS.CopyDBSnapshot", "KMSKeyNotAccessibleFault", "the key is not accessible")


def test_a_refused_copy_is_told_once_and_tried_until_its_time_is_up(
    ledger: Ledger, release: ReleaseReference, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, NO_KEY)
    ledger.vault_copies.enter(one_copy(release, unshared="it was not shared"))

    for minutes in (0, 5):
        assert brought_on(ledger, NOW + timedelta(minutes=minutes)) == {"waiting": ["belay-1"]}
    assert topics.kinds == ["vault-copy-failed"]
    (copy,) = ledger.vault_copies.every()
    assert copy.failing == f"it was not shared; {NO_KEY}"

    assert brought_on(ledger, NOW + TIME) == {"given up": ["belay-1"]}
    assert topics.kinds == ["vault-copy-failed", "vault-copy-failed"]
    assert ledger.vault_copies.every() == []
    (told,) = in_history(ledger, release, Occurrence.NOT_IN_VAULT)
    assert str(NO_KEY) in told


def test_a_copy_that_is_made_after_all_closes_what_was_told(
    rds: Any, ledger: Ledger, release: ReleaseReference, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        refusing(patched, NO_KEY)
        ledger.vault_copies.enter(one_copy(release))
        brought_on(ledger)
    tags = snapshot_tags("orders", "production", "1.0.0", f"{EXECUTIONS}x")
    Databases(rds).create_snapshot(ORDERS, "belay-1", tags)

    assert brought_on(ledger) == {"available": ["belay-1"]}
    assert topics.kinds == ["vault-copy-failed", "vault-copied"]


@pytest.mark.parametrize(
    "fault",
    [
        Throttled("RDS.CopyDBSnapshot", "Throttling", "slow down"),
        AwsFault("RDS.CopyDBSnapshot", "SnapshotQuotaExceeded", "too many"),
    ],
)
def test_what_passes_by_itself_is_not_told(
    fault: AwsFault, ledger: Ledger, release: ReleaseReference, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, fault)
    ledger.vault_copies.enter(one_copy(release))
    assert brought_on(ledger) == {"waiting": ["belay-1"]}
    assert topics.kinds == []


def test_one_that_takes_too_long_is_given_up(
    ledger: Ledger, release: ReleaseReference, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    creating = {"DBSnapshotIdentifier": "belay-1", "DBInstanceIdentifier": "orders-db", "Status": "copying"}
    monkeypatch.setattr(Databases, "describe_snapshot", lambda *_: creating)
    ledger.vault_copies.enter(one_copy(release))
    assert brought_on(ledger) == {"being made": ["belay-1"]}
    assert brought_on(ledger, NOW + TIME) == {"given up": ["belay-1"]}
    (told,) = in_history(ledger, release, Occurrence.NOT_IN_VAULT)
    assert told.endswith("it is being made since 2026-01-01 12:00 UTC")


def test_a_failed_copy_is_deleted_and_given_up(
    ledger: Ledger, release: ReleaseReference, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted: list[str] = []
    failed = {"DBSnapshotIdentifier": "belay-1", "DBInstanceIdentifier": "orders-db", "Status": "failed"}
    monkeypatch.setattr(Databases, "describe_snapshot", lambda *_: failed)
    monkeypatch.setattr(Databases, "delete_snapshot", lambda databases, kind, name: deleted.append(name))
    ledger.vault_copies.enter(one_copy(release))
    assert brought_on(ledger) == {"given up": ["belay-1"]}
    assert deleted == ["belay-1"]
    assert topics.kinds == ["vault-copy-failed"]


def test_a_vault_that_cannot_be_reached_stops_no_other(
    rds: Any, ledger: Ledger, release: ReleaseReference, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    def assuming(aws: Aws, role: str, region: str, session: Session) -> Any:
        if "333333333333" in role:
            raise AccessDenied("STS.AssumeRole", "AccessDenied", "out of reach")
        return SimpleNamespace(databases=Databases(rds))

    monkeypatch.setattr(Aws, "assuming", assuming)
    ledger.vault_copies.enter(one_copy(release, "belay-1", vault=replace(VAULT, account="333333333333")))
    take(rds, ORDERS, release)
    sent(rds, ledger, release)
    found = brought_on(ledger)
    assert found["waiting"] == ["belay-1"]
    assert len(found["available"]) == 1
    assert topics.kinds == ["vault-copy-failed"]


def test_a_copy_that_cannot_be_told_of_stops_no_other_and_is_told_later(
    rds: Any, ledger: Ledger, release: ReleaseReference, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = one_copy(release, "belay-late", topic="arn:aws:sns:eu-west-1:111122223333:gone", since=NOW - TIME)
    ledger.vault_copies.enter(late)
    take(rds, ORDERS, release)
    sent(rds, ledger, release)

    def publish(arguments: Mapping[str, Any]) -> None:
        if arguments["TopicArn"].endswith(":gone"):
            raise AwsFault("SNS.Publish", "NotFound", "Topic does not exist")

    monkeypatch.setattr(Databases, "copy_snapshot", lambda *_: None)
    with monkeypatch.context() as gone:
        gone.setattr(topics, "publish", publish)
        of = vaults(ledger)
        assert len(of.bring_on(ledger.vault_copies.every(), NOW)["available"]) == 1
        assert of.alone.problems == ["belay-late: SNS.Publish answered NotFound: Topic does not exist"]
    assert brought_on(ledger) == {"given up": ["belay-late"]}
    assert topics.kinds == ["vault-copy-failed"]


def test_a_bug_of_ours_in_one_copy_stops_no_other(
    rds: Any, ledger: Ledger, release: ReleaseReference, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe = Databases.describe_snapshot

    def broken(databases: Databases, kind: DatabaseKind, name: str) -> Any:
        return {}["Status"] if name == "belay-1" else describe(databases, kind, name)

    monkeypatch.setattr(Databases, "describe_snapshot", broken)
    ledger.vault_copies.enter(one_copy(release, since=NOW - timedelta(hours=1)))
    take(rds, ORDERS, release)
    sent(rds, ledger, release)
    of = vaults(ledger)
    found = of.bring_on(ledger.vault_copies.every(), NOW)
    assert (found["waiting"], len(found["available"])) == (["belay-1"], 1)
    assert of.alone.problems == ["belay-1: KeyError: 'Status'"]


def test_a_region_that_does_not_answer_is_asked_once_and_what_is_late_is_given_up(
    ledger: Ledger, release: ReleaseReference, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def silent(_: Databases, __: DatabaseKind, name: str) -> None:
        asked.append(name)
        raise ServiceUnavailable("RDS.DescribeDBSnapshots", "ConnectTimeoutError", "no answer", answered=False)

    monkeypatch.setattr(Databases, "describe_snapshot", silent)
    for number, since in enumerate((NOW - TIME, NOW - TIME, NOW)):
        ledger.vault_copies.enter(one_copy(release, f"belay-{number}", since=since))
    assert brought_on(ledger) == {"waiting": ["belay-2"], "given up": ["belay-0", "belay-1"]}
    assert asked == ["belay-0"]


def test_an_item_that_cannot_be_read_is_told_when_the_others_are_done(
    rds: Any, ledger: Ledger, release: ReleaseReference, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    Table(boto3.client("dynamodb"), "ledger").put({"PK": "VAULT", "SK": "spoilt", "copy": {}})
    take(rds, ORDERS, release)
    sent(rds, ledger, release)
    own_aws.cache_clear()
    for name in ("LEDGER_TABLE", "ARTIFACT_BUCKET", "POLL_SECONDS", "NOTIFICATION_TOPIC_ARN"):
        monkeypatch.setenv(name, {"LEDGER_TABLE": "ledger", "POLL_SECONDS": "1"}.get(name, "a:b:c:d:e:f"))
    with pytest.raises(SnapshotsNotCleaned, match="UnreadableRecord: the ledger's item VAULT spoilt"):
        function("copy_to_vault").handler({}, None)
    assert len(in_history(ledger, release, Occurrence.IN_VAULT)) == 1


def test_older_copies_of_the_stage_are_deleted_and_no_others(
    rds: Any, ledger: Ledger, release: ReleaseReference, topics: Topics
) -> None:
    for number, stage in enumerate(("production", "production", "staging")):
        tags = snapshot_tags("orders", stage, f"0.{number}.0", f"{EXECUTIONS}x")
        Databases(rds).create_snapshot(ORDERS, f"older-{number}", tags)
    take(rds, ORDERS, release)
    sent(rds, ledger, release)
    brought_on(ledger)
    left = {each.name for each in Databases(rds).manual_snapshots(INSTANCE)}
    assert {"older-0", "older-1"} & left == set()
    assert "older-2" in left


@pytest.mark.parametrize("by_release", [False, True])
def test_copies_for_a_pipeline_are_kept_to_as_many_and_told_without_a_history(
    by_release: bool, rds: Any, ledger: Ledger, release: ReleaseReference, topics: Topics
) -> None:
    executions = ["orders-pipeline/12345678-1234-5678-abcd-12345678abc0", "other/12345678-1234-5678-abcd-12345678abc1"]
    for number, each in enumerate([*executions, f"{EXECUTIONS}y"]):
        Databases(rds).create_snapshot(
            ORDERS, f"older-{number}", snapshot_tags("orders", "production", f"{number}", each)
        )
    origin = release.origin if by_release else origin_of("orders", "orders-pipeline", "12345678")
    execution, name = f"orders-pipeline/{origin.name}", ORDERS.snapshot_name(origin, "production")
    tags = snapshot_tags("orders", "production", origin.name, execution)
    Databases(rds).create_snapshot(ORDERS, name, tags)
    pipeline = "" if by_release else "orders-pipeline"
    sent(rds, ledger, release, origin=origin, execution=execution, taken_by="orders-pipeline/", pipeline=pipeline)

    assert brought_on(ledger) == {"available": [name]}

    left = {each.name for each in Databases(rds).manual_snapshots(INSTANCE)}
    assert left == {name, "older-1", "older-2"}, "those that this pipeline's executions took are cleaned up"
    assert len(in_history(ledger, release, Occurrence.IN_VAULT)) == by_release


def test_what_cannot_be_cleaned_is_a_problem(
    rds: Any, ledger: Ledger, release: ReleaseReference, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AccessDenied("RDS.DescribeAccountAttributes", "AccessDenied", "not allowed")

    monkeypatch.setattr(Databases, "snapshot_quota", refuse)
    take(rds, ORDERS, release)
    sent(rds, ledger, release)
    of = vaults(ledger)
    of.bring_on(ledger.vault_copies.every(), NOW)
    (problem,) = of.alone.problems
    assert problem.startswith("the vault in account 222222222222, region eu-west-1: RDS.DescribeAccountAttributes")


# -- the calls ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [INSTANCE, CLUSTER], ids=str)
def test_a_copy_names_its_source_its_key_and_the_region(
    kind: DatabaseKind, stubbed: Callable[[str], tuple[Any, Stubber]]
) -> None:
    client, stub = stubbed("rds")
    operation = {"instance": "copy_db_snapshot", "cluster": "copy_db_cluster_snapshot"}[kind.name]
    source = f"arn:aws:rds:eu-central-1:111111111111:{kind.snapshot.arn_type}:belay-1"
    asked = {
        f"Source{kind.snapshot.identifier}": source,
        f"Target{kind.snapshot.identifier}": "belay-1",
        "KmsKeyId": "alias/belay-vault",
        "Tags": [{"Key": "belay:application", "Value": "orders"}],
        "SourceRegion": "eu-central-1",
    }
    exists = {"instance": "DBSnapshotAlreadyExists", "cluster": "DBClusterSnapshotAlreadyExistsFault"}[kind.name]
    stub.add_response(operation, {}, asked)
    stub.add_client_error(operation, exists)
    stub.add_client_error(operation, "KMSKeyNotAccessibleFault", "not yours")
    for _ in range(2):
        Databases(client).copy_snapshot(kind, source, "belay-1", "alias/belay-vault", {"belay:application": "orders"})
    with pytest.raises(AwsFault, match="KMSKeyNotAccessibleFault"):
        Databases(client).copy_snapshot(kind, source, "belay-1", "alias/belay-vault", {})


def test_a_role_of_a_vault_is_assumed_in_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    aws = Aws("eu-west-1", make=lambda service, **options: made.append(options["region_name"]))
    session = Session("orders", "production", "vault")
    there = aws.assuming(VAULT.role, "eu-west-2", session)
    assert there.region == "eu-west-2"
    assert aws.assuming(VAULT.role, "eu-west-2", session) is there
    assert made == []
