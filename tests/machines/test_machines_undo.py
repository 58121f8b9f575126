"""Database changes in a rollback: undone if possible, which loses no writes, otherwise restored."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from deployed_belay import Application, stop_when, until
from played_databases import played_database
from small_releases import Release, setting
from test_machines_asked_rollback import ask, asked

Applications = Callable[..., Application]

FILES = {
    "0001-make": "CREATE TABLE refunds (id int PRIMARY KEY);",
    "0001-make.undo": "DROP TABLE refunds;",
    "0002-fill": "INSERT INTO refunds VALUES (1);",
    "0002-fill.undo": "DELETE FROM refunds WHERE id = 1;",
}
UNDONE = ["0001-make UNDONE", "0002-fill UNDONE"]


class Stage:
    """An application with a database that an executor changes, whose next release fails in ``second``."""

    def __init__(self, application: Applications, **more: Any) -> None:
        self.app = application()
        self.belay = self.app.belay
        self.database = played_database(self.app)
        registered = {"databases": [self.database.registered], "restore": "automatic", **more}
        self.app.register({"production": registered})
        self.app.deploy("1.0.0", stacks=self.stacks("1.0.0"))
        self.before = self.resource_id()

    @staticmethod
    def stacks(value: str) -> dict[str, Any]:
        return {"first": setting(value), "second": setting(value)}

    def failing(self, *, fails: bool = True, schema: str = "", **files: str | None) -> Release:
        """The next release, whose changes are applied after ``first``; then ``second`` fails, by default.

        ``schema`` is the version that it leaves, of 1 to 9; a file that is None is left out.
        """
        if fails:
            self.belay.engine.fail_resource("Setting", "update", "no more parameters", stack=self.app.stack("second"))
        schemas = {"schema": {"from": str(int(schema) - 1), "to": schema}} if schema else {}
        return self.app.release(
            "1.1.0",
            stacks=self.stacks("1.1.0"),
            depends_on={"second": ["first"]},
            manifest={"database": {"changes": "sql", "engine": "mysql", "apply": {"after": "first"}, **schemas}},
            more={f"sql/{name}.sql": text.encode() for name, text in {**FILES, **files}.items() if text is not None},
        )

    def resource_id(self) -> str:
        found = self.belay.there("rds").describe_db_instances(DBInstanceIdentifier=self.database.name)
        return str(found["DBInstances"][0]["DbiResourceId"])

    def taken(self) -> list[str]:
        (incident,) = self.belay.incidents(self.app.name)
        return [each["action"] for each in incident["tried"]]

    def has_taken(self, action: str) -> bool:
        return action in self.taken()

    def recorded(self) -> list[str]:
        """The ledger's record of the database."""
        return self.belay.applied(self.app.name, self.database.name)

    def is_undone(self) -> None:
        """Everything is as it was, in the very same database."""
        assert sorted(self.database.recorded) == UNDONE
        assert self.recorded() == UNDONE
        assert self.resource_id() == self.before
        assert self.belay.setting(self.app.stack("first")) == "1.0.0"


def test_what_was_applied_is_undone_when_a_later_stack_fails(application: Applications) -> None:
    stage = Stage(application)

    record = stage.app.run(stage.failing())

    text = stage.app.received()[-1].text
    assert record["outcome"] == "ROLLED_BACK", text
    assert stage.taken() == ["UPDATE_TO_BASELINE", "UNDO_CHANGES"]
    assert stage.database.asked == ["apply", "undo"]
    stage.is_undone()
    assert f"undo 0002-fill, 0001-make in instance {stage.database.name} by their own scripts (not rehearsed" in text


def test_where_the_executor_cannot_undo_the_database_is_restored(application: Applications) -> None:
    stage = Stage(application)
    stage.database.be({**stage.database.now(), "undoes": False})

    record = stage.app.run(stage.failing())

    text = stage.app.received()[-1].text
    assert record["outcome"] == "ROLLED_BACK", text
    assert stage.taken()[:3] == ["UPDATE_TO_BASELINE", "UNDO_CHANGES", "RESTORE_DATABASE"]
    assert "its changes were not undone: its executor did not undo them: this edition of the tool does not undo" in text
    assert stage.resource_id() != stage.before
    assert stage.recorded() == ["0001-make RESTORED", "0002-fill RESTORED"]


def test_changes_that_nobody_followed_to_their_end_are_asked_about_then_undone(application: Applications) -> None:
    stage = Stage(application)
    upload = stage.belay.upload(stage.failing(fails=False, **{"0002-fill": "INSERT INTO refunds VALUES (TAKES);"}))
    until(lambda: "WaitForChanges" in stage.belay.states(stage.app.name, "deploy_stage"))
    (running,) = [each for each in stage.belay.executions(stage.app.name, "deploy_stage") if each.status == "RUNNING"]
    stage.belay.stop(running)
    until(lambda: "RecoverChanges" in stage.belay.states(stage.app.name, "rollback_stage"))
    stage.database.be({**stage.database.now(), "released": True})

    record = stage.belay.ended(upload)

    assert record["outcome"] == "ROLLED_BACK", stage.app.received()[-1].text
    assert sorted(stage.taken()) == ["CHECK_CHANGES", "UNDO_CHANGES", "UPDATE_TO_BASELINE"]
    stage.is_undone()


def test_a_step_that_cannot_be_taken_needs_a_person(application: Applications) -> None:
    stage = Stage(application)
    stage.belay.fail("RecoverChanges")

    record = stage.app.run(stage.failing())

    assert record["outcome"] == "NEEDS_OPERATOR", stage.app.received()[-1].text
    assert ("rollback_stage", "RecoverChanges", "CloseIncident") in stage.belay.steps(stage.app.name)
    assert stage.recorded() == ["0001-make APPLIED", "0002-fill APPLIED"]


def test_a_recovery_that_was_stopped_after_each_step_goes_on_and_undoes_nothing_twice(
    application: Applications,
) -> None:
    stage = Stage(application)
    with stage.belay.held("PlanRollback") as look:
        upload = stage.belay.upload(stage.failing())
        for step in ("UPDATE_TO_BASELINE", "UNDO_CHANGES"):
            stop_when(stage.app, look, partial(stage.has_taken, step))
    record = stage.belay.ended(upload)

    assert record["outcome"] == "ROLLED_BACK", stage.app.received()[-1].text
    assert stage.taken() == ["UPDATE_TO_BASELINE", "UNDO_CHANGES"]
    assert stage.database.asked == ["apply", "undo"]
    stage.is_undone()


class TestAsked:
    """A rollback that a person requests, of a release that is in use."""

    def deployed(self, application: Applications, *, undo: bool) -> Stage:
        stage = Stage(application)
        kept = {} if undo else {"0002-fill.undo": None}
        release = stage.failing(fails=False, schema="5", **kept)
        first = Release(stage.app.name, "1.0.5", stacks=stage.stacks("1.0.5"), manifest=_schema("3", "4"), more=_ONE)
        assert stage.app.run(first)["outcome"] == "DEPLOYED"
        more = {**release.more, **_ONE}
        assert stage.app.run(replace(release, more=more))["outcome"] == "DEPLOYED"
        return stage

    def test_it_undoes_what_can_be_undone(self, application: Applications) -> None:
        stage = self.deployed(application, undo=True)

        record = asked(stage.app)

        assert record["outcome"] == "ROLLED_BACK", stage.app.received()[-1].text
        assert "UNDO_CHANGES" in stage.taken()
        assert stage.database.asked == ["apply", "apply", "undo"]
        assert stage.recorded() == ["0000-first APPLIED", *UNDONE]

    def test_it_is_refused_before_it_starts_if_the_release_before_does_not_work_with_the_schema(
        self, application: Applications
    ) -> None:
        stage = self.deployed(application, undo=False)

        status, answer = ask(stage.app)

        assert (status, answer["error"]) == (409, "SchemaOutOfRange")
        assert answer["message"].startswith(
            f"instance {stage.database.name}: version 1.0.5 works with schema 3 to 4, and the database has 5, and the "
            "changes are not undone: 0002-fill has no undo. Nothing was done."
        )
        assert stage.belay.incidents(stage.app.name) == []
        assert stage.belay.setting(stage.app.stack("first")) == "1.1.0"


_ONE = {"sql/0000-first.sql": b"CREATE TABLE orders (id int PRIMARY KEY);"}


def _schema(before: str, after: str) -> dict[str, Any]:
    return {"database": {"changes": "sql", "engine": "mysql", "schema": {"from": before, "to": after}}}
