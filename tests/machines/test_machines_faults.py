"""Faults of AWS: transient ones are retried, others lead where the definitions say, and nothing is lost."""

from collections.abc import Callable, Mapping

import pytest
from deployed_belay import Application, stuck, until
from machine_definitions import caught_into
from small_releases import Release, hidden_group, security_group, setting

Applications = Callable[..., Application]

SERVER_ERROR = 503


def every_gateway(app: Application) -> Release:
    """A release that needs every gateway."""
    return app.release("1.1.0", stacks={"first": security_group(), "second": setting("1.1.0")})


def belays_own(app: Application, service: str) -> dict[str, str]:
    """What distinguishes Belay's calls from the test's, which are not retried."""
    return {"Bucket": app.belay.outputs["ArtifactBucketName"]} if service == "s3" else {}


class TestTransient:
    def test_once_at_every_gateway(self, application: Applications) -> None:
        app = application(databases=[{"instance": "not-yet"}])
        app.deploy("1.0.0", stacks={"first": security_group(cidr="10.1.0.0/16")})
        for service, operation, code in (
            ("s3", "GetObject", "SlowDown"),
            ("s3", "HeadObject", "SlowDown"),
            ("s3", "PutObject", "InternalError"),
            ("dynamodb", "GetItem", "ProvisionedThroughputExceededException"),
            ("dynamodb", "PutItem", "ThrottlingException"),
            ("dynamodb", "UpdateItem", "InternalServerError"),
            ("dynamodb", "Query", "ProvisionedThroughputExceededException"),
            ("dynamodb", "TransactWriteItems", "ThrottlingException"),
            ("dynamodb", "DeleteItem", "ThrottlingException"),
            ("ssm", "GetParameter", "ThrottlingException"),
            ("cloudformation", "DescribeStacks", "Throttling"),
            ("cloudformation", "CreateChangeSet", "Throttling"),
            ("cloudformation", "DescribeChangeSet", "Throttling"),
            ("cloudformation", "ExecuteChangeSet", "Throttling"),
            ("cloudformation", "DescribeStackEvents", "Throttling"),
            ("cloudformation", "ListStackResources", "Throttling"),
            ("cloudformation", "GetTemplate", "Throttling"),
            ("ec2", "DescribeSecurityGroups", "RequestLimitExceeded"),
            ("rds", "DescribeDBInstances", "Throttling"),
            ("sns", "Publish", "InternalError"),
            ("stepfunctions", "DescribeExecution", "ThrottlingException"),
        ):
            status = SERVER_ERROR if code.startswith(("Internal", "SlowDown")) else None
            app.belay.engine.inject(service, operation, code, status=status, only_if=belays_own(app, service))

        record = app.run(every_gateway(app))

        assert record["outcome"] == "DEPLOYED", record
        assert app.belay.setting(app.stack("second")) == "1.1.0"
        app.told("deployment-started", "DEPLOYED", "deployment-started", "DEPLOYED")

    def test_an_answer_that_was_lost_by_each_gateway(self, application: Applications) -> None:
        app = application()
        for service, operation in (
            ("cloudformation", "CreateChangeSet"),
            ("cloudformation", "ExecuteChangeSet"),
            ("dynamodb", "TransactWriteItems"),
            ("dynamodb", "UpdateItem"),
            ("s3", "PutObject"),
        ):
            lost = {"status": SERVER_ERROR, "after": True, "only_if": belays_own(app, service)}
            app.belay.engine.inject(service, operation, "InternalFailure", **lost)

        app.deploy()

        assert app.belay.status(app.stack("first")) == "CREATE_COMPLETE"
        app.told("deployment-started", "DEPLOYED")

    @pytest.mark.parametrize("operation", ["DeleteStack", "ContinueUpdateRollback"])
    def test_an_answer_that_was_lost_in_a_recovery(self, application: Applications, operation: str) -> None:
        app = application()
        lost = {"code": "InternalFailure", "status": SERVER_ERROR, "after": True}
        release = fails_to_create(app) if operation == "DeleteStack" else stuck(app, times=1)
        app.belay.engine.inject("cloudformation", operation, **lost)

        record = app.run(release)

        assert record["outcome"] == "ROLLED_BACK", record
        assert len(app.belay.incidents(app.name)[0]["tried"]) == 1

    def test_a_look_at_a_running_stack_for_long(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")
        # Three calls per try of the function: one more try than the five that a failing function gets.
        app.belay.engine.inject("cloudformation", "DescribeStackEvents", "Throttling", times=16)

        record = app.run(app.release("1.1.0"))

        assert record["outcome"] == "DEPLOYED"
        assert app.belay.incidents(app.name) == []
        assert app.belay.setting(app.stack("first")) == "1.1.0"

    def test_at_every_function(self, application: Applications) -> None:
        app = application()
        for name in (
            *("OpenRelease", "CopyRelease", "CheckRelease", "AnnounceRelease", "PlanStage", "LockStage", "ConfirmPlan"),
            *("SnapshotDatabases", "CaptureBaselines", "ExecuteWave", "ValidateStacks", "FinishStage", "CloseRelease"),
        ):
            app.belay.fail(name, "Lambda.TooManyRequestsException")

        app.deploy()

        app.told("deployment-started", "DEPLOYED")

    def test_at_every_function_of_a_recovery(self, application: Applications) -> None:
        app = application()
        app.belay.engine.fail_resource("Setting", "create", stack=app.stack("first"))
        for name in ("OpenIncident", "CheckIncident", "LockStage", "PlanRollback", "RecoverStacks", "CloseIncident"):
            app.belay.fail(name, "Throttled")

        record = app.run(app.release())

        assert record["outcome"] == "ROLLED_BACK"
        assert app.belay.stacks(app.name) == {}
        app.told("deployment-started", "ROLLED_BACK")


def fails_to_create(app: Application) -> Release:
    app.belay.engine.fail_resource("Setting", "create", stack=app.stack("first"))
    return app.release()


def refused_by_cloudformation(app: Application) -> Release:
    return app.release(stacks={"first": setting("1", imports="nobody-exports-this")})


def deployed(app: Application) -> Release:
    return app.release()


def ephemeral(app: Application) -> Release:
    app.register({"test": {"ephemeral": True}})
    return app.release()


def stage_dies(app: Application) -> Release:
    """The stage's own execution ends Broken, so that the release's execution has to handle the incident."""
    app.belay.fail("OpenIncident")
    return fails_to_create(app)


EDGES: Mapping[str, tuple[Callable[[Application], Release], int, str]] = {
    "deploy_release.OpenRelease": (deployed, 1, "NEEDS_OPERATOR"),
    "deploy_release.CopyRelease": (deployed, 1, "NEEDS_OPERATOR"),
    "deploy_release.CheckRelease": (deployed, 1, "NEEDS_OPERATOR"),
    "deploy_release.AnnounceRelease": (deployed, 1, "NEEDS_OPERATOR"),
    "deploy_release.OpenIncident": (stage_dies, 1, "ROLLED_BACK"),
    "deploy_release.ConcludeWave": (deployed, 1, "NEEDS_OPERATOR"),
    "deploy_release.CloseRelease": (deployed, 1, "DEPLOYED"),
    "deploy_stage.PlanStage": (deployed, 1, "ROLLED_BACK"),
    "deploy_stage.RehearseRollback": (deployed, 1, "ROLLED_BACK"),
    "deploy_stage.SupersedeOlder": (deployed, 1, "ROLLED_BACK"),
    "deploy_stage.LockStage": (deployed, 1, "ROLLED_BACK"),
    "deploy_stage.ConfirmPlan": (deployed, 1, "ROLLED_BACK"),
    "deploy_stage.SnapshotDatabases": (deployed, 1, "ROLLED_BACK"),
    "deploy_stage.CaptureBaselines": (deployed, 1, "ROLLED_BACK"),
    "deploy_stage.ExecuteWave": (deployed, 1, "ROLLED_BACK"),
    "deploy_stage.ValidateStacks": (deployed, 1, "ROLLED_BACK"),
    "deploy_stage.VerifyStage": (deployed, 1, "ROLLED_BACK"),
    "deploy_stage.DeleteStacks": (ephemeral, 1, "ROLLED_BACK"),
    "deploy_stage.WithdrawPlan": (refused_by_cloudformation, 1, "ROLLED_BACK"),
    "deploy_stage.FinishStage": (deployed, 1, "ROLLED_BACK"),
    "deploy_stage.OpenIncident": (fails_to_create, 1, "ROLLED_BACK"),
    "deploy_stage.CheckIncident": (fails_to_create, 1, "ROLLED_BACK"),
    "rollback_stage.PlanRollback": (fails_to_create, 1, "NEEDS_OPERATOR"),
    "rollback_stage.RecoverStacks": (fails_to_create, 1, "NEEDS_OPERATOR"),
    "rollback_stage.CloseIncident": (fails_to_create, 1, "ROLLED_BACK"),
}


class TestCaught:
    @pytest.mark.parametrize("edge", EDGES)
    def test_a_function_that_is_broken(self, application: Applications, edge: str) -> None:
        app = application()
        machine, _, state = edge.partition(".")
        make, times, outcome = EDGES[edge]
        release = make(app)
        app.belay.fail(state, times=times)

        record = app.run(release)

        assert (machine, state, caught_into(machine, state, "States.ALL")) in app.belay.steps(app.name)
        assert record["outcome"] == outcome, record
        *_, last = app.belay.executions(app.name, "deploy_release")
        assert last.status in ("SUCCEEDED", "FAILED")
        assert sum("outcome" in message.attributes for message in app.received()) == 1
        if outcome == "ROLLED_BACK":
            assert app.belay.stacks(app.name) == {}
            assert app.belay.last_known_good(app.name) is None
            assert not app.belay.lock(app.name).get("held")

    def test_a_recovery_that_cannot_lock(self, application: Applications) -> None:
        app = application()
        with app.belay.held("ExecuteWave") as call:
            upload = app.belay.upload(fails_to_create(app))
            call.reached()
            app.belay.fail("LockStage")

        record = app.belay.ended(upload)

        assert record["outcome"] == "NEEDS_OPERATOR", record
        assert ("rollback_stage", "LockStage", "CloseIncident") in app.belay.steps(app.name)

    def test_a_release_that_cannot_start_its_stage(self, application: Applications) -> None:
        app = application()
        app.belay.engine.inject("stepfunctions", "startExecution", "StepFunctions.AccessDeniedException")

        record = app.run(app.release())

        assert record["outcome"] == "ROLLED_BACK", record
        assert ("deploy_release", "DeployStage", "OpenIncident") in app.belay.steps(app.name)
        assert app.belay.stacks(app.name) == {}

    def test_a_stage_whose_start_is_throttled(self, application: Applications) -> None:
        app = application()
        app.belay.engine.inject("stepfunctions", "startExecution", "StepFunctions.ThrottlingException", times=2)

        record = app.run(app.release())

        assert record["outcome"] == "DEPLOYED", record
        assert len(app.belay.executions(app.name, "deploy_stage")) == 1

    def test_a_release_that_cannot_follow_its_incident(self, application: Applications) -> None:
        app = application()
        release = stage_dies(app)
        app.belay.fail("ConcludeWave")
        with app.belay.held("CloseIncident"):
            upload = app.belay.upload(release)
            until(lambda: app.belay.uploaded(upload).get("outcome"))

        record = app.belay.ended(upload)

        assert record["outcome"] == "NEEDS_OPERATOR", record
        assert ("deploy_release", "ConcludeWave", "CloseRelease") in app.belay.steps(app.name)

    def test_a_change_set_that_cannot_be_deleted_yet(self, application: Applications) -> None:
        app = application()
        app.belay.engine.inject("cloudformation", "DeleteChangeSet", "InvalidChangeSetStatus", times=2)

        record = app.run(refused_by_cloudformation(app))

        assert record["outcome"] == "REJECTED", record
        assert ("deploy_stage", "WaitForWithdrawal", "WithdrawPlan") in app.belay.steps(app.name)
        assert app.belay.incidents(app.name) == []
        assert app.belay.stacks(app.name) == {}

    def test_nobody_can_be_asked(self, application: Applications) -> None:
        app = application(approval={"required": True})
        with app.belay.held("PlanStage", after=True) as call:
            upload = app.belay.upload(app.release(stacks={"first": hidden_group("10.0.0.0/8")}))
            call.reached()
            app.belay.engine.inject("sns", "Publish", "AuthorizationError")

        record = app.belay.ended(upload)

        assert record["outcome"] == "ROLLED_BACK", record
        assert ("deploy_stage", "RequestApproval", "OpenIncident") in app.belay.steps(app.name)
        assert app.belay.stacks(app.name) == {}
