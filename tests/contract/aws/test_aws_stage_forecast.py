"""Forecasting on a copy, on an AWS simulated by moto and an executor that simulates its database."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore import xform_name
from simulated_ledger import bring
from test_aws_stage_changes import FILLED, FUNCTION, MADE, Stage
from test_aws_unfinished import MANIFEST, RELEASE, STAGE, House

from belay.aws.database_copies import DatabaseCopies
from belay.aws.executors import Executors
from belay.aws.gateways import own_aws
from belay.aws.rds import Databases
from belay.control.stage_files import StageFiles
from belay.control.stage_forecast import MOST_UNANSWERED, ForecastProgress, StageForecast
from belay.database.executor import Begin
from belay.database.kinds import KINDS
from belay.errors import ExecutorFailed, NotForecast
from belay.release.life import State

EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:belay-forecast-changes:a1"
RUNNING, DONE, NOTHING = ForecastProgress.RUNNING, ForecastProgress.DONE, ForecastProgress.NOTHING


class OldSnapshots(DatabaseCopies):
    """moto's snapshots lack their database's resource id, and restored databases a default option group."""

    def snapshots(self, kind: Any, identifier: str) -> list[Any]:
        described = getattr(self._client, xform_name(kind.describe))(**{kind.identifier: identifier})[kind.listed][0]
        return [{**each, kind.id_key: described[kind.id_key]} for each in super().snapshots(kind, identifier)]

    def make(self, kind: Any, parameters: Any) -> None:
        super().make(kind, {name: value for name, value in parameters.items() if name != "OptionGroupName"})


class Forecasting(Stage):
    """A release with database changes in production that are forecast on a copy."""

    kind = "instance"

    def make_database(self) -> None:
        login = {"MasterUsername": "admin1", "MasterUserPassword": "not-a-secret-1"}
        self.rds.create_db_instance(
            DBInstanceIdentifier="orders-db",
            DBInstanceClass="db.t3.micro",
            Engine="postgres",
            AllocatedStorage=20,
            **login,
        )
        self.rds.create_db_cluster(DBClusterIdentifier="orders-db", Engine="aurora-postgresql", **login)
        self.rds.create_db_instance(
            DBInstanceIdentifier="orders-db-1",
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
            DBClusterIdentifier="orders-db",
        )

    def snapshot(self) -> None:
        kind = KINDS[self.kind]
        getattr(self.rds, xform_name(kind.snapshot.create))(
            **{kind.identifier: "orders-db", kind.snapshot.identifier: "nightly"}
        )

    @property
    def forecast(self) -> StageForecast:
        run = self.enter()
        files = StageFiles.kept_by(own_aws(), run)
        return StageForecast(run, Databases(self.rds), OldSnapshots(self.rds), Executors(self.played), files)

    def restored(self) -> list[ForecastProgress]:
        """The restore's messages until it is done."""
        said = [self.forecast.restore(EXECUTION)]
        while said[-1] is RUNNING:
            assert len(said) < 9
            said.append(self.forecast.restore(EXECUTION))
        return said

    def arns(self) -> list[str]:
        """The ARNs of all copies."""
        instances, clusters = self.rds.describe_db_instances(), self.rds.describe_db_clusters()
        arns = [each["DBInstanceArn"] for each in instances["DBInstances"]]
        arns += [each["DBClusterArn"] for each in clusters["DBClusters"]]
        return [arn for arn in arns if "-belay-copy-" in arn]

    def copies(self) -> list[str]:
        return [f"{each.kind} {each.name}" for each in DatabaseCopies(self.rds).all()]


@pytest.fixture(params=["instance", "cluster"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stage(kind: str, simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Forecasting]:
    own_aws.cache_clear()
    copies = "{security_groups: [sg-0123456789abcdef0]}"
    registered = f"databases: [{{{kind}: orders-db, executor: '{FUNCTION}', database: orders, copy: {copies}}}]\n"
    monkeypatch.setattr("test_aws_unfinished.STAGE", f"{STAGE}{registered}forecast: copy\n")
    files = ", ".join(f"sql/{name}.sql: {'b' * 64}" for name in ("0001-make", "0002-fill"))
    more = MANIFEST.replace("digests: {", f"digests: {{{files}, ")
    monkeypatch.setattr("test_aws_unfinished.MANIFEST", f"{more}database: {{changes: sql, engine: postgresql}}\n")
    monkeypatch.setattr(Forecasting, "kind", kind)
    house = House(simulated)
    house.s3.put_bucket_versioning(Bucket="artifacts", VersioningConfiguration={"Status": "Enabled"})
    house.in_stage()
    found = Forecasting(house, simulated)
    found.write(**{"0001-make": MADE, "0002-fill": FILLED})
    found.planned()
    yield found
    own_aws.cache_clear()


def test_each_part_is_begun_once_and_the_forecast_is_what_they_found(stage: Forecasting) -> None:
    stage.snapshot()
    stage.played.database["queries"] = ["SELECT name FROM orders"]
    assert [stage.forecast.profile() for _ in range(3)] == [RUNNING, DONE, DONE]
    assert stage.restored()[-1] is DONE
    (name,) = {each.split()[1] for each in stage.copies()}
    assert [each.split()[0] for each in stage.copies()] == (
        ["instance"] if stage.kind == "instance" else ["instance", "cluster"]
    )
    assert [stage.forecast.try_changes(EXECUTION) for _ in range(3)] == [RUNNING, DONE, DONE]
    forecast = stage.forecast.conclude("copy", "")
    assert stage.played.database["asked"] == ["profile", "profile", "forecast"]
    assert stage.played.database["forecast_on"] == [name]
    assert [each.outcome for each in forecast.changes] == ["APPLIED", "APPLIED"]
    assert [each.query for each in forecast.queries] == ["SELECT name FROM orders"]
    assert forecast.not_tried == ""
    assert forecast.snapshot is not None
    assert [each.table for each in forecast.changes[0].model] == ["refunds"]


def test_the_executor_that_applies_the_changes_is_told_how_long_they_took(
    stage: Forecasting, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.snapshot()
    stage.restored()
    begun: list[Begin] = []
    begin = Executors.begin
    monkeypatch.setattr(Executors, "begin", lambda self, name, asked: begun.append(asked) or begin(self, name, asked))
    assert [stage.forecast.try_changes(EXECUTION) for _ in range(2)] == [RUNNING, DONE]
    assert stage.forecast.conclude("copy", "").seconds == 1.0
    bring(stage.house.ledger, RELEASE, "production", State.SNAPSHOTS_TAKEN)
    stage.changes.apply()
    assert [(each.request, each.expected_seconds) for each in begun[1:]] == [("forecast", None), ("apply", 1)]


def test_without_a_snapshot_there_is_no_forecast(stage: Forecasting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OldSnapshots, "snapshots", lambda *_: [])
    with pytest.raises(NotForecast, match="orders-db has no finished snapshot"):
        stage.forecast.restore(EXECUTION)
    forecast = stage.forecast.conclude("copy", "it has none")
    assert (forecast.not_tried, [each.outcome for each in forecast.changes]) == ("it has none", [None, None])


def test_a_database_of_the_copy_s_name_that_is_none_is_not_touched(stage: Forecasting) -> None:
    stage.snapshot()
    stage.restored()
    for arn in stage.arns():
        tag = {"Key": "belay:execution", "Value": EXECUTION.replace("a1", "a0")}
        stage.rds.add_tags_to_resource(ResourceName=arn, Tags=[tag])
    assert stage.forecast.restore(EXECUTION) is RUNNING, "an earlier execution's copy is waited for to go"
    for arn in stage.arns():
        stage.rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["belay:copy-of"])
    with pytest.raises(NotForecast, match="not this forecast's copy"):
        stage.forecast.restore(EXECUTION)


def test_a_database_that_is_gone_or_cannot_be_copied_gives_no_forecast(
    stage: Forecasting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("belay.control.stage_forecast.not_copied", lambda *_: "it runs on RDS Custom")
    with pytest.raises(NotForecast, match="orders-db cannot be copied: it runs on RDS Custom"):
        stage.forecast.restore(EXECUTION)
    monkeypatch.setattr(Databases, "describe", lambda *_: None)
    with pytest.raises(NotForecast, match="orders-db does not exist any more"):
        stage.forecast.restore(EXECUTION)
    with pytest.raises(NotForecast, match=r"the copy orders-db-belay-copy-\w+ was deleted"):
        stage.forecast.try_changes(EXECUTION)


def test_a_copy_that_fails_gives_no_forecast(stage: Forecasting, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.snapshot()
    stage.forecast.restore(EXECUTION)
    describe = Databases.describe
    status = KINDS[stage.kind].status_key

    def failed(self: Databases, kind: Any, identifier: str) -> dict[str, Any] | None:
        found = describe(self, kind, identifier)
        return found and ({**found, status: "restore-error"} if "-belay-copy-" in identifier else found)

    monkeypatch.setattr(Databases, "describe", failed)
    with pytest.raises(NotForecast, match="is restore-error"):
        stage.forecast.restore(EXECUTION)


def test_an_executor_that_breaks_is_asked_again_but_not_for_ever(stage: Forecasting) -> None:
    stage.played.broken = 1
    assert [stage.forecast.profile() for _ in range(3)] == [RUNNING, RUNNING, DONE]
    stage.played.broken = 99
    for _ in range(MOST_UNANSWERED - 2):
        stage.forecast.profile()
    with pytest.raises(ExecutorFailed):
        stage.forecast.profile()


def test_an_executor_that_reads_nothing_gives_no_forecast(stage: Forecasting, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = {"schema": 1, "operation": "", "state": "REFUSED", "reason": "no route to host"}
    monkeypatch.setattr("played_executor.answered", lambda *_: refused)
    with pytest.raises(NotForecast, match="orders-db: no route to host"):
        stage.forecast.profile()


def test_where_there_is_no_database_yet_there_is_nothing_to_try(
    stage: Forecasting, simulated: Callable[[str], Any]
) -> None:
    plan = stage.enter().change_plan()
    assert plan is not None
    stage.enter().save_changes(type(plan).from_dict({**plan.to_dict(), "address": None}))
    assert stage.forecast.profile() is NOTHING
    forecast = stage.forecast.conclude("copy", "")
    assert forecast.note.startswith("the database does not exist yet")
    assert (forecast.verdict, len(forecast.changes)) == ("PASS", 2)
    stage.enter().save_changes(type(plan).from_dict({**plan.to_dict(), "pending": []}))
    assert stage.forecast.profile() is NOTHING
    assert stage.forecast.conclude("copy", "").note == "no database changes are pending"
