"""Rollbacks requested by a person, in a signed request: planned, started, announced, and refused if necessary."""

import json
from collections.abc import Callable
from typing import Any

from deployed_belay import Application, until
from small_releases import security_group, setting

from belay.aws.function_url import post_signed
from belay.release.records import ReleaseReference
from local.demo_person import paste
from local.engine import REGION

Applications = Callable[..., Application]


def ask(app: Application, **request: Any) -> tuple[int, Any]:
    """Request a rollback as ann; return the status and the response."""
    document = {"application": app.name, "stage": "production", **request}
    url = app.belay.outputs["RollbackUrl"]
    return post_signed(url, document, app.belay.credentials("ann"), REGION)


def asked(app: Application, **request: Any) -> dict[str, Any]:
    """Request one, and wait until the stage is at rest again; return the incident's record."""
    status, answer = ask(app, **request)
    assert status == 200, answer
    assert answer["execution"].endswith(answer["incident"])
    until(lambda: [each for each in app.belay.incidents(app.name) if "announced" not in each], lambda left: not left)
    app.belay.at_rest(app.name)
    return next(each for each in app.belay.incidents(app.name) if each["incident"] == answer["incident"])


def test_a_stage_goes_back_to_the_release_before_and_then_to_the_one_before_that(application: Applications) -> None:
    app = application()
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        app.deploy(version)

    status, answer = ask(app, plan_only=True)
    assert (status, answer["incident"], answer["execution"]) == (200, None, None)
    assert [step["action"] for step in answer["plan"]["steps"]] == ["UPDATE_TO_BASELINE"]
    assert answer["lines"][0].startswith("1. first: update the stack back to version 1.1.0, with ")
    assert app.belay.incidents(app.name) == []

    record = asked(app, comment="it is slow")

    assert record["outcome"] == "ROLLED_BACK"
    assert record["details"]["subject"]["asked_by"].endswith("user/ann")
    assert app.belay.setting(app.stack("first")) == "1.1.0"
    assert app.belay.last_known_good(app.name) == "1.1.0"
    assert app.belay.lock(app.name)["held"] is False
    assert app.belay.release(app.name, "1.2.0")["outcome"] == "DEPLOYED"
    message = app.received()[-1]
    assert "was rolled back to 1.1.0, as requested" in message.text
    assert "user/ann requested a rollback from 1.2.0 to 1.1.0: it is slow" in message.text
    assert "first: update the stack back to version 1.1.0, with " in message.text

    asked(app)
    assert app.belay.setting(app.stack("first")) == "1.0.0"
    assert ask(app)[1]["error"] == "NothingBefore"

    app.deploy("1.3.0")
    assert app.belay.last_known_good(app.name) == "1.3.0"


def test_a_stage_goes_back_over_several_releases_and_what_they_made_goes(application: Applications) -> None:
    app = application()
    app.deploy("1.0.0")
    app.deploy("1.1.0", stacks={"first": setting("1.1.0"), "second": setting("1.1.0")})
    app.deploy("1.2.0", stacks={"first": setting("1.2.0"), "second": setting("1.2.0")})

    record = asked(app, to="1.0.0")

    assert record["outcome"] == "ROLLED_BACK"
    assert [f"{each['action']} {each['subject']}" for each in record["tried"]] == [
        "DELETE_STACK second",
        "UPDATE_TO_BASELINE first",
    ]
    assert app.belay.stacks(app.name) == {app.stack("first"): "UPDATE_COMPLETE"}
    assert app.belay.setting(app.stack("first")) == "1.0.0"


def test_an_output_that_tells_of_a_replaced_resource_is_what_it_was(application: Applications) -> None:
    def described(version: str) -> dict[str, Any]:
        template = security_group()
        template["Resources"]["Group"]["Properties"]["GroupDescription"] = f"a group of {version}"
        template["Outputs"] = {"Group": {"Value": {"Fn::Sub": "the group ${Group.GroupId}"}}}
        return template

    app = application()
    ids = []
    for version in ("1.0.0", "1.1.0"):
        app.deploy(version, stacks={"first": described(version)})
        (output,) = app.belay.there("cloudformation").describe_stacks(StackName=app.stack("first"))["Stacks"][0][
            "Outputs"
        ]
        ids.append(output["OutputValue"])
    assert ids[0] != ids[1]

    record = asked(app)

    assert record["outcome"] == "ROLLED_BACK"
    assert f"the output Group was “{ids[0]}”" in app.received()[-1].text


def test_a_stack_that_was_renamed_between_releases_is_undone_as_itself(application: Applications) -> None:
    app = application()
    app.deploy("1.0.0")
    app.deploy("1.1.0")
    renamed = app.stack("renamed")
    app.register({"production": {"stacks": {"first": {"name": renamed}}}})
    app.deploy("1.2.0")
    assert app.belay.setting(renamed) == "1.2.0"

    record = asked(app, to="1.0.0")

    assert record["outcome"] == "ROLLED_BACK"
    assert app.belay.stacks(app.name) == {app.stack("first"): "UPDATE_COMPLETE"}
    assert app.belay.setting(app.stack("first")) == "1.0.0"


def test_what_a_person_was_needed_for_is_tried_again_when_a_person_asks(application: Applications) -> None:
    app = application()
    app.deploy("1.0.0", stacks={"first": setting("1.0.0"), "second": setting("1.0.0")})
    app.belay.engine.fail_resource("Setting", "update", stack=app.stack("second"))
    app.belay.engine.inject(
        "cloudformation", "CreateChangeSet", "AccessDenied", times=9, only_if={"DeploymentMode": ""}
    )
    order = {"second": ["first"]}
    app.belay.fail("PlanRollback", times=1)
    release = app.release("1.1.0", stacks={"first": setting("1.1.0"), "second": setting("1.1.0")}, depends_on=order)
    assert app.run(release)["outcome"] == "NEEDS_OPERATOR"
    assert app.belay.setting(app.stack("first")) == "1.1.0"

    record = asked(app)

    assert record["outcome"] == "ROLLED_BACK"
    assert app.belay.setting(app.stack("first")) == "1.0.0"
    assert app.belay.last_known_good(app.name) == "1.0.0"


def test_why_going_back_failed_is_told_and_each_command_does_what_it_says(application: Applications) -> None:
    app = application()
    app.deploy("1.0.0")
    app.deploy("1.1.0", stacks={"first": setting("1.1.0", exports=True)})
    importer = f"{app.name}-importer"
    imports = json.dumps(setting("1", imports=f"{app.stack('first')}-setting"))
    app.belay.there("cloudformation").create_stack(StackName=importer, TemplateBody=imports)
    until(lambda: app.belay.status(importer), lambda status: status == "CREATE_COMPLETE")

    record = asked(app)

    assert record["outcome"] == "NEEDS_OPERATOR"
    why = f"Export {app.stack('first')}-setting cannot be deleted as it is in use by {importer}"
    (todo,) = app.received()[-1].data["left_to_do"]
    assert "updating it back was tried 2 times, and it is still UPDATE_ROLLBACK_COMPLETE." in todo["why"]
    assert f": {why}." in todo["why"].partition("What failed last: stack ")[2]
    assert why in paste(todo["look"], app.belay.environment_there)
    assert all(choice["loses"] for choice in todo["choices"])

    app.belay.there("cloudformation").delete_stack(StackName=importer)
    until(lambda: app.belay.status(importer), lambda status: status is None)
    assert todo["choices"][0]["command"] == f"belay rollback {app.name} production"
    assert asked(app)["outcome"] == "ROLLED_BACK"
    assert app.belay.setting(app.stack("first")) == "1.0.0"


def test_what_was_deployed_since_it_was_asked_for_is_not_undone(application: Applications) -> None:
    app = application()
    app.deploy("1.0.0")
    app.deploy("1.1.0")
    with app.belay.held("LockStage", after=True) as call:
        status, answer = ask(app)
        assert status == 200, answer
        call.reached()
        other = ReleaseReference(app.name, "1.2.0", "d", "another")
        app.belay.ledger.stages.went_back(app.name, "production", other, "i", "somebody", "2099-01-01T00:00:00+00:00")

    (incident,) = until(lambda: app.belay.incidents(app.name), lambda found: "announced" in found[0])
    assert incident["outcome"] == "NEEDS_OPERATOR"
    assert app.belay.setting(app.stack("first")) == "1.1.0"
    assert "1.2.0 was deployed after the rollback was requested" in app.received()[-1].text
    app.belay.at_rest(app.name)


def test_while_somebody_is_at_work_nothing_is_started(application: Applications) -> None:
    app = application()
    app.deploy("1.0.0")
    with app.belay.held("ExecuteWave") as call:
        upload = app.belay.upload(app.release("1.1.0"))
        call.reached()
        status, answer = ask(app)

    assert (status, answer["error"]) == (409, "Busy")
    assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
