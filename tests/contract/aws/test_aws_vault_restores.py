"""Restoring a database from a vault, on a simulated RDS that is both the vault's and the stage's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from played_rds import CLUSTER as CLUSTER_SHOWN
from played_rds import INSTANCE as INSTANCE_SHOWN
from played_rds import PlayedRds, member, snapshot
from test_aws_command import Belay, Office, belay, document, office

from belay.aws.gateways import Aws
from belay.control.vault_restores import VaultRestore
from belay.database.cluster import CLUSTER
from belay.database.instance import INSTANCE
from belay.database.kind import DatabaseKind, UnitKind
from belay.database.kinds import KINDS
from belay.database.restore import COPIED_FROM_TAG, INCIDENT_TAG
from belay.database.snapshots import Snapshot, snapshot_of
from belay.errors import AccessDenied, AwsFault, RestoreRefused, ServiceUnavailable
from belay.release.from_vault import copies_of
from belay.release.left_to_do import LeftToDo
from belay.release.lock import Claim
from belay.release.origin import Origin
from belay.release.registration import Database, Stage
from belay.release.vault import Vault
from belay.release.vault_copy import VaultCopy
from belay.rollback.plan import Action, Remark, Step, Todo
from cli import vault_restore
from cli.profiles import of_stage

__all__ = ["belay", "office"]

VAULT = Vault("aws", "222222222222", "eu-west-1")
ORDERS, AURORA = Database(INSTANCE, "orders-db"), Database(CLUSTER, "orders-db")
STAGE = Stage("orders", "production", "arn:aws:iam::123456789012:role/x", {}, vault=VAULT)
SOURCE = "arn:aws:rds:eu-central-1:111111111111:snapshot:belay-1"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1"


@dataclass
class Played:
    """The gateway to RDS, whose snapshots are of the simulated databases; ``shared`` has the accounts one is shared
    with.
    """

    rds: PlayedRds = field(default_factory=PlayedRds)
    snapshots: dict[str, dict[str, Any]] = field(default_factory=dict)
    shared: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def describe(self, kind: UnitKind, identifier: str) -> dict[str, Any] | None:
        return (self.rds.clusters if kind is CLUSTER else self.rds.instances).get(identifier)

    def describe_snapshot(self, kind: DatabaseKind, snapshot: str) -> dict[str, Any] | None:
        return self.snapshots.get(snapshot)

    def manual_snapshots(self, kind: DatabaseKind) -> list[Snapshot]:
        return [snapshot_of(kind, each) for each in self.snapshots.values() if kind.identifier in each]

    def share_snapshot(self, kind: DatabaseKind, snapshot: str, account: str) -> None:
        self.shared.setdefault(snapshot, []).append(account)

    def share_no_more(self, kind: DatabaseKind, snapshot: str, account: str) -> None:
        self.shared[snapshot] = [each for each in self.shared.get(snapshot, []) if each != account]

    def copy_snapshot(self, kind: DatabaseKind, source: str, name: str, key: str, tags: Mapping[str, str]) -> None:
        if code := self.refused.get("Copy"):
            raise AwsFault(f"RDS.{kind.snapshot.copy}", code, "not accessible")
        assert self.shared[source.rpartition(":")[2]] == ["123456789012"]
        copied = self.snapshots[source.rpartition(":")[2]]
        listed = [{"Key": tag, "Value": value} for tag, value in tags.items()]
        self.snapshots[name] = {**copied, kind.snapshot.identifier: name, "KmsKeyId": key, "TagList": listed}

    def perform(self, operation: str, parameters: Mapping[str, Any]) -> bool:
        renamed = parameters.get("NewDBInstanceIdentifier", "")
        if message := self.refused.get(f"{operation} {renamed}".strip()):
            raise AccessDenied(f"RDS.{operation}", "AccessDenied", message)
        self.rds.call(operation, parameters)
        return True

    def proxies_of(self, database: Database) -> list[str]:
        return []

    def deployments_of(self, arn: str) -> list[str]:
        return []


@pytest.fixture
def rds() -> Played:
    """A database of each kind, and a copy of a snapshot of each."""
    played = Played()
    played.rds.instances["orders-db"] = dict(INSTANCE_SHOWN)
    played.rds.clusters["orders-db"] = dict(CLUSTER_SHOWN)
    for name, writer in (("orders-a", True), ("orders-b", False)):
        played.rds.instances[name] = member(name, f"db-{name}", writer=writer)
    played.rds._link()
    for kind, name in (("instance", "copy-1"), ("cluster", "copy-2")):
        described = snapshot(kind)
        described["TagList"] = [*described["TagList"], {"Key": COPIED_FROM_TAG, "Value": SOURCE}]
        identifier = KINDS[kind].snapshot.identifier
        played.snapshots[name] = {**described, identifier: name}
    return played


def restoring(rds: Any, database: Database = ORDERS) -> VaultRestore:
    copies = copies_of(rds.manual_snapshots(database.kind), "orders", "production")
    copy = next(each for each in copies if each.name.startswith("copy-"))
    return VaultRestore(STAGE, database, VAULT, copy, rds, rds, "123456789012", KEY)


def brought(rds: Played, database: Database = ORDERS) -> VaultRestore:
    restore = restoring(rds, database)
    while not restore.bring():
        pass
    return restore


def carry_on(rds: Played, database: Database = ORDERS, *, afresh: bool = False) -> tuple[list[Step], tuple[Todo, ...]]:
    """Take every step; with ``afresh`` each in a new process, without the state of those before."""
    restore, done = brought(rds, database), list[Step]()
    for _ in range(40):
        todos = restore.plan()
        steps = [each for each in todos if isinstance(each, Step)]
        if not steps:
            return done, todos
        if steps[0].action is Action.WAIT:
            restore = restoring(rds, database)  # "it was just requested": five minutes later, or by another process
            continue
        done.append(steps[0])
        restore.perform(steps[0])
        restore = restoring(rds, database) if afresh else restore
    raise AssertionError(f"it does not end: {[each.why for each in done]}")


def names(rds: Played) -> set[str]:
    return {*rds.rds.instances, *rds.rds.clusters}


# -- into the account --------------------------------------------------------------------------------------------------


def test_a_copy_is_shared_only_until_it_is_in_the_account(rds: Played) -> None:
    restore = restoring(rds)
    assert not restore.bring()
    assert rds.shared == {"copy-1": ["123456789012"]}
    assert restore.bring()
    assert rds.shared == {"copy-1": []}
    made = rds.snapshots[restore.name]
    tags = {each["Key"]: each["Value"] for each in made["TagList"]}
    assert (tags["belay:release"], tags[COPIED_FROM_TAG]) == ("1.3.0", restore.copied_from)
    assert restore.copied_from == "arn:aws:rds:eu-west-1:222222222222:snapshot:copy-1"
    assert restore.name.startswith("orders-db-belay-vault-")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("KMSKeyNotAccessibleFault", "The vault's key has to let account 123456789012 use it: name it in RestoringAcc"),
        ("InvalidParameterCombination", "RDS.CopyDBSnapshot answered InvalidParameterCombination: not accessible"),
    ],
)
def test_a_refused_copy_is_shared_no_more(rds: Played, code: str, told: str) -> None:
    rds.refused["Copy"] = code
    with pytest.raises((RestoreRefused, AwsFault), match=told):
        restoring(rds).bring()
    assert rds.shared == {"copy-1": []}
    assert [*rds.snapshots] == ["copy-1", "copy-2"]


@pytest.mark.parametrize(("status", "ready"), [("creating", False), ("failed", None), ("incompatible-restore", None)])
def test_a_half_copied_snapshot_is_waited_for_and_a_failed_one_is_told(
    rds: Played, status: str, ready: bool | None
) -> None:
    restore = brought(rds)
    rds.snapshots[restore.name]["Status"] = status
    if ready is False:
        assert not restore.bring()
        return
    with pytest.raises(RestoreRefused, match=f"it is {status} now. The usual cause is a key.* Delete the snapshot"):
        restore.bring()


def test_a_name_that_another_snapshot_has_is_not_restored_from(rds: Played) -> None:
    restore = restoring(rds)
    tags = [{"Key": COPIED_FROM_TAG, "Value": "arn:somewhere-else"}]
    rds.snapshots[restore.name] = {**rds.snapshots["copy-1"], "TagList": tags}
    with pytest.raises(
        RestoreRefused, match="its tag belay:copied-from is arn:somewhere-else: it is not this restore's"
    ):
        restore.bring()


def test_what_was_shared_but_never_copied_is_no_copy_of_the_vault(rds: Played) -> None:
    rds.snapshots["belay-shared"] = {**snapshot(), "DBSnapshotIdentifier": "belay-shared"}
    rds.snapshots["public"] = {**rds.snapshots["copy-1"], "SnapshotType": "shared"}
    found = rds.manual_snapshots(INSTANCE)
    assert [each.name for each in copies_of(found, "orders", "production")] == ["copy-1"]
    assert copies_of(found, "orders", "test") == []


# -- beside the database, and in its place -----------------------------------------------------------------------------


@pytest.mark.parametrize("afresh", [False, True], ids=["in one go", "interrupted at every step"])
def test_an_instance_is_restored_and_the_names_are_swapped(rds: Played, afresh: bool) -> None:
    restore = restoring(rds)

    done, todos = carry_on(rds, afresh=afresh)

    actions = [each.action for each in done]
    assert actions[0] is Action.RESTORE_DATABASE
    swap = actions.index(Action.RENAME_ORIGINAL)
    assert actions[swap + 1] is Action.RENAME_RESTORED
    now, kept = rds.rds.instances["orders-db"], rds.rds.instances[restore.replaced]
    assert (kept["DbiResourceId"], kept["DeletionProtection"]) == ("db-ORIGINAL", True)
    tags = {each["Key"]: each["Value"] for each in now["TagList"]}
    assert tags[INCIDENT_TAG] == "vault/copy-1"
    assert any(isinstance(each, Remark) and restore.replaced in each.what for each in todos)
    assert not any(isinstance(each, LeftToDo) for each in todos)
    assert [each for each in restoring(rds).plan() if isinstance(each, Step)] == []


@pytest.mark.parametrize("afresh", [False, True], ids=["in one go", "interrupted at every step"])
def test_a_cluster_is_restored_with_its_members(rds: Played, afresh: bool) -> None:
    before = names(rds)
    done, todos = carry_on(rds, AURORA, afresh=afresh)
    assert [each.subject for each in done if each.action is Action.CREATE_MEMBER] == ["orders-a", "orders-b"]
    assert not any(isinstance(each, LeftToDo) for each in todos)
    assert before < names(rds)
    assert len(names(rds) - before) == 3
    cluster = rds.rds.clusters["orders-db"]
    assert cluster["DbClusterResourceId"] != "cluster-ORIGINAL"
    assert {each["DBInstanceIdentifier"] for each in cluster["DBClusterMembers"]} == {"orders-a", "orders-b"}


def test_a_refused_swap_is_undone(rds: Played) -> None:
    restore, performed = brought(rds), list[Step]()
    rds.refused["ModifyDBInstance orders-db"] = "not allowed"
    while (steps := [each for each in restore.plan() if isinstance(each, Step)]) and len(performed) < 20:
        rds.refused |= {} if steps[0].action is not Action.UNDO_RENAME_ORIGINAL else {"ModifyDBInstance orders-db": ""}
        performed.append(steps[0])
        restore.perform(steps[0])
        restore._tried[-1] = (*restore._tried[-1][:2], restore._tried[-1][2] - timedelta(minutes=6))
    assert performed[-1].action is Action.UNDO_RENAME_ORIGINAL
    todos = restore.plan()
    (left,) = [each for each in todos if isinstance(each, LeftToDo)]
    assert "not allowed" in left.why
    assert {"orders-db", restore.restored} <= names(rds)


def test_a_refused_restore_is_left_with_why(rds: Played) -> None:
    rds.refused["RestoreDBInstanceFromDBSnapshot"] = "no key"
    done, todos = carry_on(rds)
    assert [each.action for each in done] == [Action.RESTORE_DATABASE]
    (left,) = [each for each in todos if isinstance(each, LeftToDo)]
    assert left.why == "it was not restored: RDS.RestoreDBInstanceFromDBSnapshot answered AccessDenied: no key."


def test_nothing_is_restored_where_no_database_says_how(rds: Played) -> None:
    restore = restoring(rds)
    del rds.rds.instances["orders-db"]
    with pytest.raises(RestoreRefused, match=r"There is none: deploy the stage's last release first \(belay retry\)"):
        restore.plan()


@pytest.mark.parametrize("place", ["restored", "replaced"])
def test_a_name_that_another_database_has_is_told(rds: Played, place: str) -> None:
    restore = brought(rds)
    taken = getattr(restore, place)
    rds.rds.instances[taken] = {**INSTANCE_SHOWN, "DBInstanceIdentifier": taken, "DbiResourceId": "db-OTHER"}
    with pytest.raises(RestoreRefused, match=f"the name {taken} is taken by a database that this restore did not make"):
        restore.plan()


def test_a_copy_that_was_restored_already_is_not_restored_over_its_own_data(rds: Played) -> None:
    restore = restoring(rds)
    carry_on(rds)
    del rds.rds.instances[restore.replaced]
    with pytest.raises(RestoreRefused, match="first remove the tag belay:incident from orders-db"):
        restoring(rds).plan()


def test_a_copy_that_is_gone_is_told(rds: Played) -> None:
    restore = restoring(rds)
    del rds.snapshots["copy-1"]
    with pytest.raises(RestoreRefused, match="the copy copy-1 is no longer in the vault in account 222222222222"):
        restore.plan()


# -- the commands ------------------------------------------------------------------------------------------------------


@pytest.fixture
def vaulted(office: Office, rds: Played, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The stage has both databases and a vault, which is reached with any credentials."""
    key = "/belay/applications/orders/production"
    text = office.ssm.get_parameter(Name=key)["Parameter"]["Value"]
    more = f"databases: [{{instance: orders-db}}, {{instance: reports}}]\n{vault_of('222222222222')}"
    office.ssm.put_parameter(Name=key, Value=f"{text}\n{more}", Overwrite=True)
    reached = SimpleNamespace(databases=rds)
    for name in ("vault_restore.of_vault", "vault_restore.of_stage", "vault_list.of_vault"):
        monkeypatch.setattr(f"cli.{name}", lambda *_: reached)
    monkeypatch.setattr(vault_restore.time, "sleep", lambda _: None)
    return office


def vault_of(account: str) -> str:
    return f"vault: {{account: '{account}', region: eu-west-1}}\n"


RESTORE = ("vault", "restore", "orders", "production", "--database", "orders-db")


def test_the_copies_are_listed_with_what_is_not_there_yet(vaulted: Office, belay: Belay) -> None:
    copy = VaultCopy(
        origin=Origin("orders", "1.2.0", "0f1e2d3c4b5a"),
        stage="production",
        kind="instance",
        database="orders-db",
        name="belay-2",
        source=SOURCE,
        gibibytes=20,
        execution="x",
        vault=VAULT,
        topic=None,
        since=datetime(2026, 1, 1, tzinfo=UTC),
        failing="RDS.CopyDBSnapshot answered KMSKeyNotAccessibleFault: no",
    )
    vaulted.ledger.vault_copies.enter(copy)
    found = document(belay, "vault", "list", "orders")
    assert [(each["copy"], each["kind"], each["release"]) for each in found["copies"]] == [
        ("copy-1", "instance", "1.3.0"),
        ("copy-2", "cluster", "1.3.0"),
    ]
    assert found["waiting"][0]["failing"] == copy.failing
    _, out, _ = belay("vault", "list", "orders", "--stage", "production")
    assert "belay-2 of orders-db in production, since 2026-01-01 00:00:00 UTC: refused: RDS.CopyDBSnapshot" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("crm",), "crm has no stages that can be read"),
        (("orders", "--stage", "prod"), "orders has no stage prod; registered:"),
        (("orders", "--stage", "test"), "test has no vault registered"),
    ],
)
def test_what_has_no_vault_is_told(vaulted: Office, belay: Belay, words: tuple[str, ...], told: str) -> None:
    status, _, err = belay("vault", "list", *words)
    assert (status, told in err) == (1, True)


def test_credentials_of_another_account_are_told_with_whom_to_ask(
    office: Office, rds: Played, belay: Belay, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "/belay/applications/orders/production"
    text = office.ssm.get_parameter(Name=key)["Parameter"]["Value"]
    more = f"databases: [{{instance: orders-db}}]\n{vault_of('222222222222')}"
    office.ssm.put_parameter(Name=key, Value=f"{text}\n{more}", Overwrite=True)
    status, _, err = belay("vault", "list", "orders")
    assert status == 1
    assert (
        "these credentials are for account 123456789012. The copies are in account 222222222222: pass --vault-profile "
        "with credentials for it that have the policy belay-lend-from-vault (accounts/vault.yaml)." in err
    )
    status, _, err = belay(*RESTORE, "--vault-profile", "nobody-s")
    assert (status, "nobody-s" in err) == (3, True)


def test_who_may_not_look_is_told_which_policies_to_ask_for(
    vaulted: Office, belay: Belay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise AccessDenied("RDS.DescribeDBSnapshots", "AccessDenied", "no")

    monkeypatch.setattr(Played, "manual_snapshots", refuse)
    for words in (("vault", "list", "orders"), RESTORE):
        status, _, err = belay(*words)
        assert status == 3
        assert "these credentials may not call rds:DescribeDBSnapshots: no. --vault-profile needs the policy" in err


def test_a_plan_changes_nothing(vaulted: Office, rds: Played, belay: Belay) -> None:
    before = names(rds)
    found = document(belay, *RESTORE, "--plan")
    assert found["state"] == "planned"
    assert found["steps"][0].startswith(f"restore the snapshot {found['snapshot']} as {found['restored_as']}")
    _, out, _ = belay(*RESTORE, "--plan")
    assert "1. share the copy with account 123456789012" in out
    assert "later writes are lost, and kept in orders-db-belay-replaced-" in out
    assert names(rds) == before
    assert (rds.shared, [*rds.snapshots]) == ({}, ["copy-1", "copy-2"])


def test_nothing_is_restored_unasked(vaulted: Office, rds: Played, belay: Belay) -> None:
    before = names(rds)
    status, _, err = belay(*RESTORE)
    assert (status, "nothing was changed: no terminal to ask on; pass --yes" in err) == (1, True)
    assert names(rds) == before
    assert rds.shared == {}


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    given, asked = iter(answers), list[str]()

    def ask(question: str) -> str:
        asked.append(question)
        return next(given)

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", ask)
    return asked


def test_the_swap_is_asked_for_once_the_database_is_ready(
    vaulted: Office, rds: Played, belay: Belay, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, "y", "n", "y", "y")
    status, _, err = belay(*RESTORE)
    restored = restoring(rds).restored
    assert (status, f"{restored} stays beside orders-db, and nothing else was changed" in err) == (1, True)
    assert restored in names(rds)
    assert belay(*RESTORE)[0] == 0, "it goes on"
    assert restored not in names(rds)
    assert [each.partition(" ")[0] for each in asked] == ["Begin?", restored, "Begin?", restored]


def test_a_restore_is_done_and_asked_for_again_does_nothing_more(vaulted: Office, rds: Played, belay: Belay) -> None:
    found = document(belay, *RESTORE, "--yes")
    assert (found["state"], found["left_to_do"]) == ("swapped", [])
    assert found["replaced"] in names(rds)
    again = document(belay, *RESTORE, "--yes")
    assert (again["state"], again["steps"]) == ("swapped", [])


def test_it_may_stay_beside_the_database(vaulted: Office, rds: Played, belay: Belay) -> None:
    found = document(belay, *RESTORE, "--yes", "--beside")
    assert found["state"] == "beside"
    assert {"orders-db", found["restored_as"]} <= names(rds)
    assert found["replaced"] not in names(rds)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("orders", "production"), "pass --database with one of orders-db, reports"),
        (("orders", "production", "--database", "orders"), "has no database orders; registered: orders-db"),
        ((*RESTORE[2:], "--copy", "copy-2"), "there is no copy copy-2 of instance orders-db; there are copy-1"),
    ],
)
def test_what_cannot_be_chosen_is_told(vaulted: Office, belay: Belay, words: tuple[str, ...], told: str) -> None:
    status, _, err = belay("vault", "restore", *words)
    assert (status, told in err) == (1, True), err


def test_a_copy_that_is_not_available_is_not_chosen(vaulted: Office, rds: Played, belay: Belay) -> None:
    rds.snapshots["copy-1"]["Status"] = "creating"
    _, _, err = belay(*RESTORE)
    assert "the copy copy-1 of instance orders-db is creating, not available: wait, or pass --copy" in err
    del rds.snapshots["copy-1"]
    assert "there is no copy of instance orders-db in the vault" in belay(*RESTORE)[2]


def test_an_unencrypted_database_is_not_swapped_with_an_encrypted_one(
    vaulted: Office, rds: Played, belay: Belay
) -> None:
    rds.rds.instances["orders-db"] |= {"KmsKeyId": None, "StorageEncrypted": False}
    assert "Pass --key KEY and --beside" in belay(*RESTORE)[2]


def test_a_stage_that_is_being_changed_is_left_alone(vaulted: Office, rds: Played, belay: Belay) -> None:
    claim = Claim("orders", "production", "a", "1.2.0", "arn:execution")
    vaulted.ledger.locks.acquire(claim, expires_at=4_000_000_000, seen=None, now="2026-01-01T00:00:00+00:00")
    status, _, err = belay(*RESTORE, "--yes")
    assert (status, "orders/production is locked: a release or a recovery changes it now" in err) == (1, True)


def test_a_stage_whose_account_is_lost_is_to_be_registered_in_another(
    vaulted: Office, belay: Belay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.vault_restore.of_stage", of_stage)
    monkeypatch.setattr(Aws, "account", "333333333333")
    _, _, err = belay(*RESTORE, "--yes")
    assert "If that account is lost, register the stage in another one first: docs/lost-region.md" in err


def test_aws_s_weather_is_waited_out(vaulted: Office, belay: Belay, monkeypatch: pytest.MonkeyPatch) -> None:
    brought_before, weather = VaultRestore.bring, iter([True, True])

    def bring(restore: VaultRestore) -> bool:
        if next(weather, False):
            raise ServiceUnavailable("RDS.CopyDBSnapshot", "ServiceUnavailable", "later")
        return brought_before(restore)

    monkeypatch.setattr(VaultRestore, "bring", bring)
    assert document(belay, *RESTORE, "--yes", "--beside")["state"] == "beside"
