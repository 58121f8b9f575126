"""Stages in another account and region, on an engine that enforces permissions: a missing grant fails."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
import record
from deployed_belay import WAIT_SCALE, Application, Belay, until
from played_databases import played_database
from small_releases import Release, holding, nesting, setting
from test_machines_pipelines import ScriptedPipeline, action, ran

from cli.__main__ import main
from local.deployment import LOCAL_PARAMETERS, deploy
from local.engine import EmbeddedEngine
from local.spokes import SPOKE_ACCOUNT, SPOKE_REGION, EmbeddedSpoke, join

Elsewhere = Callable[..., Application]
pytestmark = pytest.mark.at_home("its stages lie elsewhere already")

SERVICE_ROLE = f"arn:aws:iam::{SPOKE_ACCOUNT}:role/belay/deployer"
PLACE = {"account": SPOKE_ACCOUNT, "region": SPOKE_REGION, "service_role": SERVICE_ROLE}
APPLICATIONS = (
    *("good", "fails", "nested", "by-hand", "beside", "revoked", "forged", "changes", "tried", "table"),
    *("left", "together", "piped", "deleted", "unrecovered", "invoking", "unlet"),
)
"""Those that the other account allows Belay to deploy."""


@pytest.fixture(scope="module")
def files() -> set[str]:
    """This is not the Belay of the other files."""
    return set()


@pytest.fixture(scope="module")
def spoke_of() -> dict[str, EmbeddedSpoke]:
    return {}


@pytest.fixture(scope="module")
def belay(files: set[str], spoke_of: dict[str, EmbeddedSpoke]) -> Iterator[Belay]:
    """Belay in an engine that enforces permissions, and another account prepared for some applications."""
    with EmbeddedEngine.start(snapshot_seconds=0.2, wait_scale=float(WAIT_SCALE), permissions=True) as engine:
        outputs = deploy(engine, parameters={**LOCAL_PARAMETERS, "SpokeAccounts": SPOKE_ACCOUNT})
        spoke_of["the"] = join(engine, APPLICATIONS)
        deployed = Belay(engine, outputs)
        yield deployed
        record.leave(deployed, files)


@pytest.fixture
def spoke(belay: Belay, spoke_of: dict[str, EmbeddedSpoke]) -> EmbeddedSpoke:
    """The other account."""
    return spoke_of["the"]


@pytest.fixture
def elsewhere(belay: Belay) -> Elsewhere:
    """``elsewhere("good")`` registers an application whose production is in the other account and region."""

    def make(
        name: str,
        production: Mapping[str, Any] | None = None,
        order: Mapping[str, Any] | None = None,
        **stages: Any,
    ) -> Application:
        app = Application(belay, name)
        app.register({**stages, "production": {**PLACE, **(production or {})}}, order)
        app.subscribe()
        belay.applications.append(app)
        return app

    return make


def value(spoke: EmbeddedSpoke, stack: str, name: str = "Setting") -> str:
    """The value that a stack's parameter has in the other account."""
    found = spoke.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=name)
    physical = found["StackResourceDetail"]["PhysicalResourceId"]
    return str(spoke.client("ssm").get_parameter(Name=physical)["Parameter"]["Value"])


def logged(belay: Belay) -> str:
    """Everything that Belay's functions logged."""
    group = belay.outputs["LogGroupName"]
    pages = belay.aws("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    return "\n".join(each["message"] for page in pages for each in page["events"])


def test_a_release_goes_through_test_here_and_production_there(elsewhere: Elsewhere, spoke: EmbeddedSpoke) -> None:
    app = elsewhere("good", test={})

    app.deploy("1.0.0")
    app.deploy("1.1.0")

    assert app.belay.setting(app.stack("first", "test")) == "1.1.0"
    assert value(spoke, app.stack("first")) == "1.1.0"
    assert app.belay.status(app.stack("first")) is None, "nothing of production is here"
    assert app.belay.last_known_good(app.name) == "1.1.0"


def test_a_release_that_fails_there_is_taken_back_there(elsewhere: Elsewhere, spoke: EmbeddedSpoke) -> None:
    app = elsewhere("fails")
    both = {name: setting("1.0.0") for name in ("first", "second")}
    app.deploy("1.0.0", stacks=both, depends_on={"second": ["first"]})
    app.belay.engine.fail_resource("Setting", "update", "no such tier", stack=app.stack("second"))

    stacks = {name: setting("1.1.0") for name in ("first", "second")}
    outcome = app.run(app.release("1.1.0", stacks=stacks, depends_on={"second": ["first"]}))

    assert outcome["outcome"] == "ROLLED_BACK"
    assert "no such tier" in outcome["reason"]
    assert {name: value(spoke, app.stack(name)) for name in both} == {"first": "1.0.0", "second": "1.0.0"}
    assert app.belay.last_known_good(app.name) == "1.0.0"
    (incident,) = app.belay.incidents(app.name)
    assert incident


def in_two_regions(elsewhere: Elsewhere, name: str, wave_failure: str, fails: str) -> Application:
    """An application that runs 1.0.0 in two regions, one of them home, and whose next release fails in one."""
    order = {"stages": [["home", "production"]], "wave_failure": wave_failure}
    app = elsewhere(name, None, order, home={})
    app.deploy("1.0.0")
    app.belay.engine.fail_resource("Setting", "update", "no such tier", stack=app.stack("first", fails))
    return app


def test_a_failure_in_one_region_is_recovered_while_the_other_is_deployed(
    elsewhere: Elsewhere, spoke: EmbeddedSpoke
) -> None:
    app = in_two_regions(elsewhere, "left", "stage", fails="production")

    def standing() -> dict[str, str]:
        attempt = app.belay.ledger.attempts.current(app.name, "1.1.0")
        return {} if attempt is None else {each.stage: each.words for each in attempt.stages}

    upload = app.belay.upload(app.release("1.1.0", stacks={"first": holding("1.1.0")}))
    go_on = app.held_stack("first", "home")
    until(lambda: standing().get("production") == "STAGE ROLLED_BACK")
    assert standing()["home"] == "EXECUTING first"
    assert value(spoke, app.stack("first")) == "1.0.0"
    go_on()

    record = app.belay.ended(upload)
    assert record["outcome"] == "ROLLED_BACK"
    assert "home DEPLOYED" in record["reason"]
    assert "no such tier" in record["reason"]
    assert app.belay.setting(app.stack("first", "home")) == "1.1.0"


def test_a_failure_in_one_region_takes_back_the_other_where_that_is_registered(
    elsewhere: Elsewhere, spoke: EmbeddedSpoke
) -> None:
    app = in_two_regions(elsewhere, "together", "wave", fails="home")

    record = app.run(app.release("1.1.0"))

    assert record["outcome"] == "ROLLED_BACK"
    assert app.belay.setting(app.stack("first", "home")) == value(spoke, app.stack("first")) == "1.0.0"
    assert app.belay.last_known_good(app.name) == app.belay.last_known_good(app.name, "home") == "1.0.0"
    kinds = sorted(each["details"]["subject"]["kind"] for each in app.belay.incidents(app.name))
    assert kinds == ["asked", "release"]


def test_files_of_a_release_are_read_from_the_bucket_of_the_region(elsewhere: Elsewhere, spoke: EmbeddedSpoke) -> None:
    app = elsewhere("nested")

    for version in ("1.0.0", "1.1.0"):
        more = {"child.json": json.dumps(setting(version)).encode()}
        app.deploy(version, stacks={"first": nesting("child.json")}, more=more)

    found = spoke.client("cloudformation").describe_stack_resource(
        StackName=app.stack("first"), LogicalResourceId="Child"
    )
    assert value(spoke, found["StackResourceDetail"]["PhysicalResourceId"]) == "1.1.0"
    s3 = app.belay.engine.client("s3", region=SPOKE_REGION)
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=spoke.files)["Contents"]]
    assert keys
    assert all(key.startswith(f"spokes/{SPOKE_ACCOUNT}/") for key in keys)


def changing(app: Application, version: str, **files: str) -> Release:
    """A release that changes the application's database."""
    return app.release(
        version,
        manifest={"database": {"changes": "sql", "engine": "mysql"}},
        more={f"sql/{name}.sql": text.encode() for name, text in files.items()},
    )


def test_database_changes_are_applied_and_undone_by_an_executor_there(
    elsewhere: Elsewhere, belay: Belay, spoke: EmbeddedSpoke
) -> None:
    database = played_database(Application(replace(belay, spoke=spoke), "changes"))
    app = elsewhere("changes", production={"databases": [database.registered]})
    made = {"0001-make": "CREATE TABLE refunds (id int);", "0001-make.undo": "DROP TABLE refunds;"}

    assert app.run(changing(app, "1.0.0", **made))["outcome"] == "DEPLOYED"
    assert database.recorded == ["0001-make APPLIED"]

    more = {"0002-more": "CREATE TABLE more (id int);", "0002-more.undo": "DROP TABLE more;"}
    outcome = app.run(changing(app, "1.1.0", **made, **more, **{"0003-bad": "INSERT INTO more VALUES (FAILS);"}))

    assert outcome["outcome"] == "ROLLED_BACK", outcome
    assert "0003-bad failed" in app.received()[-1].text
    assert database.recorded == ["0001-make APPLIED", "0003-bad FAILED", "0002-more UNDONE"]
    assert database.asked == ["apply", "apply", "undo"]
    assert replace(belay, spoke=spoke).applied(app.name, database.name) == sorted(database.recorded)


def test_database_changes_are_forecast_on_a_copy_there_that_is_gone_afterwards(
    elsewhere: Elsewhere, belay: Belay, spoke: EmbeddedSpoke
) -> None:
    database = played_database(Application(replace(belay, spoke=spoke), "tried"))
    registered = {**database.registered, "copy": {"security_groups": ["sg-0123456789abcdef0"]}}
    app = elsewhere("tried", production={"databases": [registered], "forecast": "copy"})
    made, rds = {"0001-make": "CREATE TABLE refunds (id int);"}, spoke.client("rds")

    def copies() -> list[str]:
        names = [each["DBInstanceIdentifier"] for each in rds.describe_db_instances()["DBInstances"]]
        return [name for name in names if "-belay-copy-" in name]

    with belay.held("TryChanges") as trial:
        upload = belay.upload(changing(app, "1.0.0", **made))
        trial.reached()
        (copy,) = copies()
        trial.let_go()
    assert belay.ended(upload)["outcome"] == "DEPLOYED"
    assert (database.asked, database.now()["forecast_on"], copies()) == (["forecast", "apply"], [copy], [])

    with belay.held("TryChanges") as trial:
        upload = belay.upload(changing(app, "1.1.0", **made, **{"0002-bad": "INSERT INTO refunds VALUES (FAILS);"}))
        trial.reached()
        belay.fail("DeleteCopies")
    outcome = belay.ended(upload)
    assert outcome["outcome"] == "REJECTED", outcome
    assert "0002-bad failed" in app.received()[-1].text
    assert database.recorded == ["0001-make APPLIED"]
    (left,) = copies()
    assert belay.invoke("CleanCopiesFunction", {}) == {
        "deleted": [f"{left} (account {SPOKE_ACCOUNT}, region {SPOKE_REGION})"]
    }
    until(lambda: not copies())


def test_a_pipeline_there_deploys_a_release_that_its_event_tells_of(belay: Belay, spoke: EmbeddedSpoke) -> None:
    app = Application(replace(belay, spoke=spoke), "piped")
    pipeline = ScriptedPipeline(app)
    app.subscribe()
    belay.applications.append(app)
    pipeline.is_at("InProgress", ran("Review", "Approval", "Manual", "InProgress"))
    upload = belay.upload(app.release())
    until(lambda: [each for each in app.received() if each.attributes["kind"] == "person-needed"])
    s3 = belay.engine.client("s3", region=SPOKE_REGION)
    copies = [each["Key"] for each in s3.list_objects_v2(Bucket=spoke.files)["Contents"]]
    attempt = belay.release("piped")["attempt"]
    assert f"spokes/{SPOKE_ACCOUNT}/attempts/piped/{attempt}/production/release.zip" in copies

    pipeline.is_at("Succeeded", ran("Deploy", "Deploy", "CloudFormation", "Succeeded"))
    pipeline.happens("SUCCEEDED")

    assert belay.ended(upload)["outcome"] == "DEPLOYED"
    assert belay.last_known_good("piped") == "1.0.0"
    told = app.told("deployment-started", "person-needed", "DEPLOYED")
    assert f"--region {SPOKE_REGION}" in told[1].text


def test_a_pipeline_there_that_invokes_belay_s_functions_is_refused_before_it_starts(
    belay: Belay, spoke: EmbeddedSpoke
) -> None:
    app = Application(replace(belay, spoke=spoke), "invoking")
    pipeline = ScriptedPipeline(app)
    invokes = action("Tell", "Invoke", "Lambda", configuration={"FunctionName": "belay-NotifyActionFunction"})
    pipeline.structure["stages"].append({"name": "Afterwards", "actions": [invokes]})
    pipeline.answer("GetPipeline", {"pipeline": pipeline.structure}, {"name": pipeline.name})
    app.subscribe()
    belay.applications.append(app)

    outcome = app.run(app.release())

    assert outcome["outcome"] == "REJECTED", outcome
    assert "its actions Afterwards/Tell invoke functions of Belay's" in outcome["reason"]


def test_a_failure_by_hand_there_is_forwarded_and_told(elsewhere: Elsewhere, spoke: EmbeddedSpoke) -> None:
    app = elsewhere("by-hand")
    app.deploy("1.0.0")
    stack = app.stack("first")
    app.belay.engine.fail_resource("Setting", "update", "no such tier", stack=stack)

    spoke.client("cloudformation").update_stack(StackName=stack, TemplateBody=json.dumps(setting("by hand")))

    (incident,) = until(lambda: app.belay.incidents(app.name))
    until(lambda: app.belay.incidents(app.name)[0].get("announced"))
    app.belay.at_rest(app.name)
    assert incident["details"]["subject"]["kind"] == "foreign"
    assert value(spoke, stack) == "1.0.0"


def test_an_application_that_the_account_does_not_list_is_refused_and_stops_no_other(
    elsewhere: Elsewhere, spoke: EmbeddedSpoke, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger, good = elsewhere("stranger"), elsewhere("beside")

    outcome = stranger.run(stranger.release())

    assert outcome["outcome"] not in ("DEPLOYED", None)
    assert "belay-deploy cannot be assumed for stranger/production" in outcome["reason"]
    names = [each["StackName"] for each in spoke.client("cloudformation").describe_stacks()["Stacks"]]
    assert stranger.stack("first") not in names
    good.deploy("1.0.0")
    swept = good.belay.invoke("SweepFunction", {})
    (fault,) = swept["faults"]
    assert "belay-look cannot be assumed for stranger/production" in fault

    for name, text in good.belay.engine.environment.items():
        monkeypatch.setenv(name, text)
    function = f"arn:aws:lambda:{SPOKE_REGION}:{SPOKE_ACCOUNT}:function:of-somebody-else"
    unlet = elsewhere("unlet", {"verify": {"function": function}})
    assert main(["doctor", "--output", "json"]) == 1
    examined = {each["what"]: each for each in json.loads(capsys.readouterr().out)["examined"]}
    where = f"account {SPOKE_ACCOUNT}, region {SPOKE_REGION}"
    there = [examined[f"{what} {where}"] for what in ("events of", "rule of", "files for")]
    assert [each["state"] for each in there] == ["ok"] * 3, there
    assert examined["beside/production"]["state"] == "ok"
    assert examined["stranger/production"]["state"] == "problem"
    assert "belay-look cannot be assumed for stranger/production" in examined["stranger/production"]["detail"]
    told = examined["unlet/production"]
    assert f"belay-look: its parameter VerifyFunctionArns does not include {function}" in told["detail"]
    assert f"--verify-function {function}" in told["do"]
    for each in (stranger, unlet):
        each.unregister()


REVOKED = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})


def test_a_role_that_is_revoked_in_the_middle_makes_no_claim(elsewhere: Elsewhere, spoke: EmbeddedSpoke) -> None:
    app = elsewhere("revoked")
    app.deploy("1.0.0")
    iam = spoke.client("iam")

    with app.belay.held("ExecuteWave") as wave:
        upload = app.belay.upload(app.release("1.1.0"))
        wave.reached()
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
        iam.put_role_policy(RoleName="belay-deploy", PolicyName="revoked", PolicyDocument=REVOKED)
    outcome = app.belay.ended(upload)
    iam.delete_role_policy(RoleName="belay-deploy", PolicyName="revoked")

    assert outcome["outcome"] != "DEPLOYED"
    assert value(spoke, app.stack("first")) == "1.0.0"
    app.deploy("1.2.0")
    assert value(spoke, app.stack("first")) == "1.2.0"


def test_a_role_that_is_deleted_in_the_middle_makes_no_claim_and_works_again_once_it_is_made_anew(
    elsewhere: Elsewhere, spoke: EmbeddedSpoke
) -> None:
    app, gone = elsewhere("deleted"), ExitStack()
    app.deploy("1.0.0")

    with app.belay.held("ExecuteWave") as wave:
        upload = app.belay.upload(app.release("1.1.0"))
        wave.reached()
        gone.enter_context(spoke.without_role("belay-deploy"))
    outcome = app.belay.ended(upload)
    gone.close()

    # Nothing was executed yet: belay-recover, which exists, finds the stage as it was.
    assert outcome["outcome"] == "ROLLED_BACK", outcome
    assert "a session whose role was deleted" in outcome["reason"] or "cannot be assumed" in outcome["reason"]
    assert value(spoke, app.stack("first")) == "1.0.0"
    app.deploy("1.2.0")
    assert value(spoke, app.stack("first")) == "1.2.0"


def test_a_role_that_is_deleted_before_a_rollback_leaves_it_to_a_person(
    elsewhere: Elsewhere, spoke: EmbeddedSpoke
) -> None:
    app = elsewhere("unrecovered")
    app.deploy("1.0.0")
    app.belay.engine.fail_resource("Setting", "update", "no such tier", stack=app.stack("first"))

    with spoke.without_role("belay-recover"):
        outcome = app.run(app.release("1.1.0"))

    assert outcome["outcome"] == "NEEDS_OPERATOR", outcome
    assert app.belay.last_known_good(app.name) == "1.0.0"
    app.deploy("1.2.0")
    assert value(spoke, app.stack("first")) == "1.2.0"


def test_an_event_that_tells_of_another_account_s_stack_opens_nothing(
    elsewhere: Elsewhere, spoke: EmbeddedSpoke
) -> None:
    app = elsewhere("forged")
    app.deploy("1.0.0")
    stack = spoke.client("cloudformation").describe_stacks(StackName=app.stack("first"))["Stacks"][0]["StackId"]
    detail = {"stack-id": stack, "status-details": {"status": "UPDATE_ROLLBACK_COMPLETE", "status-reason": "forged"}}

    # As AWS would deliver it if the stack were in Belay's own account.
    app.belay.deliver("aws.cloudformation", "CloudFormation Stack Status Change", detail, [stack])

    app.belay.at_rest(app.name)
    until(lambda: "refused: the event names a stack of another account" in logged(app.belay))
    assert app.belay.incidents(app.name) == []


def test_a_parameter_is_read_from_a_table_there_that_the_account_lets_belay_read(
    elsewhere: Elsewhere, spoke: EmbeddedSpoke
) -> None:
    def reads(table: str) -> Application:
        dynamodb = spoke.client("dynamodb")
        dynamodb.create_table(
            TableName=table,
            AttributeDefinitions=[{"AttributeName": "Owner", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "Owner", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        dynamodb.put_item(TableName=table, Item={"Owner": {"S": "orders/production"}, "Version": {"N": "7"}})
        where = {"table": table, "key": {"Owner": "orders/production"}, "attribute": "Version"}
        first = {"name": "table-production-first", "parameters": {"TableVersion": where}}
        return elsewhere("table", production={"stacks": {"first": first}})

    template = {"Parameters": {"TableVersion": {"Type": "Number"}}, **setting({"Ref": "TableVersion"})}
    app = reads("parameters-there")
    app.deploy("1.0.0", stacks={"first": template})
    assert value(spoke, app.stack("first")) == "7"

    outcome = reads("others").run(app.release("1.1.0", stacks={"first": template}))

    assert outcome["outcome"] != "DEPLOYED"
    assert "dynamodb:GetItem" in outcome["reason"]
    assert value(spoke, app.stack("first")) == "7"
