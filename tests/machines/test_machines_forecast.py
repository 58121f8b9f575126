"""Forecasting database changes on a copy: in every case the copy is deleted, and nothing else is."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from deployed_belay import Application, Belay, until
from played_databases import played_database
from small_releases import Release, setting

from belay.database.forecast import DatabaseForecast
from belay.release.attempt import Superseded
from local.engine import ACCOUNT, REGION

EXECUTIONS = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:belay-forecast-changes"
OTHERS = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:other-forecast-changes"
LOGIN = {"MasterUsername": "orders", "MasterUserPassword": "not-a-secret"}


class Databases:
    """Databases that a test creates for itself."""

    def __init__(self, belay: Belay, prefix: str) -> None:
        self.rds, self.prefix = belay.there("rds"), prefix

    def make(self, name: str, *, execution: str, hours: float = 12, cluster: bool = False) -> None:
        delete_after = datetime.now(UTC) + timedelta(hours=hours)
        tags = {"copy-of": self.prefix, "execution": execution, "delete-after": delete_after.isoformat()}
        tagged = [{"Key": f"belay:{key}", "Value": value} for key, value in tags.items()]
        instance = {"DBInstanceIdentifier": name, "DBInstanceClass": "db.r6g.large", "Tags": tagged}
        if cluster:
            self.rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-postgresql", Tags=tagged, **LOGIN)
            self.rds.create_db_instance(**instance, Engine="aurora-postgresql", DBClusterIdentifier=name)
        else:
            self.rds.create_db_instance(**instance, Engine="postgres", AllocatedStorage=20, **LOGIN)

    def names(self) -> set[str]:
        found = [*self.rds.describe_db_instances()["DBInstances"], *self.rds.describe_db_clusters()["DBClusters"]]
        names = {each.get("DBInstanceIdentifier") or each["DBClusterIdentifier"] for each in found}
        return {name.removeprefix(self.prefix) for name in names if name.startswith(self.prefix)}


@pytest.mark.at_home("no stage is registered that would say where to look")
def test_copies_that_were_left_are_deleted_and_nothing_else_is(belay: Belay) -> None:
    databases = Databases(belay, "left")
    ended = f"{EXECUTIONS}:long-gone"
    databases.make("left", execution=ended)
    databases.make("left-belay-restored-1", execution=ended)
    databases.make("left-belay-copy-1", execution=ended)
    databases.make("left-belay-copy-2", execution=ended, cluster=True)
    databases.make("left-belay-copy-3", execution=f"arn:aws:states:{REGION}:{ACCOUNT}:execution:other-forecast:e")

    def cleaned() -> set[str]:
        belay.invoke("CleanCopiesFunction", {})
        return databases.names()

    assert until(cleaned, lambda names: "-belay-copy-2" not in names) == {"", "-belay-restored-1", "-belay-copy-3"}


@pytest.mark.parametrize("function", ["CleanCopies", "DeleteCopies"])
@pytest.mark.parametrize(
    ("call", "execution", "decision"),
    [
        ("DeleteDBInstance db:orders-belay-copy-1", f"{EXECUTIONS}:e", "allowed"),
        ("DeleteDBCluster cluster:orders-belay-copy-1", f"{EXECUTIONS}:e", "allowed"),
        ("DeleteDBInstance db:orders", f"{EXECUTIONS}:e", "implicitDeny"),
        ("DeleteDBCluster cluster:orders-belay-restored-1", f"{EXECUTIONS}:e", "implicitDeny"),
        ("DeleteDBInstance db:orders-belay-copy-1", f"{OTHERS}:e", "implicitDeny"),
        ("DeleteDBInstance db:orders-belay-copy-1", "", "implicitDeny"),
        ("ModifyDBInstance db:orders-belay-copy-1", f"{EXECUTIONS}:e", "implicitDeny"),
        ("AddTagsToResource db:orders-belay-copy-1", f"{EXECUTIONS}:e", "implicitDeny"),
        ("DeleteDBSnapshot snapshot:orders-belay-copy-1", f"{EXECUTIONS}:e", "implicitDeny"),
    ],
)
def test_the_role_that_deletes_copies_can_delete_nothing_else(
    belay: Belay, function: str, call: str, execution: str, decision: str
) -> None:
    action, resource = call.split()
    role = belay.aws("iam").get_role(RoleName=belay.resource(f"{function}FunctionRole"))["Role"]["Arn"]
    tag = {"ContextKeyName": "aws:ResourceTag/belay:execution", "ContextKeyType": "string"}
    answer = belay.aws("iam").simulate_principal_policy(
        PolicySourceArn=role,
        ActionNames=[f"rds:{action}"],
        ResourceArns=[f"arn:aws:rds:{REGION}:{ACCOUNT}:{resource}"],
        ContextEntries=[{**tag, "ContextKeyValues": [execution]}] if execution else [],
    )
    assert [each["EvalDecision"] for each in answer["EvaluationResults"]] == [decision]


# -- on its way --------------------------------------------------------------------------------------------------------

Applications = Callable[..., Application]

MAKE, FILL = "CREATE TABLE refunds (id int PRIMARY KEY);", "INSERT INTO refunds VALUES (1);"
FILES = {"0001-make": MAKE, "0001-make.undo": "DROP TABLE refunds;", "0002-fill": FILL}
FAILING = {**FILES, "0002-fill": "INSERT INTO refunds VALUES (FAILS);"}
COPIES = {"security_groups": ["sg-0123456789abcdef0"]}


class Stage:
    """A stage with a forecast and a database that has a snapshot."""

    def __init__(self, application: Applications, forecast: str = "copy", **more: Any) -> None:
        self.app = application()
        self.belay, self.rds = self.app.belay, self.app.belay.there("rds")
        self.database = played_database(self.app)
        registered = {**self.database.registered, "copy": COPIES}
        self.app.register({"production": {"databases": [registered], "forecast": forecast, **more}})

    def release(self, version: str = "1.0.0", files: dict[str, str] | None = None) -> Release:
        return self.app.release(
            version,
            stacks={"first": setting(version)},
            manifest={"database": {"changes": "sql", "engine": "mysql"}},
            more={f"sql/{name}.sql": text.encode() for name, text in (files or FILES).items()},
        )

    def forecast(self) -> DatabaseForecast:
        """The forecast of the newest attempt."""
        bucket, attempt = self.belay.outputs["ArtifactBucketName"], self.belay.release(self.app.name)["attempt"]
        key = f"attempts/{self.app.name}/{attempt}/production/forecast.json"
        return DatabaseForecast.from_dict(json.load(self.belay.aws("s3").get_object(Bucket=bucket, Key=key)["Body"]))

    def states(self) -> list[str]:
        """The states of the forecast, without waits and choices."""
        taken = [each for each in self.belay.states(self.app.name, "forecast_changes") if "?" not in each]
        taken = [each for each in taken if not each.startswith("Wait")]
        return [each for number, each in enumerate(taken) if taken[number - 1 : number] != [each]]

    def copies(self) -> list[str]:
        found = [*self.rds.describe_db_instances()["DBInstances"], *self.rds.describe_db_clusters()["DBClusters"]]
        names = [each.get("DBInstanceIdentifier") or each["DBClusterIdentifier"] for each in found]
        return [name for name in names if name.startswith(self.app.name) and "-belay-copy-" in name]

    def cleaned(self) -> list[str]:
        """Clean up as the schedule does, and return the remaining copies."""
        self.belay.invoke("CleanCopiesFunction", {})
        return self.copies()


WHOLE = ["Begin", "ProfileDatabase", "RestoreCopy", "TryChanges", "DeleteCopies", "ConcludeForecast"]


def test_changes_are_tried_on_a_copy_that_is_gone_before_they_are_applied(application: Applications) -> None:
    stage = Stage(application)

    with stage.belay.held("TryChanges") as trial:
        upload = stage.belay.upload(stage.release())
        trial.reached()
        (name,) = stage.copies()
        copy = stage.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        trial.let_go()

    assert stage.belay.ended(upload)["outcome"] == "DEPLOYED"
    assert stage.states() == [*WHOLE, "Forecast"]
    assert (stage.database.asked, stage.copies()) == (["forecast", "apply"], [])
    assert stage.database.now()["forecast_on"] == [name]
    assert [each["VpcSecurityGroupId"] for each in copy["VpcSecurityGroups"]] == COPIES["security_groups"]
    assert (copy["PubliclyAccessible"], copy["MultiAZ"], copy["DeletionProtection"]) == (False, False, False)
    assert copy["BackupRetentionPeriod"] == 0
    found = stage.forecast()
    assert [(each.id, each.outcome, each.seconds) for each in found.changes] == [
        ("0001-make", "APPLIED", 0.5),
        ("0002-fill", "APPLIED", 0.5),
    ]
    assert found.snapshot is not None
    assert stage.database.recorded == ["0001-make APPLIED", "0002-fill APPLIED"]


def test_a_change_that_fails_on_the_copy_refuses_the_release_before_anything_changes(application: Applications) -> None:
    stage = Stage(application)

    record = stage.app.run(stage.release(files=FAILING))

    assert record["outcome"] == "REJECTED", record
    assert stage.states()[-1] == "Rejected"
    text = stage.app.received()[-1].text
    assert f"On a copy of instance {stage.database.name} the change 0002-fill failed: it was told to (P0001)" in text
    assert (stage.database.asked, stage.database.recorded, stage.copies()) == (["forecast"], [], [])
    assert stage.belay.status(stage.app.stack("first")) is None


def test_what_is_for_a_person_waits_for_the_approval_that_shows_it(application: Applications) -> None:
    stage = Stage(application, approval={"required": True})
    stage.database.be({**stage.database.now(), "queries": ["SELECT name FROM orders", "SELECT BREAKS"]})

    upload = stage.belay.upload(stage.release(files={**FILES, "0001-make.undo": "LEAVES IT;"}))
    stage.belay.asked(stage.app.name)

    *_, wanted = stage.app.told("deployment-started", "approval-requested")
    assert "REVIEW for the forecast of database changes" in wanted.text
    assert "A query that runs today breaks after the changes: SELECT BREAKS: told to" in wanted.text
    assert "The undo of 0001-make did not take it back on the copy" in wanted.text
    stage.belay.approve(stage.app.name)
    assert stage.belay.ended(upload)["outcome"] == "DEPLOYED"
    assert stage.copies() == []


@pytest.mark.parametrize(("approval", "outcome"), [(False, "REJECTED"), (True, "DEPLOYED")])
def test_what_could_not_be_tried_is_no_verdict(application: Applications, approval: bool, outcome: str) -> None:
    stage = Stage(application, approval={"required": approval})
    for each in stage.rds.describe_db_snapshots(DBInstanceIdentifier=stage.database.name)["DBSnapshots"]:
        stage.rds.delete_db_snapshot(DBSnapshotIdentifier=each["DBSnapshotIdentifier"])

    upload = stage.belay.upload(stage.release())
    if approval:
        stage.belay.approve(stage.app.name)

    assert stage.belay.ended(upload)["outcome"] == outcome
    why_not = f"instance {stage.database.name} has no finished snapshot, automated or manual"
    assert any(f"not tried on a copy: {why_not}" in each.text for each in stage.app.received())
    assert ("forecast_changes", "RestoreCopy", "DeleteCopies") in stage.belay.steps(stage.app.name)
    assert why_not in stage.forecast().not_tried


def test_a_model_s_forecast_makes_no_copy(application: Applications) -> None:
    stage = Stage(application, "model")

    record = stage.app.run(stage.release())

    assert record["outcome"] == "DEPLOYED", record
    assert stage.states() == ["Begin", "ConcludeForecast", "Forecast"]
    assert stage.database.asked == ["apply"]
    (difference,) = stage.forecast().changes[0].model
    assert (difference.table, difference.before) == ("refunds", ())


def test_where_nothing_is_pending_nothing_is_tried(application: Applications) -> None:
    stage = Stage(application)
    stage.app.run(stage.release())

    assert stage.app.run(stage.release("1.1.0"))["outcome"] == "DEPLOYED"
    assert stage.database.asked == ["forecast", "apply"]
    assert stage.states()[-4:] == ["Begin", "ProfileDatabase", "ConcludeForecast", "Forecast"]


# -- in every case -----------------------------------------------------------------------------------------------------


def test_steps_that_fail_for_a_moment_are_done_again_and_nothing_twice(application: Applications) -> None:
    stage = Stage(application)
    for task in WHOLE[1:]:
        stage.belay.fail(task, "ServiceUnavailable")

    record = stage.app.run(stage.release())

    assert record["outcome"] == "DEPLOYED", record
    assert (stage.database.asked, stage.copies()) == (["forecast", "apply"], [])
    assert stage.forecast().not_tried == ""


@pytest.mark.parametrize("task", WHOLE[1:])
def test_a_step_that_fails_for_good_leaves_no_copy_and_no_verdict(application: Applications, task: str) -> None:
    stage = Stage(application, approval={"required": True})
    stage.belay.fail(task)

    upload = stage.belay.upload(stage.release())
    stage.belay.approve(stage.app.name)

    assert stage.belay.ended(upload)["outcome"] == "DEPLOYED"
    until(stage.cleaned, lambda copies: not copies)
    tried = task in ("DeleteCopies", "ConcludeForecast")
    assert stage.database.asked == (["forecast", "apply"] if tried else ["apply"])


def test_a_forecast_that_breaks_refuses_the_release_where_nobody_is_asked(application: Applications) -> None:
    stage = Stage(application)
    stage.belay.fail("ConcludeForecast")

    record = stage.app.run(stage.release())

    assert record["outcome"] == "REJECTED", record
    assert stage.states()[-1] == "Broken"
    assert (stage.copies(), "apply" in stage.database.asked) == ([], False)


@pytest.mark.parametrize(
    ("task", "machine"),
    [
        *((task, "forecast_changes") for task in WHOLE[1:]),
        *((task, "deploy_stage") for task in ("RestoreCopy", "TryChanges", "DeleteCopies")),
    ],
)
def test_an_execution_stopped_after_a_step_leaves_no_copy(application: Applications, task: str, machine: str) -> None:
    stage = Stage(application, approval={"required": True})

    with stage.belay.held(task, after=True) as step:
        upload = stage.belay.upload(stage.release())
        step.reached()
        (running,) = [each for each in stage.belay.executions(stage.app.name, machine) if each.status == "RUNNING"]
        stage.belay.stop(running)
    if machine == "forecast_changes":
        stage.belay.approve(stage.app.name)

    assert stage.belay.ended(upload)["outcome"] == ("DEPLOYED" if machine == "forecast_changes" else "ROLLED_BACK")
    assert until(stage.cleaned, lambda copies: not copies) == []
    assert "apply" not in stage.database.asked or machine == "forecast_changes"


@pytest.mark.parametrize("task", ["ProfileDatabase", "RestoreCopy", "TryChanges"])
def test_a_newer_release_ends_the_forecast_of_an_older_one(application: Applications, task: str) -> None:
    stage = Stage(application, approval={"required": True})

    with stage.belay.held(task) as step:
        older = stage.belay.upload(stage.release("1.0.0"))
        step.reached()
        attempt = stage.belay.ledger.attempts.current(stage.app.name, "1.0.0")
        assert attempt is not None
        assert attempt.release is not None
        assert stage.belay.ledger.attempts.supersede(attempt.release, Superseded("production", "1.1.0"))
        step.let_go()

    assert stage.belay.ended(older)["outcome"] == "ABORTED"
    assert stage.states()[-1] == "Superseded"
    assert (stage.copies(), "apply" in stage.database.asked) == ([], False)
