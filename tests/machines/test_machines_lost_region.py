"""A stage whose snapshots go to a vault, and whose region is lost: docs/lost-region.md is run unchanged."""

import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import record
from botocore.exceptions import ClientError
from deployed_belay import WAIT_SCALE, Application, Belay, until
from small_releases import setting
from test_machines_pipelines import ran

from belay.release.vault_copy import VaultCopy
from local.demo_regions import GUIDE, steps
from local.deployment import LOCAL_PARAMETERS, deploy, sam_environment
from local.engine import ACCOUNT, ROOT, EmbeddedEngine
from local.postgres import Address, connect
from local.spokes import SPOKE_ACCOUNT, SPOKE_REGION, join

VAULT_ACCOUNT, NEW_REGION = "222222222222", "eu-west-1"
DATABASE = "orders-production"
SERVICE_ROLE = f"arn:aws:iam::{SPOKE_ACCOUNT}:role/belay/deployer"
VAULT = {"account": VAULT_ACCOUNT, "region": NEW_REGION, "keep": 2}


@pytest.fixture(scope="module")
def files() -> set[str]:
    """This is not the Belay of the other files."""
    return set()


@pytest.fixture(scope="module")
def belay(files: set[str]) -> Iterator[Belay]:
    """Belay in an engine that enforces permissions, an account with a stage, and one with a vault."""
    with EmbeddedEngine.start(snapshot_seconds=0.0, wait_scale=float(WAIT_SCALE), permissions=True) as engine:
        outputs = deploy(engine, parameters={**LOCAL_PARAMETERS, "SpokeAccounts": SPOKE_ACCOUNT})
        join(engine, ["orders", "refused", "piped"])
        for region in (SPOKE_REGION, NEW_REGION):
            _make_key(engine, region)
        _make_vault(engine)
        deployed = Belay(engine, outputs)
        yield deployed
        record.leave(deployed, files)


def _make_key(engine: EmbeddedEngine, region: str) -> None:
    """The stage's own key, which the vault's account may use."""
    allowed = [
        {"Principal": {"AWS": f"arn:aws:iam::{SPOKE_ACCOUNT}:root"}, "Action": "kms:*"},
        {"Principal": {"AWS": f"arn:aws:iam::{VAULT_ACCOUNT}:root"}, "Action": ["kms:CreateGrant", "kms:DescribeKey"]},
    ]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **each} for each in allowed]}
    kms = engine.client("kms", account=SPOKE_ACCOUNT, region=region)
    key = kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/orders", TargetKeyId=key)


def _make_vault(engine: EmbeddedEngine) -> None:
    cloudformation = engine.client("cloudformation", account=VAULT_ACCOUNT, region=NEW_REGION)
    values = {"HubAccountId": ACCOUNT, "Applications": "orders,refused,piped", "RestoringAccounts": SPOKE_ACCOUNT}
    cloudformation.create_stack(
        StackName="belay-vault",
        TemplateBody=(ROOT / "accounts" / "vault.yaml").read_text(),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="belay-vault", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    restorer = engine.client("cloudformation", account=SPOKE_ACCOUNT, region=SPOKE_REGION)
    restorer.create_stack(
        StackName="belay-restorer",
        TemplateBody=(ROOT / "accounts" / "restorer.yaml").read_text(),
        Parameters=[{"ParameterKey": "VaultAccountId", "ParameterValue": VAULT_ACCOUNT}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    restorer.get_waiter("stack_create_complete").wait(
        StackName="belay-restorer", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def _keys_of_on_call(engine: EmbeddedEngine, account: str, policy: str) -> tuple[str, str]:
    """The access key of a person with exactly a policy's permissions."""
    iam = engine.client("iam", account=account)
    iam.create_user(UserName="on-call")
    iam.attach_user_policy(UserName="on-call", PolicyArn=f"arn:aws:iam::{account}:policy/{policy}")
    key = iam.create_access_key(UserName="on-call")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def template(version: str, database: str = DATABASE, key: str | None = "alias/orders") -> dict[str, Any]:
    """A template of a setting and of a database with a key of the account's own, or RDS's default one."""
    properties = {
        "DBInstanceIdentifier": database,
        "DBName": "orders",
        "Engine": "postgres",
        "EngineVersion": "16.3",
        "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": "20",
        "StorageEncrypted": True,
        "MasterUsername": "orders",
        "ManageMasterUserPassword": True,
        "BackupRetentionPeriod": 7,
        "DeletionProtection": True,
        "PubliclyAccessible": False,
        **({"KmsKeyId": key} if key else {}),
    }
    made = {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot", "UpdateReplacePolicy": "Snapshot"}
    return {"Resources": {**setting(version)["Resources"], "Database": {**made, "Properties": properties}}}


def registered(belay: Belay, name: str, database: str, **more: Any) -> Application:
    """An application whose production lies in the other account, with a vault."""
    app = Application(belay, name)
    place = {"account": SPOKE_ACCOUNT, "region": SPOKE_REGION, "service_role": SERVICE_ROLE}
    app.register({"production": {**place, "databases": [{"instance": database}], "vault": VAULT, **more}})
    app.subscribe()
    belay.applications.append(app)
    return app


def rds(belay: Belay, account: str, region: str) -> Any:
    return belay.engine.client("rds", account=account, region=region)


def in_vault(belay: Belay, database: str = DATABASE) -> list[dict[str, Any]]:
    found = rds(belay, VAULT_ACCOUNT, NEW_REGION).describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    return [each for each in found if each["DBInstanceIdentifier"] == database]


def run_sql(belay: Belay, region: str, statement: str) -> Any:
    """Run a statement in the database that has the name in a region."""
    client = rds(belay, SPOKE_ACCOUNT, region)
    client.modify_db_instance(
        DBInstanceIdentifier=DATABASE, ManageMasterUserPassword=False, MasterUserPassword="not-a-secret-1"
    )
    shown = client.describe_db_instances(DBInstanceIdentifier=DATABASE)["DBInstances"][0]
    endpoint = shown["Endpoint"]
    with closing(
        connect(Address(endpoint["Address"], endpoint["Port"], "orders", "not-a-secret-1", "orders"))
    ) as open_:
        return open_.run(statement)


def test_a_snapshot_that_may_not_be_shared_stops_no_release_and_is_told(belay: Belay) -> None:
    app = registered(belay, "refused", "refused-production")
    app.deploy("1.0.0", stacks={"first": template("1.0.0", "refused-production", key=None)})
    app.deploy("1.1.0", stacks={"first": template("1.1.0", "refused-production", key=None)})

    found = belay.invoke("CopyToVaultFunction", {})

    assert len(found["waiting"]) == 1
    told = app.told("deployment-started", "DEPLOYED", "deployment-started", "DEPLOYED", "vault-copy-failed")[-1]
    assert "ModifyDBSnapshotAttribute answered InvalidDBSnapshotState" in told.text
    assert in_vault(belay, "refused-production") == []


def test_the_snapshot_of_a_stage_that_its_pipeline_deploys_goes_to_the_vault(belay: Belay) -> None:
    database, pipeline, execution = "piped-production", "piped-pipeline", str(uuid.uuid4())
    app = registered(
        belay,
        "piped",
        database,
        pipeline={"name": pipeline, "pre_deployment_stage": "Prepare", "deployment_stage": "Deploy"},
    )
    client = rds(belay, SPOKE_ACCOUNT, SPOKE_REGION)
    properties = template("1.0.0", database)["Resources"]["Database"]["Properties"]
    client.create_db_instance(**{**properties, "AllocatedStorage": 20})
    client.get_waiter("db_instance_available").wait(DBInstanceIdentifier=database, WaiterConfig={"Delay": 1})
    named = {"pipelineName": pipeline, "pipelineExecutionId": execution}
    found = {"pipelineExecution": {**named, "status": "InProgress", "pipelineVersion": 3}}
    actions = {"actionExecutionDetails": [ran("Prepare", "Approval", "Manual", "InProgress")]}
    filtered = {"pipelineName": pipeline, "filter": {"pipelineExecutionId": execution}}
    there = {"account": SPOKE_ACCOUNT, "region": SPOKE_REGION}
    belay.engine.script("codepipeline", "GetPipelineExecution", found, only_if=named, **there)
    belay.engine.script("codepipeline", "ListActionExecutions", actions, only_if=filtered, **there)
    listed = {"pipelineExecutionId": execution, "status": "InProgress", "lastUpdateTime": time.time() + 3600}
    summaries = {"pipelineExecutionSummaries": [{**listed, "startTime": time.time()}]}
    belay.engine.script(
        "codepipeline", "ListPipelineExecutions", summaries, only_if={"pipelineName": pipeline}, **there
    )

    until(lambda: belay.invoke("ReactToPipelineFunction", {"missed": True}) and waiting_for(belay, app.name))
    (waiting,) = waiting_for(belay, app.name)
    until(lambda: waiting.name in belay.invoke("CopyToVaultFunction", {})["available"])

    (copy,) = in_vault(belay, database)
    tags = {each["Key"]: each["Value"] for each in copy["TagList"]}
    assert (tags["belay:release"], tags["belay:execution"]) == (execution, f"{pipeline}/{execution}")
    assert app.told() == []


def waiting_for(belay: Belay, application: str) -> list[VaultCopy]:
    return [each for each in belay.ledger.vault_copies.every() if each.origin.application == application]


def commands() -> str:
    """The guide's commands, ready to paste."""
    return "\n".join(pasted for _, pasted in steps(GUIDE.read_text(encoding="utf-8")))


def test_the_guide_brings_a_stage_and_its_data_into_another_region(belay: Belay, tmp_path: Path) -> None:
    app = registered(belay, "orders", DATABASE)
    app.deploy("1.0.0", stacks={"first": template("1.0.0")})
    run_sql(belay, SPOKE_REGION, "CREATE TABLE orders AS SELECT 42 AS number")
    app.deploy("1.1.0", stacks={"first": template("1.1.0")})
    (waiting,) = waiting_for(belay, "orders")
    assert "SNAPSHOTS TAKEN" in belay.transitions("orders", "1.1.0")

    belay.invoke("CopyToVaultFunction", {})
    found = belay.invoke("CopyToVaultFunction", {})

    assert waiting.name in found["available"]
    (copy,) = in_vault(belay)
    tags = {each["Key"]: each["Value"] for each in copy["TagList"]}
    assert (copy["DBSnapshotIdentifier"], tags["belay:release"]) == (waiting.name, "1.1.0")
    assert ":222222222222:key/" in copy["KmsKeyId"]
    assert "SNAPSHOT IN VAULT" in belay.transitions("orders", "1.1.0")
    _refuse_stage_roles(belay, copy["DBSnapshotArn"])

    _run_guide(belay, tmp_path)

    assert belay.last_known_good("orders") == "1.1.0"
    assert run_sql(belay, NEW_REGION, "SELECT number FROM orders") == [[42]]
    app.deploy("1.2.0", stacks={"first": template("1.2.0")})
    until(lambda: belay.invoke("CopyToVaultFunction", {})["available"])
    assert len(in_vault(belay)) == 2


def _refuse_stage_roles(belay: Belay, copy: str) -> None:
    """Not even the root of the stage's account can delete the copy: it is not a snapshot of that account."""
    for region in (SPOKE_REGION, NEW_REGION):
        with pytest.raises(ClientError, match="not found"):
            rds(belay, SPOKE_ACCOUNT, region).delete_db_snapshot(DBSnapshotIdentifier=copy)
    assert in_vault(belay)


def _run_guide(belay: Belay, place: Path) -> None:
    """Run the guide's commands in one terminal, with the lost region not responding any more."""
    for name in ("belay", "accounts", ".venv", "cli", "layers"):
        (place / name).symlink_to(ROOT / name)
    (place / "registration").mkdir()
    stored = belay.aws("ssm").get_parameter(Name="/belay/applications/orders")["Parameter"]["Value"]
    (place / "registration" / "application.yaml").write_text(stored)
    (place / "registration" / "production.yaml").write_text(
        f'account: "{SPOKE_ACCOUNT}"\nregion: {SPOKE_REGION}\nservice_role: {SERVICE_ROLE}\n'
        f"stacks: {{first: {{name: orders-production-first}}, second: {{name: orders-production-second}}}}\n"
        f"databases: [{{instance: {DATABASE}}}]\nvault: {json.dumps(VAULT)}\n"
    )
    profiles = {
        "production": (SPOKE_ACCOUNT, "test"),
        "on-call": _keys_of_on_call(belay.engine, SPOKE_ACCOUNT, "belay-restore-from-vault"),
        "on-call-vault": _keys_of_on_call(belay.engine, VAULT_ACCOUNT, "belay-lend-from-vault"),
    }
    keys = "".join(
        f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
        for name, (key, secret) in profiles.items()
    )
    (place / "credentials").write_text(keys)
    (place / "config").write_text("".join(f"[profile {name}]\nregion = {NEW_REGION}\n" for name in profiles))
    environment = {
        **sam_environment(belay.engine),
        "AWS_SHARED_CREDENTIALS_FILE": str(place / "credentials"),
        "AWS_CONFIG_FILE": str(place / "config"),
        "PYTHONPATH": str(ROOT),
    }
    _lose(belay)
    done = subprocess.run(
        ["bash", "-exc", commands()], cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def _lose(belay: Belay) -> None:
    """Delete everything in the lost region that can be called."""
    client = rds(belay, SPOKE_ACCOUNT, SPOKE_REGION)
    client.modify_db_instance(DBInstanceIdentifier=DATABASE, DeletionProtection=False)
    client.delete_db_instance(DBInstanceIdentifier=DATABASE, SkipFinalSnapshot=True)
    for each in client.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]:
        if each["DBInstanceIdentifier"] == DATABASE:
            client.delete_db_snapshot(DBSnapshotIdentifier=each["DBSnapshotIdentifier"])
