"""``rollback_stage``: one incident, from the failure to a stage that is as it was, or to a person."""

import json
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from deployed_belay import Application, stuck, until
from small_releases import holding, nesting, pinned, setting, settings

from belay.aws.dynamodb import Table
from belay.ledger.ledger import Ledger

Applications = Callable[..., Application]


def actions(app: Application) -> list[str]:
    """The actions of an application's one incident, in order."""
    (incident,) = app.belay.incidents(app.name)
    return [f"{each['action']} {each['subject']}" for each in incident["tried"]]


def as_before(app: Application, version: str | None = "1.0.0") -> None:
    """The stage is as ``version`` left it, free, and nothing is left open."""
    assert app.belay.last_known_good(app.name) == version
    assert app.belay.lock(app.name)["held"] is False
    assert [each["outcome"] for each in app.belay.incidents(app.name)] == ["ROLLED_BACK"]
    assert app.belay.open_ones(app.name) == []


class TestRolledBack:
    def test_cloudformation_did_it(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")
        app.belay.engine.fail_resource("Setting", "update", "no more parameters", stack=app.stack("first"))

        record = app.run(app.release("1.1.0"))

        assert record["outcome"] == "ROLLED_BACK"
        assert "no more parameters" in record["reason"]
        assert app.belay.status(app.stack("first")) == "UPDATE_ROLLBACK_COMPLETE"
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        assert actions(app) == []
        as_before(app)
        assert app.belay.states(app.name, "rollback_stage")[-1] == "RolledBack"
        *_, message = app.told("deployment-started", "DEPLOYED", "deployment-started", "ROLLED_BACK")
        assert "no more parameters" in message.text

    def test_a_creation_that_failed_is_deleted_and_made_anew(self, application: Applications) -> None:
        app = application()
        app.belay.engine.fail_resource("Setting", "create", "no more parameters", stack=app.stack("first"))
        early = "Stack [first] cannot be deleted while in status ROLLBACK_IN_PROGRESS"
        app.belay.engine.inject("cloudformation", "DeleteStack", "ValidationError", early, times=3)

        record = app.run(app.release("1.0.0"))

        assert record["outcome"] == "ROLLED_BACK"
        assert app.belay.stacks(app.name) == {}
        assert actions(app) == ["DELETE_STACK first"] * 4, "what came too early is requested again"
        as_before(app, None)
        app.deploy("1.0.1")

    def test_a_rollback_that_got_stuck_is_continued(self, application: Applications) -> None:
        app = application()
        release = stuck(app, times=1)

        record = app.run(release)

        assert record["outcome"] == "ROLLED_BACK"
        assert app.belay.status(app.stack("first")) == "UPDATE_ROLLBACK_COMPLETE"
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        assert actions(app) == ["CONTINUE_UPDATE_ROLLBACK first"]
        as_before(app)

    def test_the_first_stack_goes_back_when_the_second_fails(self, application: Applications) -> None:
        app = application()
        order = {"second": ["first"]}
        app.deploy("1.0.0", stacks={"first": setting("1.0.0"), "second": setting("1.0.0")}, depends_on=order)
        app.belay.engine.fail_resource("Setting", "update", stack=app.stack("second"))

        record = app.run(
            app.release("1.1.0", stacks={"first": setting("1.1.0"), "second": setting("1.1.0")}, depends_on=order)
        )

        assert record["outcome"] == "ROLLED_BACK"
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        assert app.belay.setting(app.stack("second")) == "1.0.0"
        assert app.belay.status(app.stack("first")) == "UPDATE_COMPLETE"
        assert actions(app) == ["UPDATE_TO_BASELINE first"]
        as_before(app)
        app.told("deployment-started", "DEPLOYED", "deployment-started", "ROLLED_BACK")
        app.deploy("1.2.0")

    @pytest.mark.parametrize(
        ("pins", "outcome", "door"),
        [
            (("wombat", "wombat"), "ROLLED_BACK", "wombat"),
            (("wombat", "quokka"), "NEEDS_OPERATOR", "quokka"),
            (("{{resolve:secretsmanager:door}}", "quokka"), "ROLLED_BACK", "from afar"),
        ],
        ids=["same", "changed", "reference"],
    )
    def test_a_hidden_value_that_stays_changed_is_told(
        self, application: Applications, pins: tuple[str, str], outcome: str, door: str
    ) -> None:
        app, order = application(), {"second": ["first"]}
        with suppress(app.belay.there("secretsmanager").exceptions.ResourceExistsException):
            app.belay.there("secretsmanager").create_secret(Name="door", SecretString="from afar")
        releases = [
            app.release(
                version,
                stacks={"first": pinned("same"), "second": setting(version)},
                parameters={"first": {"Pin": pin}},
                depends_on=order,
            )
            for version, pin in zip(("1.0.0", "1.1.0"), pins, strict=True)
        ]
        assert app.run(releases[0])["outcome"] == "DEPLOYED"
        app.belay.engine.fail_resource("Setting", "update", stack=app.stack("second"))

        record = app.run(releases[1])

        assert record["outcome"] == outcome, record
        assert app.belay.setting(app.stack("first"), "Door") == door
        told = app.received()[-1].text
        assert ("decide about the parameter Pin (NoEcho)" in told) is (outcome == "NEEDS_OPERATOR")
        assert not [text for text in [*app.belay.written(app.name), told] if "wombat" in text or "quokka" in text]

    def test_a_stack_that_is_new_goes_when_the_other_fails(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")
        app.belay.engine.fail_resource("Setting", "update", stack=app.stack("first"))
        stacks = {"second": setting("1.1.0"), "first": setting("1.1.0")}

        record = app.run(app.release("1.1.0", stacks=stacks, depends_on={"first": ["second"]}))

        assert record["outcome"] == "ROLLED_BACK"
        assert app.belay.stacks(app.name) == {app.stack("first"): "UPDATE_ROLLBACK_COMPLETE"}
        as_before(app)

    def test_a_stack_that_belay_never_deployed(self, application: Applications) -> None:
        app = application()
        body = json.dumps(setting("by hand"))
        app.belay.there("cloudformation").create_stack(StackName=app.stack("first"), TemplateBody=body)
        until(lambda: app.belay.status(app.stack("first")) == "CREATE_COMPLETE")
        app.belay.engine.fail_resource("Setting", "create", stack=app.stack("second"))
        stacks = {"first": setting("1.0.0"), "second": setting("1.0.0")}

        record = app.run(app.release("1.0.0", stacks=stacks, depends_on={"second": ["first"]}))

        assert record["outcome"] == "ROLLED_BACK"
        assert app.belay.setting(app.stack("first")) == "by hand"
        assert app.belay.stacks(app.name) == {app.stack("first"): "UPDATE_COMPLETE"}

    def test_a_rollback_that_stays_stuck_goes_on_without_what_it_is_stuck_on(self, application: Applications) -> None:
        app = application()
        release = stuck(app, times=9)

        record = app.run(release)

        assert record["outcome"] == "ROLLED_BACK"
        assert app.belay.status(app.stack("first")) == "UPDATE_COMPLETE"
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        assert actions(app) == [
            "CONTINUE_UPDATE_ROLLBACK first",
            "SKIP_RESOURCES first",
            "DETECT_DRIFT first",
            "REVERT_DRIFT first",
            "DETECT_DRIFT first",
        ]
        as_before(app)
        *_, message = app.told("deployment-started", "DEPLOYED", "deployment-started", "ROLLED_BACK")
        assert "skipping Setting (AWS::SSM::Parameter" in message.text
        app.deploy("1.2.0", stacks={"first": settings(Setting="1.2.0", Later="1.2.0")})

    def test_a_person_continues_without_a_resource_meanwhile(self, application: Applications) -> None:
        app = application()
        release, name = stuck(app, times=1), app.stack("first")
        with app.belay.held("PlanRollback") as call:
            uploaded = app.belay.upload(release)
            call.reached()
            skip = {"StackName": name, "ResourcesToSkip": ["Setting"]}
            app.belay.there("cloudformation").continue_update_rollback(**skip)
            until(lambda: app.belay.status(name) == "UPDATE_ROLLBACK_COMPLETE")
            assert app.belay.setting(name) == "1.1.0"
        record = app.belay.ended(uploaded)

        assert record["outcome"] == "ROLLED_BACK"
        assert app.belay.setting(name) == "1.0.0"
        tried = [each["action"] for incident in app.belay.incidents(app.name) for each in incident["tried"]]
        assert tried == ["DETECT_DRIFT", "REVERT_DRIFT", "DETECT_DRIFT"]

    def test_a_nested_stack_s_rollback_goes_on_without_what_it_is_stuck_on(self, application: Applications) -> None:
        app = application()
        files = {f"child-{n}.json": json.dumps(settings(Setting=n, Later=n)).encode() for n in ("1", "2")}
        stacks = {n: {"first": nesting(f"child-{n}.json")} for n in ("1", "2")}
        app.deploy("1.0.0", stacks=stacks["1"], more=files)
        child = next(name for name in app.belay.stacks(app.stack("first")) if "Child" in name)
        app.belay.engine.fail_resource("Later", "update", stack=child, stack_status="UPDATE_IN_PROGRESS")
        app.belay.engine.fail_resource(
            "Setting", "update", stack=child, stack_status="UPDATE_ROLLBACK_IN_PROGRESS", times=9
        )

        record = app.run(app.release("1.1.0", stacks=stacks["2"], more=files))

        assert app.belay.status(app.stack("first")) == "UPDATE_ROLLBACK_COMPLETE"
        taken = app.belay.incidents(app.name)[0]["tried"]
        assert [each["action"] for each in taken][:2] == ["CONTINUE_UPDATE_ROLLBACK", "SKIP_RESOURCES"]
        assert "Child/Setting" in taken[1]["why"]
        # The engine's drift-aware change sets do not look into nested stacks.
        assert record["outcome"] == "NEEDS_OPERATOR"
        assert "CloudFormation finds no drift to revert" in app.received()[-1].text


class TestByHand:
    """A person changes a stack while the release's operation on it is in progress."""

    def test_an_update_is_cancelled(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")
        upload = app.belay.upload(app.release("1.1.0", stacks={"first": holding("1.1.0")}))
        signal = app.held_stack("first")
        app.belay.there("cloudformation").cancel_update_stack(
            StackName=app.stack("first"), ClientRequestToken="Console-CancelUpdateStack-1"
        )
        signal()

        record = app.belay.ended(upload)
        app.belay.invoke("SweepFunction", {})
        app.belay.at_rest(app.name)

        assert record["outcome"] == "ROLLED_BACK"
        assert "cancelled" in record["reason"]
        assert app.belay.status(app.stack("first")) == "UPDATE_ROLLBACK_COMPLETE"
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        assert actions(app) == []
        as_before(app)
        *_, message = app.told("deployment-started", "DEPLOYED", "deployment-started", "ROLLED_BACK")
        assert "cancelled" in message.text
        assert "Find the cause" not in message.text

    def test_a_stack_is_deleted_while_it_is_created(self, application: Applications) -> None:
        app = application()
        upload = app.belay.upload(app.release("1.0.0", stacks={"first": holding("1.0.0")}))
        app.held_stack("first")
        app.belay.there("cloudformation").delete_stack(
            StackName=app.stack("first"), ClientRequestToken="Console-DeleteStack-1"
        )

        record = app.belay.ended(upload)
        app.belay.invoke("SweepFunction", {})
        app.belay.at_rest(app.name)

        assert record["outcome"] == "ROLLED_BACK"
        assert "deleted" in record["reason"]
        assert app.belay.stacks(app.name) == {}
        as_before(app, None)

    def test_a_finished_stack_is_deleted_while_the_next_one_is_created(self, application: Applications) -> None:
        app = application()
        stacks = {"first": setting("1.0.0"), "second": holding("1.0.0")}
        upload = app.belay.upload(app.release("1.0.0", stacks=stacks, depends_on={"second": ["first"]}))
        signal = app.held_stack("second")
        app.belay.there("cloudformation").delete_stack(StackName=app.stack("first"))
        until(lambda: app.belay.status(app.stack("first")) is None)
        signal()

        record = app.belay.ended(upload)

        assert record["outcome"] == "ROLLED_BACK"
        assert "it was deleted while" in record["reason"]
        assert app.belay.stacks(app.name) == {}
        as_before(app, None)


class TestNeedsOperator:
    def test_what_was_skipped_and_cannot_be_compared(self, application: Applications) -> None:
        app = application()
        release = stuck(app, times=9)
        unsupported = "Drift detection is not supported for resource type"
        app.belay.engine.inject("cloudformation", "DetectStackResourceDrift", "ValidationError", unsupported)

        record = app.run(release)

        assert record["outcome"] == "NEEDS_OPERATOR"
        assert app.belay.lock(app.name)["held"] is False
        assert app.belay.states(app.name, "rollback_stage")[-1] == "NeedsOperator"
        *_, message = app.told("deployment-started", "DEPLOYED", "deployment-started", "NEEDS_OPERATOR")
        assert "detect-stack-resource-drift" in message.text

    def test_a_revert_that_is_rolled_back_is_not_taken_for_done(self, application: Applications) -> None:
        app = application()
        release, name = stuck(app, times=2), app.stack("first")
        with app.belay.engine.hold("cloudformation", "DetectStackResourceDrift") as call:
            uploaded = app.belay.upload(release)
            call.reached()
            app.belay.engine.fail_resource("Setting", "update", "denied", stack=name, stack_status="UPDATE_IN_PROGRESS")
        record = app.belay.ended(uploaded)

        assert app.belay.setting(name) == "1.1.0"
        assert record["outcome"] == "NEEDS_OPERATOR"
        assert actions(app)[-1] == "REVERT_DRIFT first"
        assert "was itself rolled back (Setting: denied)" in app.received()[-1].text

    def test_what_the_failed_release_made_and_could_not_be_deleted(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0", stacks={"first": settings(Setting="1.0.0")})
        app.belay.engine.fail_resource("Later", "create", stack=app.stack("first"))
        app.belay.engine.fail_resource("New", "delete", "it is in use", stack=app.stack("first"), times=3)

        record = app.run(app.release("1.1.0", stacks={"first": settings(Setting="1.0.0", New="1", Later="1")}))

        assert app.belay.status(app.stack("first")) == "UPDATE_ROLLBACK_COMPLETE"
        assert record["outcome"] == "NEEDS_OPERATOR"
        message = app.received()[-1].text
        assert message.startswith("Do this now: first: save what you need of New (AWS::SSM::Parameter, ")
        assert "it still exists outside of the stack (it is in use)" in message

    def test_a_permission_that_is_missing_is_told_and_nothing_is_skipped(self, application: Applications) -> None:
        app = application()
        lacking = "User: arn:aws:sts::1:assumed-role/deployer/x is not authorized to perform: ssm:PutParameter"
        release, name = stuck(app, times=2, reason=lacking), app.stack("first")

        record = app.run(release)

        assert actions(app) == ["CONTINUE_UPDATE_ROLLBACK first"]
        assert record["outcome"] == "NEEDS_OPERATOR"
        assert lacking in app.received()[-1].text
        app.belay.there("cloudformation").continue_update_rollback(StackName=name)
        until(lambda: app.belay.status(name) == "UPDATE_ROLLBACK_COMPLETE")
        assert app.belay.setting(name) == "1.0.0"

    def test_what_holds_data_is_not_deleted_when_a_person_says_no(self, application: Applications) -> None:
        app = application()

        record = self.with_data(app, "denied")

        assert record["outcome"] == "NEEDS_OPERATOR"
        assert app.belay.stacks(app.name) == {app.stack("first"): "CREATE_COMPLETE"}
        *_, message = app.told("deployment-started", "person-needed", "NEEDS_OPERATOR")
        assert "Store" in message.text
        assert "Its approval was denied." in message.text

    def test_what_holds_data_is_deleted_when_a_person_says_so(self, application: Applications) -> None:
        app = application()

        record = self.with_data(app, "approved")

        assert record["outcome"] == "ROLLED_BACK"
        assert app.belay.stacks(app.name) == {}
        assert actions(app) == ["ASK first", "DELETE_STACK second", "DELETE_STACK first"]
        _, question, _ = app.told("deployment-started", "person-needed", "ROLLED_BACK")
        assert "it has data (Store)" in question.text
        as_before(app, None)

    @pytest.mark.parametrize(("answer", "outcome"), [("approved", "ROLLED_BACK"), ("denied", "NEEDS_OPERATOR")])
    def test_data_that_a_release_added_is_asked_about(
        self, application: Applications, answer: str, outcome: str
    ) -> None:
        app = application()
        app.deploy("1.0.0")

        record = self.with_data(app, answer, version="1.1.0", question="update-first")

        assert record["outcome"] == outcome
        *_, message = app.received()
        left = f"first ({app.stack('first')}) was not brought back from 1.1.0"
        assert (f"production runs 1.0.0, but {left}." in message.text) is (answer == "denied")
        assert (left in str(app.belay.ledger.stages.in_words(app.name, "production"))) is (answer == "denied")
        assert app.belay.setting(app.stack("first")) == ("1.0.0" if answer == "approved" else "1")

    @staticmethod
    def with_data(
        app: Application, answer: str, *, version: str = "1.0.0", question: str = "delete-first"
    ) -> dict[str, Any]:
        """Deploy a first stack that holds data, make the second one fail, and answer whether the first may be
        deleted.
        """
        bucket = {"Type": "AWS::S3::Bucket", "Properties": {}}
        first = {"Resources": {**setting("1")["Resources"], "Store": bucket}}
        app.belay.engine.fail_resource("Setting", "create", stack=app.stack("second"))
        stacks = {"first": first, "second": setting("1")}
        upload = app.belay.upload(app.release(version, stacks=stacks, depends_on={"second": ["first"]}))
        (incident,) = until(lambda: app.belay.incidents(app.name))
        until(lambda: app.belay.item(f"APPLICATION#{app.name}", f"DECISION#{incident['incident']}#{question}"))
        ledger = Ledger(Table(app.belay.aws("dynamodb"), app.belay.outputs["LedgerTableName"]))
        ledger.decisions.decide(
            app.name,
            incident["incident"],
            question,
            approved=answer == "approved",
            by="arn:aws:iam::1:user/ann",
            at="2026-11-21",
        )
        return app.belay.ended(upload)

    def test_aws_refuses_a_step(self, application: Applications) -> None:
        app = application()
        app.belay.engine.fail_resource("Setting", "create", stack=app.stack("first"))
        app.belay.engine.inject("cloudformation", "DeleteStack", "AccessDenied", times=9)

        record = app.run(app.release())

        assert record["outcome"] == "NEEDS_OPERATOR"
        assert app.belay.lock(app.name)["held"] is False
        *_, message = app.told("deployment-started", "NEEDS_OPERATOR")
        assert "AccessDenied" in message.text


class TestUnrecorded:
    def test_an_end_that_cannot_be_recorded_is_recorded_later(self, application: Applications) -> None:
        app = application()
        self.failing(app, times=1)

        record = app.run(app.release())

        assert record["outcome"] == "ROLLED_BACK"
        assert [each.states[-1] for each in app.belay.executions(app.name, "rollback_stage")] == [
            "Unrecorded",
            "RolledBack",
        ]
        as_before(app, None)
        app.told("deployment-started", "ROLLED_BACK")

    def test_nobody_tries_for_ever(self, application: Applications) -> None:
        app = application()
        self.failing(app, times=9)

        record = app.run(app.release())

        assert record["outcome"] == "NEEDS_OPERATOR"
        assert len(app.belay.executions(app.name, "rollback_stage")) == 4
        app.told("deployment-started", "NEEDS_OPERATOR")

    @staticmethod
    def failing(app: Application, *, times: int) -> None:
        app.belay.engine.fail_resource("Setting", "create", stack=app.stack("first"))
        app.belay.fail("CloseIncident", times=times)


class TestKilled:
    def test_after_each_function_in_turn(self, application: Applications) -> None:
        app = application()
        app.belay.engine.fail_resource("Setting", "create", stack=app.stack("first"))
        with ExitStack() as holds:
            held = [app.belay.held(each, after=True) for each in ("PlanRollback", "RecoverStacks", "CloseIncident")]
            for call in held:
                holds.enter_context(call)
            upload = app.belay.upload(app.release())
            for call in held:
                call.reached()
                app.belay.stop(app.belay.executions(app.name, "rollback_stage")[-1])
                call.end()

        assert app.belay.ended(upload)["outcome"] == "ROLLED_BACK"
        assert app.belay.stacks(app.name) == {}
        as_before(app, None)
        app.told("deployment-started", "ROLLED_BACK")

    def test_by_a_person_it_is_left_to_people(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")
        app.belay.engine.fail_resource("Setting", "create", stack=app.stack("second"))
        order = {"second": ["first"]}
        stacks = {"first": setting("1.1.0"), "second": setting("1.1.0")}
        with app.belay.held("PlanRollback", after=True) as call:
            upload = app.belay.upload(app.release("1.1.0", stacks=stacks, depends_on=order))
            call.reached()
            (recovery,) = app.belay.executions(app.name, "rollback_stage")
            app.belay.aws("stepfunctions").stop_execution(
                executionArn=recovery.arn, error="Aborted", cause="stopped by ann: let me look first"
            )

        record = app.belay.ended(upload)
        assert record["outcome"] == "NEEDS_OPERATOR"
        assert "stopped by ann: let me look first" in record["reason"]
        assert len(app.belay.executions(app.name, "rollback_stage")) == 1
        assert app.belay.lock(app.name)["held"] is False
        app.belay.invoke("SweepFunction", {})
        assert len(app.belay.executions(app.name, "rollback_stage")) == 1


class TestDuplicates:
    def test_a_recovery_of_what_has_ended_does_nothing(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")
        app.belay.engine.fail_resource("Setting", "update", stack=app.stack("first"))
        app.run(app.release("1.1.0"))
        app.deploy("1.2.0")
        (recovery,) = app.belay.executions(app.name, "rollback_stage")
        stepfunctions = app.belay.aws("stepfunctions")
        known = stepfunctions.describe_execution(executionArn=recovery.arn)

        stepfunctions.start_execution(
            stateMachineArn=known["stateMachineArn"], name=f"{known['name']}-late", input=known["input"]
        )

        until(lambda: "AlreadyEnded" in app.belay.states(app.name, "rollback_stage"))
        assert app.belay.last_known_good(app.name) == "1.2.0"
        assert app.belay.lock(app.name)["held"] is False

    def test_two_stacks_that_fail_together_are_one_incident_with_one_plan(self, application: Applications) -> None:
        app = application()
        for name in ("first", "second"):
            app.belay.engine.fail_resource("Setting", "create", f"{name} is full", stack=app.stack(name))
        cloudformation = app.belay.there("cloudformation")
        with app.belay.held("PlanRollback") as plan:
            # The first stack's event would take the stage over before the second one was begun.
            with app.belay.unheard("ReactToFailedStackFunction"):
                upload = app.belay.upload(app.release(stacks={name: setting("1") for name in ("first", "second")}))
                plan.reached()
            until(lambda: [*app.belay.stacks(app.name).values()] == ["ROLLBACK_COMPLETE"] * 2)
            for name in ("first", "second"):
                (stack,) = cloudformation.describe_stacks(StackName=app.stack(name))["Stacks"]
                events = cloudformation.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
                self.tell_stack(app, stack["StackId"], stack["StackStatus"], events[0]["ClientRequestToken"])
            app.belay.invoke("SweepFunction", {})

        assert app.belay.ended(upload)["outcome"] == "ROLLED_BACK"
        app.belay.invoke("SweepFunction", {})
        app.belay.at_rest(app.name)
        assert len(app.belay.executions(app.name, "rollback_stage")) == 1
        assert actions(app) == ["DELETE_STACK second", "DELETE_STACK first"]
        _, message = app.told("deployment-started", "ROLLED_BACK")
        assert len([name for name in ("first", "second") if f"{name} is full" in message.text]) == 1
        as_before(app, None)

    def test_every_event_again(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")
        app.belay.engine.fail_resource("Setting", "update", stack=app.stack("first"))
        app.run(app.release("1.1.0"))
        stack = app.belay.there("cloudformation").describe_stacks(StackName=app.stack("first"))["Stacks"][0]
        before = len(app.belay.executions(app.name))

        for event in app.belay.there("cloudformation").describe_stack_events(StackName=stack["StackId"])["StackEvents"]:
            if event["ResourceStatus"] == "UPDATE_ROLLBACK_COMPLETE" and "ClientRequestToken" in event:
                self.tell_stack(app, stack["StackId"], event["ResourceStatus"], event["ClientRequestToken"])
        for execution in app.belay.executions(app.name):
            for status in ("FAILED", "ABORTED", "TIMED_OUT"):
                self.tell_execution(app, execution.arn, execution.machine, status)
        app.belay.invoke("SweepFunction", {})

        app.deploy("1.2.0")
        assert len(app.belay.incidents(app.name)) == 1
        assert len(app.belay.executions(app.name)) == before + 2
        app.told(
            "deployment-started", "DEPLOYED", "deployment-started", "ROLLED_BACK", "deployment-started", "DEPLOYED"
        )

    @staticmethod
    def tell_stack(app: Application, stack_id: str, status: str, token: str) -> None:
        detail = {"stack-id": stack_id, "status-details": {"status": status}, "client-request-token": token}
        app.belay.deliver("aws.cloudformation", "CloudFormation Stack Status Change", detail, [stack_id])

    @staticmethod
    def tell_execution(app: Application, arn: str, machine: str, status: str) -> None:
        described = app.belay.aws("stepfunctions").describe_execution(executionArn=arn)
        detail = {
            "executionArn": arn,
            "stateMachineArn": app.belay.machine(machine),
            "name": described["name"],
            "status": status,
            "input": described["input"],
        }
        app.belay.deliver("aws.states", "Step Functions Execution Status Change", detail, [arn])


class TestForeign:
    def test_told_and_left_alone(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")
        self.update(app, "by hand", DisableRollback=True)
        app.told("deployment-started", "DEPLOYED", "foreign-stack-failed")
        app.belay.at_rest(app.name)

        assert app.belay.status(app.stack("first")) == "UPDATE_FAILED"
        assert [each["outcome"] for each in app.belay.incidents(app.name)] == ["NEEDS_OPERATOR"]
        assert app.belay.release(app.name)["outcome"] == "DEPLOYED"
        assert app.belay.lock(app.name)["held"] is False

        app.belay.invoke("SweepFunction", {})
        assert len(app.received()) == 3, "the stack is not healthy yet"
        app.belay.there("cloudformation").rollback_stack(StackName=app.stack("first"))
        until(lambda: app.belay.status(app.stack("first")) == "UPDATE_ROLLBACK_COMPLETE")
        app.belay.invoke("SweepFunction", {})
        app.belay.invoke("SweepFunction", {})
        *_, failed, healthy = app.told("deployment-started", "DEPLOYED", "foreign-stack-failed", "healthy-again")
        assert (failed.attributes["state"], healthy.attributes["state"]) == ("open", "closed")
        assert failed.attributes["thread"] == healthy.attributes["thread"]
        assert healthy.text.endswith(", closes 1\n")

        app.belay.at_rest(app.name)
        app.belay.invoke("SweepFunction", {})
        assert len(app.belay.incidents(app.name)) == 1, "the person's rollback is the end of this incident, no other"

    def test_recovered_where_the_registration_allows_it(self, application: Applications) -> None:
        app = application(recover_foreign=True)
        app.deploy("1.0.0")
        self.update(app, "by hand", DisableRollback=True)
        *_, begun, ended = app.told("deployment-started", "DEPLOYED", "recovery-started", "foreign-stack-failed")
        app.belay.at_rest(app.name)

        assert "first: " in begun.text
        assert ended.text.endswith(f"Message 2 of the thread {begun.attributes['thread']}, closes 1\n")
        assert app.belay.status(app.stack("first")) == "UPDATE_ROLLBACK_COMPLETE"
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        assert [each["outcome"] for each in app.belay.incidents(app.name)] == ["ROLLED_BACK"]
        assert actions(app) == ["ROLLBACK_STACK first"]

    def test_a_stuck_rollback_is_continued(self, application: Applications) -> None:
        app = application()
        stuck(app, times=1)
        self.update(app, None, template=settings(Setting="by hand", Later="by hand"))
        app.told("deployment-started", "DEPLOYED", "foreign-stack-failed")
        app.belay.at_rest(app.name)

        assert app.belay.status(app.stack("first")) == "UPDATE_ROLLBACK_COMPLETE"
        assert actions(app) == ["CONTINUE_UPDATE_ROLLBACK first"]

    def test_a_release_meets_a_stack_that_somebody_left_failed(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")
        self.update(app, "by hand", DisableRollback=True)
        app.told("deployment-started", "DEPLOYED", "foreign-stack-failed")
        app.belay.at_rest(app.name)

        record = app.run(app.release("1.1.0"))

        assert record["outcome"] == "NEEDS_OPERATOR"
        assert "UPDATE_FAILED" in record["reason"]
        assert app.belay.status(app.stack("first")) == "UPDATE_FAILED"

    @staticmethod
    def update(app: Application, value: str | None, *, template: Any = None, **options: Any) -> None:
        """Update the first stack directly; ``Setting`` fails if a value is given."""
        if value is not None:
            app.belay.engine.fail_resource("Setting", "update", stack=app.stack("first"))
        body = json.dumps(template or setting(str(value)))
        app.belay.there("cloudformation").update_stack(StackName=app.stack("first"), TemplateBody=body, **options)
