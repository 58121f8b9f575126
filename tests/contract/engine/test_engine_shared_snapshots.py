"""Snapshots that are shared with another account, and copied into it and into another region."""

import json

import pytest
from botocore.exceptions import ClientError

from local.engine import ACCOUNT, REGION, EmbeddedEngine

VAULT, ELSEWHERE = "222222222222", "eu-west-1"
STRANGER = "333333333333"
LOGIN = {"MasterUsername": "admin1", "MasterUserPassword": "not-a-secret-1"}
SMALL = {"DBInstanceClass": "db.t4g.micro", "AllocatedStorage": 20, "Engine": "mysql", **LOGIN}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with EmbeddedEngine.start(directory=tmp_path_factory.mktemp("engine"), snapshot_seconds=0.2) as running:
        yield running


def allowing(*accounts):
    """A key policy that lets its own account do everything, and others use it."""
    statements = [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*"}]
    named = [f"arn:aws:iam::{account}:root" for account in accounts]
    if named:
        used = {"Principal": {"AWS": named}, "Action": ["kms:DescribeKey", "kms:CreateGrant"]}
        statements.append({"Effect": "Allow", **used})
    return json.dumps({"Version": "2012-10-17", "Statement": [{**each, "Resource": "*"} for each in statements]})


@pytest.fixture(scope="module")
def keys(engine):
    """Keys by name: of the account, the vault's in both regions, and one that no other account may use."""
    kms = engine.client("kms")
    return {
        "own": kms.create_key(Policy=allowing(VAULT))["KeyMetadata"]["Arn"],
        "closed": kms.create_key(Policy=allowing())["KeyMetadata"]["Arn"],
        "vault": engine.client("kms", account=VAULT, region=ELSEWHERE).create_key()["KeyMetadata"]["Arn"],
        "vault here": engine.client("kms", account=VAULT).create_key()["KeyMetadata"]["Arn"],
    }


@pytest.fixture
def rds(engine):
    return engine.client("rds")


@pytest.fixture
def vault(engine):
    return engine.client("rds", account=VAULT, region=ELSEWHERE)


def available(client, kind, name):
    noun = {"instance": "DBSnapshot", "cluster": "DBClusterSnapshot"}[kind]
    waiter = {"instance": "db_snapshot_available", "cluster": "db_cluster_snapshot_available"}[kind]
    client.get_waiter(waiter).wait(**{f"{noun}Identifier": name}, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    describe = {"instance": client.describe_db_snapshots, "cluster": client.describe_db_cluster_snapshots}[kind]
    return describe(**{f"{noun}Identifier": name})[f"{noun}s"][0]


@pytest.fixture(scope="module")
def taken(engine, keys):
    """``taken("instance", key="own")`` is the name of an available snapshot of a new database."""
    rds, made = engine.client("rds"), {}

    def take(kind, key=None, *, encrypted=True):
        name = f"{kind}-{key or 'default'}-{'encrypted' if encrypted else 'plain'}"
        if name in made:
            return name
        own = {"KmsKeyId": keys[key]} if key else {}
        if kind == "instance":
            rds.create_db_instance(DBInstanceIdentifier=name, StorageEncrypted=encrypted, **own, **SMALL)
            rds.get_waiter("db_instance_available").wait(
                DBInstanceIdentifier=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
            )
            rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=name)
        else:
            engine_of = {"Engine": "aurora-mysql", **LOGIN}
            rds.create_db_cluster(DBClusterIdentifier=name, StorageEncrypted=encrypted, **own, **engine_of)
            rds.get_waiter("db_cluster_available").wait(
                DBClusterIdentifier=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
            )
            rds.create_db_cluster_snapshot(DBClusterIdentifier=name, DBClusterSnapshotIdentifier=name)
        made[name] = available(rds, kind, name)
        return name

    return take


def arn(kind, name):
    return f"arn:aws:rds:{REGION}:{ACCOUNT}:{'snapshot' if kind == 'instance' else 'cluster-snapshot'}:{name}"


def share(client, kind, name, *accounts):
    asked = {"AttributeName": "restore", "ValuesToAdd": [*accounts]}
    if kind == "instance":
        client.modify_db_snapshot_attribute(DBSnapshotIdentifier=name, **asked)
    else:
        client.modify_db_cluster_snapshot_attribute(DBClusterSnapshotIdentifier=name, **asked)


def copy(client, kind, source, target, **asked):
    if kind == "instance":
        return client.copy_db_snapshot(SourceDBSnapshotIdentifier=source, TargetDBSnapshotIdentifier=target, **asked)
    return client.copy_db_cluster_snapshot(
        SourceDBClusterSnapshotIdentifier=source, TargetDBClusterSnapshotIdentifier=target, **asked
    )


def refused(call):
    with pytest.raises(ClientError) as error:
        call()
    return error.value.response["Error"]["Code"]


@pytest.mark.parametrize("kind", ["instance", "cluster"])
def test_a_shared_snapshot_is_copied_across_account_and_region_in_one_step(kind, rds, vault, keys, taken):
    name = taken(kind, "own")
    share(rds, kind, name, VAULT)
    tags = [{"Key": "belay:application", "Value": "orders"}]

    asked = {"KmsKeyId": keys["vault"], "SourceRegion": REGION, "Tags": tags}
    begun = copy(vault, kind, arn(kind, name), f"copy-of-{name}", **asked)
    begun = begun["DBSnapshot" if kind == "instance" else "DBClusterSnapshot"]

    assert begun["Status"] == "creating"
    found = available(vault, kind, f"copy-of-{name}")
    assert found["SnapshotType"] == "manual"
    assert (found["KmsKeyId"], found["TagList"]) == (keys["vault"], tags)
    assert found["DBInstanceIdentifier" if kind == "instance" else "DBClusterIdentifier"] == name
    assert f":{ELSEWHERE}:{VAULT}:" in found["DBSnapshotArn" if kind == "instance" else "DBClusterSnapshotArn"]
    exists = "DBSnapshotAlreadyExists" if kind == "instance" else "DBClusterSnapshotAlreadyExistsFault"
    assert refused(lambda: copy(vault, kind, arn(kind, name), f"copy-of-{name}", **asked)) == exists


@pytest.mark.parametrize("kind", ["instance", "cluster"])
def test_what_is_not_shared_is_not_found(kind, engine, rds, keys, taken):
    name = taken(kind, "own")
    share(rds, kind, name, VAULT)
    stranger = engine.client("rds", account=STRANGER)
    key = engine.client("kms", account=STRANGER).create_key()["KeyMetadata"]["Arn"]
    code = refused(lambda: copy(stranger, kind, arn(kind, name), "stolen", KmsKeyId=key))
    assert code == ("DBSnapshotNotFound" if kind == "instance" else "DBClusterSnapshotNotFoundFault")


@pytest.mark.parametrize("kind", ["instance", "cluster"])
def test_a_snapshot_with_the_default_key_is_not_shared(kind, rds, taken):
    state = "InvalidDBSnapshotState" if kind == "instance" else "InvalidDBClusterSnapshotStateFault"
    assert refused(lambda: share(rds, kind, taken(kind), VAULT)) == state
    assert refused(lambda: share(rds, kind, taken(kind, "own"), "all")) == "InvalidParameterValue"


def test_automated_snapshots_are_not_shared(rds, taken):
    taken("instance", "own")
    automated = rds.describe_db_snapshots(SnapshotType="automated")["DBSnapshots"][0]["DBSnapshotIdentifier"]
    assert refused(lambda: share(rds, "instance", automated, VAULT)) in (
        "InvalidDBSnapshotState",
        "InvalidParameterValue",
    )


def test_the_source_s_key_has_to_let_the_other_account(rds, vault, keys, taken):
    name = taken("instance", "closed")
    share(rds, "instance", name, VAULT)
    asked = {"KmsKeyId": keys["vault"], "SourceRegion": REGION}
    code = refused(lambda: copy(vault, "instance", arn("instance", name), "closed", **asked))
    assert code == "KMSKeyNotAccessibleFault"


@pytest.mark.parametrize(
    "case",
    [
        (None, "InvalidParameterCombination"),
        ("vault here", "KMSKeyNotAccessibleFault"),
        ("own", "KMSKeyNotAccessibleFault"),
    ],
)
def test_an_encrypted_copy_needs_a_key_of_the_region_it_goes_to(case, engine, vault, keys, taken):
    key, code = case
    name = taken("instance", "own")
    share(engine.client("rds"), "instance", name, VAULT)
    asked = {"SourceRegion": REGION, **({"KmsKeyId": keys[key]} if key else {})}
    assert refused(lambda: copy(vault, "instance", arn("instance", name), "keyless", **asked)) == code


def test_an_unencrypted_copy_is_encrypted_for_an_instance_and_never_for_a_cluster(rds, vault, keys, taken):
    asked = {"KmsKeyId": keys["vault"], "SourceRegion": REGION}
    names = {kind: taken(kind, encrypted=False) for kind in ("instance", "cluster")}
    for kind, name in names.items():
        share(rds, kind, name, VAULT)
    copy(vault, "instance", arn("instance", names["instance"]), "plain-instance", **asked)
    assert available(vault, "instance", "plain-instance")["KmsKeyId"] == keys["vault"]
    code = refused(lambda: copy(vault, "cluster", arn("cluster", names["cluster"]), "plain-cluster", **asked))
    assert code == "InvalidParameterCombination"


def test_five_copies_of_clusters_are_made_at_a_time_across_regions(engine, vault, keys, taken):
    name = taken("cluster", "own")
    share(engine.client("rds"), "cluster", name, VAULT)
    asked = {"KmsKeyId": keys["vault"], "SourceRegion": REGION}
    with engine.standing_still():
        for number in range(5):
            copy(vault, "cluster", arn("cluster", name), f"one-of-{number}", **asked)
        code = refused(lambda: copy(vault, "cluster", arn("cluster", name), "one-too-many", **asked))
        here = engine.client("rds", account=VAULT)
        copy(here, "cluster", arn("cluster", name), "in-the-same-region", KmsKeyId=keys["vault here"])
    assert code == "SnapshotQuotaExceeded"


def test_a_database_shows_the_arn_of_its_key_not_the_alias(engine, rds, keys):
    engine.client("kms").create_alias(AliasName="alias/own", TargetKeyId=keys["own"].rpartition("/")[2])
    rds.create_db_instance(DBInstanceIdentifier="by-alias", StorageEncrypted=True, KmsKeyId="alias/own", **SMALL)
    login = {"Engine": "aurora-mysql", **LOGIN}
    rds.create_db_cluster(DBClusterIdentifier="by-alias", StorageEncrypted=True, KmsKeyId="alias/own", **login)
    found = rds.describe_db_instances(DBInstanceIdentifier="by-alias")["DBInstances"]
    found += rds.describe_db_clusters(DBClusterIdentifier="by-alias")["DBClusters"]
    assert [each["KmsKeyId"] for each in found] == [keys["own"]] * 2


def test_a_copy_outlives_its_source_and_is_restored_in_the_other_account(rds, vault, keys, taken):
    name = taken("instance", "own")
    share(rds, "instance", name, VAULT)
    asked = {"KmsKeyId": keys["vault"], "SourceRegion": REGION}
    copy(vault, "instance", arn("instance", name), "outliving", **asked)
    available(vault, "instance", "outliving")

    vault.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="restored", DBSnapshotIdentifier="outliving")

    found = vault.describe_db_instances(DBInstanceIdentifier="restored")["DBInstances"][0]
    assert (found["StorageEncrypted"], found["KmsKeyId"]) == (True, keys["vault"])
