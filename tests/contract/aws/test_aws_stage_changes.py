"""A stage's database changes, on an AWS simulated by moto and an executor that simulates its database."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import played_executor
import pytest
from simulated_ledger import bring, remembered
from test_aws_unfinished import MANIFEST, RELEASE, STAGE, House

from belay.aws.executors import Executors
from belay.aws.gateways import own_aws
from belay.aws.rds import Databases
from belay.control.reasons import read_reason
from belay.control.stage import StageContext
from belay.control.stage_changes import MOST_UNANSWERED, StageChanges
from belay.control.stage_files import StageFiles
from belay.errors import AwsFault, ChangesFailed, ExecutorFailed, InvalidRelease
from belay.notify.told import in_words
from belay.release.applied import AppliedOutcome, ChangedDatabase
from belay.release.change_plan import ChangePlan, ChangeState
from belay.release.life import State
from belay.release.place import AccountRegion
from belay.release.records import ReleaseReference

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:change"
ORDERS = ChangedDatabase("orders", "production", AccountRegion("aws", "123456789012", "eu-west-1"), "orders-db")
MADE, FILLED = b"CREATE TABLE refunds (id int PRIMARY KEY);", b"INSERT INTO refunds VALUES (1);"
UNDO = b"DROP TABLE refunds;"


def nowhere(_: ReleaseReference) -> bool:
    return False


class Played:
    """Lambda, which invokes the simulated executor; ``broken`` counts how often it fails to respond."""

    def __init__(self, s3: Any) -> None:
        self.database = played_executor.empty()
        self.broken = 0
        self._s3 = s3

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert FunctionName == FUNCTION
        if self.broken:
            self.broken -= 1
            return {"Payload": _Body({"errorType": "KeyError", "errorMessage": "'url'"}), "FunctionError": "Unhandled"}
        return {"Payload": _Body(played_executor.answered(json.loads(Payload), self.database, self._changes))}

    def _changes(self, stored: Mapping[str, Any]) -> Mapping[str, Any]:
        found = self._s3.get_object(Bucket=stored["bucket"], Key=stored["key"], VersionId=stored["version_id"])
        return dict(json.load(found["Body"]))


class _Body:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def read(self) -> bytes:
        return json.dumps(self._document).encode()


class Stage:
    """A release with database changes in production, and the executor of its database."""

    def __init__(self, house: House, simulated: Callable[[str], Any]) -> None:
        self.house = house
        self.rds = simulated("rds")
        self.played = Played(house.s3)
        self.make_database()

    def make_database(self) -> None:
        self.rds.create_db_instance(
            DBInstanceIdentifier="orders-db", DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20
        )

    def enter(self) -> StageContext:
        event = {"release": RELEASE.to_dict(), "stage": "production", "fencing": None}
        return StageContext.enter(event, *remembered())

    @property
    def changes(self) -> StageChanges:
        run = self.enter()
        return StageChanges(run, Databases(self.rds), Executors(self.played), StageFiles.kept_by(own_aws(), run))

    def planned(self, name: str = "read") -> ChangePlan:
        plan = self.changes.plan(name)
        assert plan is not None
        assert plan.state is ChangeState.READING
        again = self.changes.plan(name)
        assert again is not None
        return again

    def applied(self) -> list[str]:
        found = self.house.ledger.database_changes.of(ORDERS, nowhere)
        return [f"{each.id} {each.outcome}" for each in found]

    def write(self, **files: bytes) -> None:
        for name, data in files.items():
            self.house.artifacts.put_bytes(f"{RELEASE.prefix}/sql/{name}.sql", data)


@pytest.fixture
def stage(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    own_aws.cache_clear()
    registered = f"databases: [{{instance: orders-db, executor: '{FUNCTION}', database: orders, user: belay}}]\n"
    monkeypatch.setattr("test_aws_unfinished.STAGE", STAGE + registered)
    files = ", ".join(f"sql/{name}.sql: {'b' * 64}" for name in ("0001-make", "0001-make.undo", "0002-fill"))
    changes = 'database: {changes: sql, engine: postgresql, schema: {from: "3", to: "4"}}\n'
    more = MANIFEST.replace("digests: {", f"digests: {{{files}, ")
    monkeypatch.setattr("test_aws_unfinished.MANIFEST", more + changes)
    house = House(simulated)
    house.s3.put_bucket_versioning(Bucket="artifacts", VersioningConfiguration={"Status": "Enabled"})
    house.in_stage()
    found = Stage(house, simulated)
    found.write(**{"0001-make": MADE, "0001-make.undo": UNDO, "0002-fill": FILLED})
    yield found
    own_aws.cache_clear()


class TestPlanning:
    def test_what_the_database_does_not_record_is_pending(self, stage: Stage) -> None:
        plan = stage.planned()
        assert [(each.id, each.undo) for each in plan.pending] == [("0001-make", True), ("0002-fill", False)]
        assert plan.address is not None
        assert (plan.address.name, plan.address.user, plan.address.kind) == ("orders", "belay", "instance")
        assert stage.enter().change_plan() == plan
        assert stage.changes.plan("read") == plan, "a reading that is done is not done again"
        assert stage.played.database["asked"] == ["profile"]

    def test_under_the_lock_it_is_read_again(self, stage: Stage) -> None:
        before = stage.planned()
        make = {"id": "0001-make", "author": "", "path": "sql/0001-make.sql", "digest": before.pending[0].digest}
        stage.played.database["recorded"] = [
            {
                **make,
                **dict.fromkeys(("release", "attempt", "started", "ended"), "x"),
                "position": 0,
                "outcome": "APPLIED",
            }
        ]
        after = stage.planned("read-7")
        assert [each.id for each in after.pending] == ["0002-fill"]
        assert after.sealed != before.sealed
        assert after.stored == before.stored, "an operation of one token has one content"

    def test_a_database_that_a_stack_makes_later_has_nothing_yet(self, stage: Stage) -> None:
        stage.rds.delete_db_instance(DBInstanceIdentifier="orders-db", SkipFinalSnapshot=True)
        plan = stage.changes.plan("read")
        assert plan is not None
        assert (plan.state, len(plan.pending), plan.address) == (ChangeState.PLANNED, 2, None)
        assert stage.played.database["asked"] == []

    def test_what_was_edited_is_refused_with_its_words(self, stage: Stage) -> None:
        stage.planned()
        bring(stage.house.ledger, RELEASE, "production", State.SNAPSHOTS_TAKEN)
        stage.changes.apply()
        stage.changes.apply()
        stage.played.database["recorded"][0]["digest"] = "e" * 64
        stage.house.s3.delete_object(Bucket="artifacts", Key=RELEASE.stage_key("production", "database-changes.json"))
        stage.changes.plan("later")
        with pytest.raises(InvalidRelease) as refused:
            stage.changes.plan("later")
        reason = read_reason(stage.house.artifacts, {"Error": "InvalidRelease", "Cause": str(refused.value)})
        assert "instance orders-db in production: 0001-make was edited after 1.0.0 had applied it" in in_words(reason)

    def test_files_that_cannot_be_read_refuse_the_release(self, stage: Stage) -> None:
        stage.write(**{"0002-fill": b"INSERT INTO refunds VALUES ('1;"})
        with pytest.raises(InvalidRelease):
            stage.changes.plan("read")

    def test_an_executor_that_gives_no_answer_is_asked_again_and_then_it_is_a_fault(self, stage: Stage) -> None:
        stage.played.broken = 1
        plan = stage.changes.plan("read")
        assert plan is not None
        assert (plan.state, plan.unanswered) == (ChangeState.READING, 1)
        assert stage.planned().unanswered == 0
        stage.played.broken = 99
        for _ in range(MOST_UNANSWERED - 1):
            stage.changes.plan("read-7")
        with pytest.raises(ExecutorFailed, match="KeyError: 'url'"):
            stage.changes.plan("read-7")


class TestApplying:
    @pytest.fixture(autouse=True)
    def prepared(self, stage: Stage) -> None:
        stage.planned()
        bring(stage.house.ledger, RELEASE, "production", State.SNAPSHOTS_TAKEN)

    def test_it_is_begun_once_and_recorded_where_it_was_done(self, stage: Stage) -> None:
        running = stage.changes.apply()
        assert (running.state, stage.applied()) == (ChangeState.APPLYING, [])
        done = stage.changes.apply()
        assert done.is_applied
        assert stage.applied() == ["0001-make APPLIED", "0002-fill APPLIED"]
        (first, *_) = stage.house.ledger.database_changes.of(ORDERS, nowhere)
        assert (first.release, first.schema_version, first.digest) == (RELEASE, "4", done.pending[0].digest)
        assert stage.played.database["asked"] == ["profile", "apply"]
        attempt = stage.house.ledger.attempts.get(RELEASE)
        assert attempt is not None
        assert attempt.under_way[0].state is State.APPLYING
        assert stage.house.ledger.attempts.history(attempt)[-1].detail == (
            "instance orders-db: 0001-make APPLIED, 0002-fill APPLIED"
        )

    def test_a_step_that_was_killed_anywhere_goes_on_and_does_nothing_twice(self, stage: Stage) -> None:
        planned = stage.enter().change_plan()
        assert planned is not None
        begun = stage.changes.apply()
        for lost in (planned, begun):
            stage.enter().save_changes(lost)
            if lost is planned:
                stage.changes.apply()
            assert stage.changes.apply().is_applied
        assert stage.played.database["asked"] == ["profile", "apply"]
        assert stage.applied() == ["0001-make APPLIED", "0002-fill APPLIED"]

    def test_a_change_that_fails_is_told_with_its_place_and_leaves_those_before_it(self, stage: Stage) -> None:
        stage.house.s3.delete_object(Bucket="artifacts", Key=RELEASE.stage_key("production", "database-changes.json"))
        stage.write(**{"0002-fill": b"INSERT INTO refunds VALUES (FAILS);"})
        stage.planned("anew")
        stage.changes.apply()
        with pytest.raises(ChangesFailed) as failed:
            stage.changes.apply()
        reason = read_reason(stage.house.artifacts, {"Error": "ChangesFailed", "Cause": str(failed.value)})
        assert in_words(reason) == (
            "the changes to instance orders-db were not applied: sql/0002-fill.sql:1: 0002-fill failed: it was told to "
            "(P0001); it left nothing behind"
        )
        plan = stage.enter().change_plan()
        assert plan is not None
        assert plan.state is ChangeState.FAILED
        assert [each.id for each in plan.standing] == ["0001-make"]
        assert stage.applied() == ["0001-make APPLIED", "0002-fill FAILED"]

    def test_no_database_is_changed_that_is_not_there(self, stage: Stage) -> None:
        stage.rds.delete_db_instance(DBInstanceIdentifier="orders-db", SkipFinalSnapshot=True)
        with pytest.raises(ChangesFailed, match="instance orders-db does not exist, or has no endpoint"):
            stage.changes.apply()
        assert stage.played.database["asked"] == ["profile"]

    def test_nothing_is_asked_where_nothing_is_pending(self, stage: Stage) -> None:
        stage.changes.apply()
        stage.changes.apply()
        again = stage.planned("later")
        assert (again.pending, again.is_applied) == ((), False)
        assert stage.changes.apply().is_applied
        assert stage.played.database["asked"] == ["profile", "apply", "profile"]

    def test_a_fault_of_aws_is_no_verdict(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(**_: Any) -> None:
            raise AwsFault("Lambda.Invoke", "AccessDenied", "no")

        monkeypatch.setattr(stage.played, "invoke", refused)
        with pytest.raises(AwsFault):
            stage.changes.apply()
        plan = stage.enter().change_plan()
        assert plan is not None
        assert plan.state is ChangeState.APPLYING, "it may have been begun"
        assert plan.results == ()


def test_outcomes_that_stand() -> None:
    assert {each for each in AppliedOutcome if each.stands} == {AppliedOutcome.APPLIED, AppliedOutcome.UNKNOWN}
