"""Dry runs: what a release would change is shown, and nothing of it is left, whatever happens meanwhile."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from deployed_belay import Application, until
from played_databases import played_database
from small_releases import Release, nesting, security_group, setting

from cli.__main__ import main

Applications = Callable[..., Application]
MAKE = "CREATE TABLE refunds (id int PRIMARY KEY);"


class Plan:
    """One execution of plan_release, and what it left."""

    def __init__(self, app: Application, execution: str) -> None:
        self.app, self.execution = app, execution

    @classmethod
    def of(cls, release: Release, app: Application, *stages: str) -> "Plan":
        return cls(app, app.belay.plan(release, *stages))

    def outcomes(self) -> list[tuple[str, str]]:
        """Its result in each stage, once it has ended."""
        return [(each["stage"], each["outcome"]) for each in self.app.belay.planned(self.execution)["stages"]]

    def shown(self, stage: str = "production") -> dict[str, Any]:
        return dict(json.loads(self._document(f"{stage}/preview.json")))

    def reason(self) -> Any:
        return json.loads(self._document("reason.json"))

    def page(self, stage: str = "production") -> str:
        return self._document(f"{stage}/preview.html").decode()

    def _document(self, name: str) -> bytes:
        attempt = self.execution.rpartition(":")[2]
        bucket = self.app.belay.outputs["ArtifactBucketName"]
        found = self.app.belay.aws("s3").get_object(Bucket=bucket, Key=f"plans/{self.app.name}/{attempt}/{name}")
        return bytes(found["Body"].read())


def left(app: Application) -> tuple[dict[str, str], list[str], list[dict[str, Any]]]:
    """The existing stacks, their change sets, and the dry runs in the ledger."""
    stacks = app.belay.stacks(f"{app.name}-")
    sets = [each for stack in stacks for each in app.belay.change_sets(stack)]
    return stacks, sets, [each for each in app.belay.items("PLAN") if each["SK"].startswith(f"{app.name}#")]


def told(app: Application) -> list[str]:
    return [each.attributes["kind"] for each in app.received()]


def swept(app: Application) -> list[str]:
    return list(app.belay.invoke("SweepFunction", {})["plans_cleaned"])


def test_a_plan_shows_what_a_release_would_change_and_leaves_nothing(application: Applications) -> None:
    app = application()
    app.deploy("1.0.0")
    before, messages, lock = left(app), told(app), app.belay.lock(app.name)

    plan = Plan.of(app.release("1.1.0", stacks={"first": setting("2"), "second": setting("3")}), app)

    assert plan.outcomes() == [("production", "PLANNED")]
    shown = plan.shown()
    assert [each["words"] for each in shown["changes"]] == [
        "first: changes Setting (AWS::SSM::Parameter): Value",
        "second: adds Setting (AWS::SSM::Parameter)",
    ]
    assert (shown["runs"], shown["verdict"]) == ("1.0.0", "PASS")
    assert "Setting" in plan.page()
    assert left(app) == before
    assert (told(app), app.belay.lock(app.name)) == (messages, lock)
    assert app.belay.release(app.name, "1.1.0") == {}
    assert app.belay.open_ones(app.name) == []


def test_what_depends_on_outputs_that_are_not_there_yet_is_not_planned_and_what_is_deployed_changes_nothing(
    application: Applications,
) -> None:
    app = application()
    imports = f"{app.stack('first')}-setting"
    stacks = {"first": setting("1", exports=True), "second": setting("2", imports=imports)}
    release = app.release("1.0.0", stacks=stacks)

    plan = Plan.of(release, app)

    assert plan.outcomes() == [("production", "PLANNED")]
    assert [each["stack"] for each in plan.shown()["changes"]] == ["first"]
    assert plan.shown()["unplanned"] == ["second: its changes are known only after first is deployed"]
    assert left(app) == ({}, [], [])

    assert app.run(release)["outcome"] == "DEPLOYED"
    again = Plan.of(release, app)
    assert again.outcomes() == [("production", "PLANNED")]
    assert again.shown()["unplanned"] == ["first: no change", "second: no change"]


def test_what_a_nested_stack_would_change_is_shown_and_it_leaves_nothing_either(application: Applications) -> None:
    app = application()
    more = {"child.json": json.dumps(setting("1")).encode()}

    plan = Plan.of(app.release(stacks={"first": nesting("child.json")}, more=more), app)

    assert plan.outcomes() == [("production", "PLANNED")]
    assert {each["path"] for each in plan.shown()["changes"]} == {"Child", "Child/Setting"}
    until(lambda: left(app) == ({}, [], []))


def test_what_a_gate_refuses_is_refused_before_a_change_set_is_made(application: Applications) -> None:
    app = application({"test": {"ephemeral": True}, "production": {}})
    open_to_all = app.release(stacks={"first": security_group(cidr="0.0.0.0/0")})

    refused = app.belay.planned(app.belay.plan(open_to_all))

    assert (refused["outcome"], app.belay.stacks(f"{app.name}-")) == ("REFUSED", {})
    assert told(app) == []

    undeployable = Plan.of(app.release(stacks={"first": setting({"Ref": "AWS::StackName"})}), app, "test", "production")
    app.belay.engine.fail_resource("Setting", "validate", "the name is taken")
    assert [outcome for _, outcome in undeployable.outcomes()].count("REFUSED") == 1
    assert left(app) == ({}, [], [])


def test_hostile_input_plans_nothing(application: Applications) -> None:
    app = application()
    release = app.release()
    tampered = Release(app.name, stacks=release.stacks, tampered={"first.json": b"{}"})
    app.deploy("1.0.0")

    assert app.belay.planned(app.belay.plan(tampered))["outcome"] == "REFUSED"
    assert app.belay.planned(app.belay.plan(b"no zip", application=app.name))["outcome"] == "REFUSED"
    assert app.belay.planned(app.belay.plan(app.release("0.9.0"), "nowhere"))["outcome"] == "REFUSED"

    deployed = app.belay.input_of(app.belay.executions(app.name, "deploy_release")[0])
    of_release = app.belay.start_plan(f"{app.name}-other", {"upload": deployed, "stages": []})
    assert app.belay.planned(of_release)["outcome"] == "REFUSED", "a release is no upload to be planned"
    alive = app.belay.start_plan(f"{app.name}-clean", {"clean": {"application": app.name, "stage": "production"}})
    assert app.belay.planned(alive) == {"outcome": "CLEANED"}
    assert app.belay.change_sets(app.stack("first")) == []


def test_a_plan_waits_for_a_release_and_a_release_takes_the_stage_from_a_plan(application: Applications) -> None:
    app = application()
    app.deploy("1.0.0")
    belay = app.belay

    with belay.held("ExecuteWave") as deploying:
        upload = belay.upload(app.release("1.1.0"))
        deploying.reached()
        waiting = Plan.of(app.release("1.2.0"), app)
        until(lambda: [e for e in belay.executions(app.name, "plan_release") if "WaitForStage" in e.states])
    assert belay.ended(upload)["outcome"] == "DEPLOYED"
    assert waiting.outcomes() == [("production", "PLANNED")]
    assert waiting.shown()["runs"] == "1.1.0"

    with belay.held("ShowPlan") as showing:
        taken = Plan.of(app.release("1.3.0"), app)
        showing.reached()
        # It waits for nothing, and so does a recovery.
        upload = belay.upload(app.release("1.2.0"))
        assert until(lambda: belay.uploaded(upload), lambda each: each.get("announced"))["outcome"] == "DEPLOYED"
    assert taken.outcomes() == [("production", "BUSY")]
    assert taken.shown()["why"].startswith("1.2.0, in arn:")
    assert left(app)[1:] == ([], [])


def test_two_plans_are_made_one_after_the_other(application: Applications) -> None:
    app = application()
    with app.belay.held("ShowPlan") as showing:
        one = Plan.of(app.release("1.0.0"), app)
        showing.reached()
        other = Plan.of(app.release("1.1.0"), app)
        until(lambda: [e for e in app.belay.executions(app.name, "plan_release") if "WaitForStage" in e.states])
    assert one.outcomes() == other.outcomes() == [("production", "PLANNED")]
    assert left(app) == ({}, [], [])


def test_an_approval_is_not_lost_to_a_plan(application: Applications) -> None:
    """Not even if a stack has nothing to change, which is known only while no one has the stage."""
    app = application(approval={"required": True})
    belay = app.belay
    stacks = {"first": setting("1"), "second": setting("1")}
    first = belay.upload(app.release("1.0.0", stacks=stacks))
    belay.approve(app.name, "1.0.0")
    assert belay.ended(first)["outcome"] == "DEPLOYED"

    release = app.release("1.1.0", stacks={**stacks, "second": setting("2")})
    upload = belay.upload(release)
    asked = belay.asked(app.name, "1.1.0")
    assert Plan.of(release, app).outcomes() == [("production", "PLANNED")]
    assert Plan.of(app.release("1.2.0", stacks=stacks), app).outcomes() == [("production", "PLANNED")]
    assert belay.asked(app.name, "1.1.0") == asked
    belay.approve(app.name, "1.1.0")

    assert belay.ended(upload)["outcome"] == "DEPLOYED"


def test_what_a_stopped_plan_left_is_deleted_by_the_sweep(application: Applications) -> None:
    app = application()
    belay = app.belay
    with belay.held("ShowPlan") as showing:
        plan = Plan.of(app.release("1.0.0"), app)
        showing.reached()
        stacks, sets, planned = left(app)
        assert (list(stacks.values()), len(sets), len(planned)) == (["REVIEW_IN_PROGRESS"], 1, 1)
        assert swept(app) == [], "it runs"
        (running,) = [each for each in belay.executions(app.name, "plan_release") if each.arn == plan.execution]
        belay.stop(running)
    until(lambda: swept(app))
    until(lambda: left(app) == ({}, [], []))
    (cleaned,) = [e for e in belay.at_rest(app.name) if e.machine == "plan_release" and "TakeUpPlan" in e.states]
    assert cleaned.states[-1] == "Cleaned"
    assert told(app) == []


@pytest.mark.parametrize(
    ("task", "ends"),
    [
        ("OpenPlan", "NotPlanned"),
        ("CopyPlan", "NotPlanned"),
        ("CheckRelease", "NotPlanned"),
        ("EnterStage", "Planned"),
        ("PlanStage", "Planned"),
        ("ShowPlan", "Planned"),
        ("LeaveStage", "Planned"),
    ],
)
def test_a_fault_is_no_verdict_and_leaves_nothing(application: Applications, task: str, ends: str) -> None:
    app = application()
    belay = app.belay
    belay.fail(task)

    execution = belay.plan(app.release())
    until(lambda: [each for each in belay.at_rest(app.name) if each.arn == execution])
    (ended,) = belay.executions(app.name, "plan_release")

    assert ended.states[-1] == ends
    if ends == "Planned" and task != "LeaveStage":
        assert Plan(app, execution).outcomes() == [("production", "NOT_PLANNED")]
    assert left(app)[:2] == ({}, [])
    if task == "LeaveStage":
        swept(app)
        until(lambda: left(app) == ({}, [], []))


def test_a_copy_that_is_not_what_the_manifest_says_refuses_and_so_does_an_unreadable_template(
    application: Applications,
) -> None:
    app = application()
    for task in ("CopyPlan", "CheckRelease"):
        app.belay.fail(task, "InvalidRelease")
        assert app.belay.planned(app.belay.plan(app.release()))["outcome"] == "REFUSED"


def test_what_cannot_be_withdrawn_is_left_to_the_sweep(application: Applications) -> None:
    app = application()
    belay = app.belay
    belay.fail("WithdrawPlan")
    assert Plan.of(app.release(), app).outcomes() == [("production", "PLANNED")]
    assert len(left(app)[1]) == 1

    belay.fail("TakeUpPlan")
    (name,) = until(lambda: swept(app))
    until(lambda: [e for e in belay.at_rest(app.name) if e.arn.endswith(name) and e.states[-1] == "NotPlanned"])
    clean = {"clean": {"application": app.name, "stage": "production"}}
    assert belay.planned(belay.start_plan(f"{name}-again"[:80], clean)) == {"outcome": "CLEANED"}
    assert left(app) == ({}, [], [])


class TestDatabaseChanges:
    def planned(self, app: Application, files: Mapping[str, str]) -> Plan:
        database = {"database": {"changes": "sql", "engine": "mysql"}}
        more = {f"sql/{name}.sql": text.encode() for name, text in files.items()}
        return Plan.of(app.release("1.1.0", manifest=database, more=more), app)

    def test_they_are_shown_with_the_model_s_forecast_and_none_is_applied(self, application: Applications) -> None:
        app = application()
        database = played_database(app)
        app.register(
            {
                "test": {"databases": [database.registered], "restore": "never"},
                "production": {"databases": [database.registered], "restore": "never"},
            }
        )
        app.deploy("1.0.0")

        plan = self.planned(app, {"0001-make": MAKE})

        assert plan.outcomes() == [("test", "PLANNED"), ("production", "PLANNED")]
        assert any("0001-make" in line for line in plan.shown()["databases"])
        assert plan.shown()["forecast"]["basis"] == "model"
        assert (database.recorded, database.asked) == ([], [])

        app.belay.fail("PlanChanges")
        failed = self.planned(app, {"0001-make": MAKE})
        assert failed.outcomes() == [("test", "NOT_PLANNED"), ("production", "PLANNED")]
        app.belay.fail("ConcludeForecast")
        assert self.planned(app, {"0001-make": MAKE}).outcomes()[0] == ("test", "NOT_PLANNED")


def test_the_command_plans_a_directory(
    application: Applications,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    app = application()
    for name, value in app.belay.engine.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    release = tmp_path / "release"
    release.mkdir()
    manifest = {"application": app.name, "version": "1.0.0", "stacks": [{"name": "first", "template": "first.json"}]}
    (release / "release.yaml").write_text(yaml.safe_dump(manifest))
    (release / "first.json").write_text(json.dumps(setting("<script>alert(1)</script>")))

    assert main(["plan", str(release), "--html", str(tmp_path / "plan.html")]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{app.name}/1.0.0: PLANNED"
    assert "  first: adds Setting (AWS::SSM::Parameter)" in told
    assert told[-1] == "Nothing was deployed, and what was made for the plan is deleted."
    page = (tmp_path / "plan.html").read_text()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page

    (release / "first.json").write_text(json.dumps(security_group(cidr="0.0.0.0/0")))
    assert main(["plan", str(release), "--output", "json"]) == 1
    refused = json.loads(capsys.readouterr().out)
    assert (refused["outcome"], refused["stages"]) == ("REFUSED", [])
    assert "ssh" in refused["reason"]
    assert main(["plan", str(release), "--stage", "nowhere"]) == 1
    assert "has no stage nowhere" in capsys.readouterr().out
    (release / "release.yaml").write_text("application: 1")
    assert main(["plan", str(release)]) == 1
    assert left(app) == ({}, [], [])
