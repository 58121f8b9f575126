"""Database changes: applied once, in their place among the stacks, or the release is refused or fails."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from deployed_belay import Application
from played_databases import played_database
from small_releases import Release, setting

Applications = Callable[..., Application]

MAKE, FILL = "CREATE TABLE refunds (id int PRIMARY KEY);", "INSERT INTO refunds VALUES (1);"


class Stage:
    """An application with a database that an executor changes, whose first release is deployed."""

    def __init__(self, application: Applications, **more: Any) -> None:
        self.app = application()
        self.belay = self.app.belay
        self.database = played_database(self.app)
        self.app.register({"production": {"databases": [self.database.registered], "restore": "automatic", **more}})
        self.app.deploy("1.0.0", stacks=self.stacks("1.0.0")) if not more.get("approval") else None

    @staticmethod
    def stacks(value: str) -> dict[str, Any]:
        return {"first": setting(value), "second": setting(value)}

    def release(self, version: str = "1.1.0", *, files: dict[str, str] | None = None, **manifest: Any) -> Release:
        """The next release, which creates a table and fills it, and changes ``second`` after ``first``."""
        files = (
            files
            if files is not None
            else {"0001-make": MAKE, "0001-make.undo": "DROP TABLE refunds;", "0002-fill": FILL}
        )
        return self.app.release(
            version,
            stacks=self.stacks(version),
            depends_on={"second": ["first"]},
            manifest={"database": {"changes": "sql", "engine": "mysql", **manifest}},
            more={f"sql/{name}.sql": text.encode() for name, text in files.items()},
        )

    def states(self) -> list[str]:
        """The states of the last execution of ``deploy_stage``, without waits and choices."""
        kept = ("PlanChanges", "ApplyChanges", "ExecuteWave", "PlanStage", "ConfirmPlan", "SnapshotDatabases")
        states = [each for each in self.belay.executions(self.app.name, "deploy_stage")[-1].states if each in kept]
        return [each for number, each in enumerate(states) if states[number - 1 : number] != [each]]

    def applied(self) -> list[str]:
        """The ledger's record of the database."""
        return self.belay.applied(self.app.name, self.database.name)


BOTH = ["0001-make APPLIED", "0002-fill APPLIED"]


def test_what_the_database_lacks_is_applied_once_before_all_stacks(application: Applications) -> None:
    stage = Stage(application)

    record = stage.app.run(stage.release())

    assert record["outcome"] == "DEPLOYED", record
    assert stage.states() == [
        *("PlanStage", "PlanChanges", "ConfirmPlan", "SnapshotDatabases"),
        *("ExecuteWave", "ApplyChanges", "ExecuteWave", "PlanStage", "ExecuteWave"),
    ]
    assert (stage.database.recorded, stage.applied(), stage.database.asked) == (BOTH, BOTH, ["apply"])
    assert "APPLYING DATABASE CHANGES" in stage.belay.transitions(stage.app.name, "1.1.0")

    assert stage.app.run(stage.release("1.2.0"))["outcome"] == "DEPLOYED"
    assert stage.database.asked == ["apply"], "nothing was pending"


@pytest.mark.parametrize(
    ("apply", "order"),
    [
        ({"after": "first"}, ["ExecuteWave", "ApplyChanges", "ExecuteWave", "PlanStage", "ExecuteWave"]),
        ({"before": "second"}, ["ExecuteWave", "PlanStage", "ExecuteWave", "ApplyChanges", "ExecuteWave"]),
        ({"after": "second"}, ["ExecuteWave", "PlanStage", "ExecuteWave", "ApplyChanges", "ExecuteWave"]),
    ],
)
def test_they_are_applied_where_the_release_says(
    application: Applications, apply: dict[str, str], order: list[str]
) -> None:
    stage = Stage(application)

    record = stage.app.run(stage.release(apply=apply))

    assert record["outcome"] == "DEPLOYED", record
    assert stage.states()[-5:] == order
    assert stage.database.recorded == BOTH


def test_what_was_edited_after_it_was_applied_refuses_the_release(application: Applications) -> None:
    stage = Stage(application)
    stage.app.run(stage.release())

    edited = stage.app.run(stage.release("1.2.0", files={"0001-make": MAKE + " -- edited", "0002-fill": FILL}))

    assert edited["outcome"] == "REJECTED", edited
    assert "applied-change-edited: A change is not the one that was applied" in stage.app.received()[-1].text

    database = stage.database.now()
    database["recorded"][0]["digest"] = "e" * 64
    stage.database.be(database)
    record = stage.app.run(stage.release("1.3.0"))

    assert record["outcome"] == "REJECTED", record
    assert "0001-make was edited after 1.1.0 had applied it" in stage.app.received()[-1].text
    assert ("deploy_stage", "PlanChanges", "DiscardPlan") in stage.belay.steps(stage.app.name)
    assert stage.belay.setting(stage.app.stack("first")) == "1.1.0"
    assert stage.database.asked == ["apply"]


def test_a_database_that_cannot_be_read_stops_the_release_before_anything_is_changed(
    application: Applications,
) -> None:
    stage = Stage(application)
    stage.belay.fail("PlanChanges")

    record = stage.app.run(stage.release())

    assert record["outcome"] == "ROLLED_BACK", record
    assert ("deploy_stage", "PlanChanges", "OpenIncident") in stage.belay.steps(stage.app.name)
    assert stage.database.asked == []


def test_a_change_that_fails_in_the_middle_takes_the_release_back(application: Applications) -> None:
    stage = Stage(application)
    files = {"0001-make": MAKE, "0002-fill": "INSERT INTO refunds VALUES (FAILS);", "0003-more": FILL}

    record = stage.app.run(stage.release(files=files))

    assert ("deploy_stage", "ApplyChanges", "OpenIncident") in stage.belay.steps(stage.app.name)
    text = stage.app.received()[-1].text
    assert "sql/0002-fill.sql:1: 0002-fill failed: it was told to (P0001); it left nothing behind" in text
    assert stage.database.asked[0] == "apply"
    assert "0003-more" not in " ".join(stage.database.recorded)
    assert stage.belay.setting(stage.app.stack("first")) == "1.0.0"
    assert record["outcome"] == "ROLLED_BACK", text


def test_steps_that_fail_for_a_moment_are_done_again_and_nothing_twice(application: Applications) -> None:
    stage = Stage(application)
    for task in ("PlanChanges", "ApplyChanges"):
        stage.belay.fail(task, "ServiceUnavailable")

    record = stage.app.run(stage.release())

    assert record["outcome"] == "DEPLOYED", record
    assert (stage.database.recorded, stage.database.asked) == (BOTH, ["apply"])


class TestApproval:
    def asking(self, application: Applications) -> tuple[Stage, Any]:
        stage = Stage(application, approval={"required": True})
        upload = stage.belay.upload(stage.release())
        stage.belay.asked(stage.app.name, "1.1.0")
        return stage, upload

    def test_it_shows_the_changes_and_their_digests(self, application: Applications) -> None:
        stage, upload = self.asking(application)
        digest = next(each["digest"] for each in self.plan(stage)["pending"] if each["id"] == "0001-make")
        _, wanted = stage.app.told("deployment-started", "approval-requested")
        assert f"2 changes are applied to instance {stage.database.name} before all stacks" in wanted.text.lower()
        assert f"0001-make ({digest[:12]}, can be undone)" in wanted.text

        stage.belay.approve(stage.app.name, "1.1.0")
        assert stage.belay.ended(upload)["outcome"] == "DEPLOYED"
        assert stage.database.recorded == BOTH

    def test_what_is_pending_then_has_to_be_what_was_approved(self, application: Applications) -> None:
        stage, upload = self.asking(application)
        pending = self.plan(stage)["pending"][0]
        there = {
            **{name: pending[name] for name in ("id", "author", "path", "digest", "position")},
            **dict.fromkeys(("release", "attempt", "started", "ended"), "by hand"),
            "outcome": "APPLIED",
        }
        stage.database.be({**stage.database.now(), "recorded": [there]})

        stage.belay.approve(stage.app.name, "1.1.0")

        assert stage.belay.ended(upload)["outcome"] == "ABORTED"
        assert "Changed since then: the database changes" in stage.app.received()[-1].text
        assert stage.database.asked == []

    def plan(self, stage: Stage) -> dict[str, Any]:
        attempt = stage.belay.release(stage.app.name, "1.1.0")["attempt"]
        key = f"attempts/{stage.app.name}/{attempt}/production/database-changes.json"
        bucket = stage.belay.outputs["ArtifactBucketName"]
        return dict(json.load(stage.belay.aws("s3").get_object(Bucket=bucket, Key=key)["Body"]))


def test_the_same_changes_run_in_every_stage(application: Applications) -> None:
    app = application()
    test, production = (played_database(app, f"{app.name}-{stage}") for stage in ("test", "production"))
    app.register({"test": {"databases": [test.registered]}, "production": {"databases": [production.registered]}})
    release = app.release(
        "1.0.0",
        manifest={"database": {"changes": "sql", "engine": "mysql"}},
        more={"sql/0001-make.sql": MAKE.encode()},
    )

    assert app.run(release)["outcome"] == "DEPLOYED"
    assert (test.recorded, production.recorded) == (["0001-make APPLIED"], ["0001-make APPLIED"])
