"""``rollback_stage`` and the databases: data that a release can have changed is rolled back, or people are notified."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
from deployed_belay import Application, stop_when, until
from played_databases import PlayedExecutor
from small_releases import Release, setting

from belay.aws.function_url import post_signed
from local.engine import REGION

Applications = Callable[..., Application]

CHANGES = {
    "changes": "database/changes",
    "engine": "postgresql",
    "schema": {"from": "3", "to": "4"},
    "apply": {"after": "first"},
}
FILES = {"database/changes/0004-payments.sql": b"CREATE TABLE payments ();"}
SETTINGS = {
    "DBInstanceClass": "db.t3.micro",
    "Engine": "postgres",
    "EngineVersion": "16.3",
    "AllocatedStorage": 20,
    "MaxAllocatedStorage": 100,
    "Port": 6432,
    "MasterUsername": "orders",
    "MasterUserPassword": "not-a-secret",
    "MultiAZ": True,
    "AutoMinorVersionUpgrade": False,
    "BackupRetentionPeriod": 14,
    "PreferredMaintenanceWindow": "sun:04:00-sun:04:30",
    "EnableIAMDatabaseAuthentication": True,
    "EnableCloudwatchLogsExports": ["postgresql"],
    "MonitoringInterval": 60,
    "MonitoringRoleArn": "arn:aws:iam::000000000000:role/monitoring",
    "EnablePerformanceInsights": True,
    "PerformanceInsightsRetentionPeriod": 7,
    "Tags": [{"Key": "team", "Value": "orders"}],
}


class Stage:
    """An application with a database and a service that writes to it, whose first release is deployed."""

    def __init__(self, application: Applications, *, cluster: bool = False, **more: Any) -> None:
        self.app = application()
        self.belay = self.app.belay
        self.rds, self.ecs = self.belay.there("rds"), self.belay.there("ecs")
        self.name = f"{self.app.name}-db"
        self.cluster = cluster
        self.make_cluster() if cluster else self.rds.create_db_instance(DBInstanceIdentifier=self.name, **SETTINGS)
        self.before = until(self.database, self.available)
        self.ecs.create_cluster(clusterName=self.app.name)
        task = self.ecs.register_task_definition(
            family=self.app.name, containerDefinitions=[{"name": "web", "image": "orders", "memory": 128}]
        )
        self.ecs.create_service(
            cluster=self.app.name,
            serviceName="web",
            desiredCount=2,
            taskDefinition=task["taskDefinition"]["taskDefinitionArn"],
        )
        self.played = PlayedExecutor(self.app, self.name, kind="cluster" if cluster else "instance")
        databases = [self.played.registered]
        services = [{"cluster": self.app.name, "service": "web"}]
        self.app.register({"production": {"databases": databases, "services": services, **more}})
        self.app.deploy("1.0.0", stacks=self.stacks("1.0.0"))

    def make_cluster(self) -> None:
        password = {"MasterUsername": "orders", "MasterUserPassword": "not-a-secret"}
        self.rds.create_db_cluster(
            DBClusterIdentifier=self.name,
            Engine="aurora-postgresql",
            EngineVersion="16.4",
            PreferredMaintenanceWindow="sun:04:00-sun:04:30",
            **password,
        )
        for number in (1, 2):
            self.rds.create_db_instance(
                DBInstanceIdentifier=f"{self.name}-{number}",
                DBClusterIdentifier=self.name,
                DBInstanceClass="db.r6g.large",
                Engine="aurora-postgresql",
                PromotionTier=number,
            )
        until(lambda: self.instance(f"{self.name}-2"), self.available)

    @staticmethod
    def stacks(value: str) -> dict[str, Any]:
        return {"first": setting(value), "second": setting(value)}

    def failing(self, **manifest: Any) -> Release:
        """The next release: its change, which has no undo, is applied after ``first``, then ``second`` fails."""
        self.belay.engine.fail_resource("Setting", "update", "no more parameters", stack=self.app.stack("second"))
        return self.app.release(
            "1.1.0",
            stacks=self.stacks("1.1.0"),
            depends_on={"second": ["first"]},
            manifest={"database": {**CHANGES, **manifest}},
            more=FILES,
        )

    def instance(self, name: str) -> dict[str, Any] | None:
        only = [{"Name": "db-instance-id", "Values": [name]}]
        return next(iter(self.rds.describe_db_instances(Filters=only)["DBInstances"]), None)

    def database(self, name: str = "") -> dict[str, Any] | None:
        if not self.cluster:
            return self.instance(name or self.name)
        found = self.rds.describe_db_clusters()["DBClusters"]
        return next((each for each in found if each["DBClusterIdentifier"] == (name or self.name)), None)

    def all_databases(self) -> list[str]:
        described = [*self.rds.describe_db_instances()["DBInstances"], *self.rds.describe_db_clusters()["DBClusters"]]
        names = {each.get("DBInstanceIdentifier") or each["DBClusterIdentifier"] for each in described}
        return sorted(name for name in names if name.startswith(self.name))

    @staticmethod
    def available(described: dict[str, Any] | None) -> bool:
        return described is not None and "available" in (described.get("DBInstanceStatus"), described.get("Status"))

    def replaced(self) -> dict[str, Any]:
        (name,) = [each for each in self.all_databases() if each.startswith(f"{self.name}-belay-replaced-")]
        found = self.database(name)
        assert found is not None
        return found

    def taken(self) -> list[str]:
        """The actions of the one incident, in order, without waiting."""
        (incident,) = self.belay.incidents(self.app.name)
        return [each["action"] for each in incident["tried"]]

    def has_taken(self, action: str) -> bool:
        return action in self.taken()

    def service(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ecs.describe_services(cluster=self.app.name, services=["web"])["services"][0]
        return found

    def as_it_was(self) -> None:
        """The database is the one it was, under its name, and the service runs."""
        found = self.database() or {}
        key = "DbClusterResourceId" if self.cluster else "DbiResourceId"
        assert found[key] == (self.before or {})[key]
        assert self.service()["desiredCount"] == 2


def tags(described: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in described["TagList"]}


SWAP = ["STOP_SERVICE", "RENAME_ORIGINAL", "RENAME_RESTORED", "PROTECT_REPLACED", "TAG_REPLACED", "START_SERVICE"]


def test_a_release_that_changed_the_data_is_taken_back_with_it(application: Applications) -> None:
    stage = Stage(application, restore="automatic")

    record = stage.app.run(stage.failing())

    assert record["outcome"] == "ROLLED_BACK", stage.app.received()[-1].text
    assert stage.taken() == ["UPDATE_TO_BASELINE", "RESTORE_DATABASE", "MODIFY_DATABASE", *SWAP]
    now, before, kept = stage.database() or {}, stage.before or {}, stage.replaced()
    assert tags(now)["belay:restored-from"].startswith(f"{stage.app.name}-production-1-1-0-")
    assert now["DbiResourceId"] != before["DbiResourceId"] == kept["DbiResourceId"]
    same = (
        *("MultiAZ", "DBInstanceClass", "AutoMinorVersionUpgrade", "BackupRetentionPeriod", "MaxAllocatedStorage"),
        *(
            "IAMDatabaseAuthenticationEnabled",
            "EnabledCloudwatchLogsExports",
            "MonitoringInterval",
            "MonitoringRoleArn",
        ),
        *("PerformanceInsightsEnabled", "PerformanceInsightsRetentionPeriod", "PreferredMaintenanceWindow"),
        *("VpcSecurityGroups", "DeletionProtection", "Endpoint"),
    )
    assert {name: now.get(name) for name in same} == {name: before.get(name) for name in same}
    assert tags(now)["team"] == "orders"
    assert kept["DeletionProtection"]
    assert {"belay:release", "belay:replaced-because", "belay:keep-until"} <= tags(kept).keys()
    assert stage.all_databases() == sorted([stage.name, kept["DBInstanceIdentifier"]])
    assert stage.service()["desiredCount"] == 2
    *_, message = stage.app.told("deployment-started", "DEPLOYED", "deployment-started", "ROLLED_BACK")
    order = [
        "restore the snapshot",
        "stop its 2 tasks",
        "rename the original",
        "rename the restored",
        "start its 2 tasks",
    ]
    places = [message.text.find(words) for words in order]
    assert -1 not in places
    assert places == sorted(places)
    assert kept["DBInstanceIdentifier"] in message.text
    assert "its changes were not undone: 0004-payments has no undo" in message.text
    (change,) = stage.belay.applied(stage.app.name, stage.name)
    assert change == "0004-payments RESTORED"


def test_a_person_is_asked_first_and_decides(application: Applications) -> None:
    stage = Stage(application)
    upload = stage.belay.upload(stage.failing())

    def question() -> dict[str, Any]:
        (incident,) = until(lambda: stage.belay.incidents(stage.app.name))
        asked = stage.belay.items(f"APPLICATION#{stage.app.name}", f"DECISION#{incident['incident']}#")
        return {**asked[0], "incident": incident["incident"]} if asked and asked[0].get("announced") else {}

    asked = until(question)
    assert stage.all_databases() == [stage.name]
    assert "minute of writes" in asked["text"]
    status, said = post_signed(
        stage.belay.outputs["DecisionUrl"],
        {
            "decision": "approve",
            "application": stage.app.name,
            "incident": asked["incident"],
            "question": asked["question"],
        },
        stage.belay.credentials("ann"),
        REGION,
    )
    assert status == 200, said

    record = stage.belay.ended(upload)

    assert record["outcome"] == "ROLLED_BACK", stage.app.received()[-1].text
    assert stage.taken() == ["UPDATE_TO_BASELINE", "ASK", "RESTORE_DATABASE", "MODIFY_DATABASE", *SWAP]
    assert stage.replaced()["DeletionProtection"]


def test_the_snapshots_of_releases_are_cleaned(application: Applications) -> None:
    stage = Stage(application, restore="never")
    stage.app.deploy("1.0.1", stacks=stage.stacks("1.0.1"))

    cleaned = stage.belay.invoke("CleanSnapshotsFunction", {"dry_run": True})

    found = stage.rds.describe_db_snapshots(DBInstanceIdentifier=stage.name, SnapshotType="manual")["DBSnapshots"]
    names = {each["DBSnapshotIdentifier"] for each in found}
    kept = {name: why for name, why in of_stages(cleaned)["instance"]["kept"].items() if name in names}
    assert len(names) == 2
    assert set(kept) == names
    assert any("goes back to" in why for why in kept.values())
    assert cleaned["dry_run"]
    assert of_stages(stage.belay.invoke("CleanSnapshotsFunction", {}))["instance"]["deleted"] == []


def of_stages(cleaned: Mapping[str, Any]) -> Any:
    """What was reported about the tests' stages: at home, or in the one other place."""
    return next(iter(cleaned.get("elsewhere", {}).values()), cleaned)


@pytest.mark.parametrize(("task", "restore"), [("AskQuestion", "approval"), ("RecoverDatabases", "automatic")])
def test_a_step_that_cannot_be_taken_needs_a_person(application: Applications, task: str, restore: str) -> None:
    stage = Stage(application, restore=restore)
    stage.belay.fail(task)

    record = stage.app.run(stage.failing())

    assert record["outcome"] == "NEEDS_OPERATOR", record
    assert ("rollback_stage", task, "CloseIncident") in stage.belay.steps(stage.app.name)
    stage.as_it_was()


def test_never_is_never(application: Applications) -> None:
    stage = Stage(application, restore="never")

    record = stage.app.run(stage.failing())

    assert record["outcome"] == "ROLLED_BACK", stage.app.received()[-1].text
    stage.as_it_was()
    assert stage.all_databases() == [stage.name]
    assert "the registration says never" in stage.app.received()[-1].text


def test_a_release_that_never_reached_its_database_changes_leaves_the_data_alone(application: Applications) -> None:
    stage = Stage(application, restore="automatic")

    record = stage.app.run(stage.failing(apply={"after": "second"}))

    assert record["outcome"] == "ROLLED_BACK", stage.app.received()[-1].text
    stage.as_it_was()
    assert stage.all_databases() == [stage.name]
    assert stage.played.asked == []


@pytest.mark.parametrize("refused", ["RENAME_ORIGINAL", "RENAME_RESTORED"])
def test_the_names_go_back_when_the_swap_is_refused(application: Applications, refused: str) -> None:
    stage = Stage(application, restore="automatic")
    release = stage.failing()
    only_if = {"NewDBInstanceIdentifier": stage.name} if refused == "RENAME_RESTORED" else {}
    name = stage.name if refused == "RENAME_ORIGINAL" else None
    only_if |= {"DBInstanceIdentifier": name} if name else {}
    stage.belay.engine.inject("rds", "ModifyDBInstance", "StorageQuotaExceeded", "no", only_if=only_if)

    record = stage.app.run(release)

    assert record["outcome"] == "NEEDS_OPERATOR", stage.app.received()[-1].text
    stage.as_it_was()
    assert "StorageQuotaExceeded" in stage.app.received()[-1].text
    assert not [name for name in stage.all_databases() if "replaced" in name]


def test_an_aurora_cluster_is_restored_with_its_instances(application: Applications) -> None:
    stage = Stage(application, cluster=True, restore="automatic")

    record = stage.app.run(stage.failing())

    assert record["outcome"] == "ROLLED_BACK", stage.app.received()[-1].text
    now, kept = stage.database() or {}, stage.replaced()
    assert now["DbClusterResourceId"] != (stage.before or {})["DbClusterResourceId"] == kept["DbClusterResourceId"]
    members = {each["DBInstanceIdentifier"]: each["IsClusterWriter"] for each in now["DBClusterMembers"]}
    assert members == {f"{stage.name}-1": True, f"{stage.name}-2": False}
    assert len(kept["DBClusterMembers"]) == 2
    assert kept["DeletionProtection"]
    assert now["PreferredMaintenanceWindow"] == "sun:04:00-sun:04:30"


def test_a_snapshot_that_is_gone_leaves_it_to_a_person(application: Applications) -> None:
    stage = Stage(application)
    with stage.belay.held("PlanRollback") as call:
        upload = stage.belay.upload(stage.failing())
        call.reached()
        found = stage.rds.describe_db_snapshots(DBInstanceIdentifier=stage.name, SnapshotType="manual")["DBSnapshots"]
        (taken,) = [each for each in found if "1-1-0" in each["DBSnapshotIdentifier"]]
        stage.rds.delete_db_snapshot(DBSnapshotIdentifier=taken["DBSnapshotIdentifier"])

    record = stage.belay.ended(upload)

    assert record["outcome"] == "NEEDS_OPERATOR", stage.app.received()[-1].text
    assert "there is no snapshot" in stage.app.received()[-1].text
    stage.as_it_was()


STEPS = ["RESTORE_DATABASE", "MODIFY_DATABASE", *SWAP[:-1]]


# A recovery that continues and is stopped again; one that ended four times without a result is abandoned.
@pytest.mark.parametrize("stops", [STEPS[:3], STEPS[3:6], STEPS[6:]], ids="-".join)
def test_a_recovery_that_was_stopped_after_a_step_goes_on_and_does_nothing_twice(
    application: Applications, stops: list[str]
) -> None:
    stage = Stage(application, restore="automatic")
    with stage.belay.held("PlanRollback") as look:
        upload = stage.belay.upload(stage.failing())
        for step in stops:
            stop_when(stage.app, look, partial(stage.has_taken, step))
    record = stage.belay.ended(upload)

    assert record["outcome"] == "ROLLED_BACK", stage.app.received()[-1].text
    assert stage.taken() == ["UPDATE_TO_BASELINE", *STEPS, "START_SERVICE"]
    assert stage.replaced()["DeletionProtection"]
    assert stage.all_databases() == sorted([stage.name, stage.replaced()["DBInstanceIdentifier"]])
    assert stage.service()["desiredCount"] == 2
    assert len(stage.belay.executions(stage.app.name, "rollback_stage")) == len(stops) + 1
