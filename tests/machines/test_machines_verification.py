"""Verifying what is deployed, and what was rolled back: verify functions, alarms, and services restarted in between."""

import io
import sys
import zipfile
from collections.abc import Callable
from typing import Any

from deployed_belay import Application
from played_databases import policy
from small_releases import setting

Applications = Callable[..., Application]

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"

PASSES = 'return {"verdict": "PASS"}'
REFUSES = 'return {"verdict": "FAIL", "reason": "checkout answers 500"}'
FAILS = 'raise KeyError("url")'
REDDENS = """alarm = {"AlarmName": event["application"], "StateValue": "ALARM", "StateReason": "slow"}
    boto3.client("cloudwatch").set_alarm_state(**alarm)
    return {"verdict": "PASS"}"""


def verify_role(app: Application) -> str:
    """Create the role of a verify function, which may set an alarm to ALARM; its ARN."""
    name, iam = f"verify-{app.name}", app.belay.there("iam")
    trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trusted))["Role"]["Arn"]
    reddens = {"Effect": "Allow", "Action": "cloudwatch:SetAlarmState", "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="reddens", PolicyDocument=policy(reddens))
    return str(role)


def verify_function(app: Application, bad: str) -> str:
    """Create a verify function that does ``bad`` about a deployment of 1.1.0 and passes everything else; its ARN."""
    source = f"""
import boto3

def handler(event, context):
    if (event["occasion"], event["version"]) != ("DEPLOYED", "1.1.0"):
        {PASSES}
    {bad}
"""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archived:
        archived.writestr("index.py", source)
    made = app.belay.there("lambda").create_function(
        FunctionName=f"verify-{app.name}",
        Runtime=RUNTIME,
        Role=verify_role(app),
        Handler="index.handler",
        Code={"ZipFile": buffer.getvalue()},
    )
    return str(made["FunctionArn"])


def alarm(app: Application, state: str = "OK") -> None:
    """Set the application's alarm to a state; it exists from the first call on."""
    cloudwatch = app.belay.there("cloudwatch")
    if not cloudwatch.describe_alarms(AlarmNames=[app.name])["MetricAlarms"]:
        cloudwatch.put_metric_alarm(
            AlarmName=app.name,
            Namespace="Orders",
            MetricName="Errors",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
    cloudwatch.set_alarm_state(AlarmName=app.name, StateValue=state, StateReason="told")


def service(app: Application) -> dict[str, str]:
    """Create an ECS service and return its registration."""
    ecs = app.belay.there("ecs")
    ecs.create_cluster(clusterName=app.name)
    ecs.register_task_definition(family=app.name, containerDefinitions=[{"name": "a", "image": "a:1", "memory": 64}])
    ecs.create_service(cluster=app.name, serviceName="api", taskDefinition=app.name, desiredCount=2)
    return {"cluster": app.name, "service": "api"}


def described(app: Application) -> dict[str, Any]:
    found: dict[str, Any] = app.belay.there("ecs").describe_services(cluster=app.name, services=["api"])["services"][0]
    return found


class TestTakenBack:
    def test_a_verify_function_refuses_it(self, application: Applications) -> None:
        app = application()
        registered = service(app)
        app.register(services=[registered], verify={"function": verify_function(app, REFUSES)})
        app.deploy("1.0.0")
        before = described(app)["deployments"][0]["id"]

        record = app.run(app.release("1.1.0"))

        assert record["outcome"] == "ROLLED_BACK"
        assert "checkout answers 500" in record["reason"]
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        after = described(app)
        assert [each["rolloutState"] for each in after["deployments"]] == ["COMPLETED"]
        assert after["deployments"][0]["id"] != before
        (incident,) = app.belay.incidents(app.name)
        assert [step["action"] for step in incident["tried"]] == ["UPDATE_TO_BASELINE", "RESTART_SERVICE", "VERIFY"]
        assert incident["noted"][f"{app.name}/api"]["restarted"] == after["deployments"][0]["id"]
        (*_, told) = app.told("deployment-started", "DEPLOYED", "deployment-started", "ROLLED_BACK")
        assert "the stage works" in told.text
        assert app.belay.transitions(app.name, "1.1.0").count("VERIFIED FAIL") == 1

    def test_its_services_may_not_be_seen(self, application: Applications) -> None:
        app = application()
        registered = service(app)
        app.register(services=[registered], verify={"function": verify_function(app, REFUSES)})
        app.deploy("1.0.0")
        with app.belay.held("PlanRollback") as call:
            upload = app.belay.upload(app.release("1.1.0"))
            call.reached()
            app.belay.engine.inject("ecs", "DescribeServices", "AccessDeniedException", times=99)

        assert app.belay.ended(upload)["outcome"] == "NEEDS_OPERATOR"
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        (incident,) = app.belay.incidents(app.name)
        assert [step["action"] for step in incident["tried"]] == ["UPDATE_TO_BASELINE"]
        (*_, told) = app.told("deployment-started", "DEPLOYED", "deployment-started", "NEEDS_OPERATOR")
        assert "could not be read: ECS.DescribeServices answered AccessDeniedException" in told.text

    def test_a_verify_function_never_answers(self, application: Applications) -> None:
        app = application()
        app.register(verify={"function": verify_function(app, FAILS)})
        app.deploy("1.0.0")

        record = app.run(app.release("1.1.0"))

        assert record["outcome"] == "ROLLED_BACK"
        assert "gave no verdict, asked 3 times: it failed with KeyError" in record["reason"]
        assert app.belay.setting(app.stack("first")) == "1.0.0"

    def test_an_alarm_turns_red_during_the_bake_and_stays_so(self, application: Applications) -> None:
        app = application()
        alarm(app)
        verify = {"function": verify_function(app, REDDENS), "bake_minutes": 0.05}
        app.register(alarms=[app.name], verify=verify)
        app.deploy("1.0.0")

        record = app.run(app.release("1.1.0"))

        assert record["outcome"] == "NEEDS_OPERATOR"
        assert f"the alarm {app.name} is in ALARM (slow)" in record["reason"]
        assert "WaitForBake" in app.belay.states(app.name, "deploy_stage")
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        (*_, told) = app.told("deployment-started", "DEPLOYED", "deployment-started", "NEEDS_OPERATOR")
        assert "the stage still fails" in told.text

    def test_an_alarm_that_recovers_with_the_stage(self, application: Applications) -> None:
        app = application()
        alarm(app)
        verify = {"function": verify_function(app, REDDENS), "bake_minutes": 0.05}
        app.register(alarms=[app.name], verify=verify)
        app.deploy("1.0.0")
        with app.belay.held("PlanRollback") as call:
            upload = app.belay.upload(app.release("1.1.0"))
            call.reached()
            alarm(app, "OK")

        assert app.belay.ended(upload)["outcome"] == "ROLLED_BACK"

    def test_an_alarm_is_red_while_the_stack_is_updated(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")
        alarm(app, "ALARM")
        app.register(alarms=[app.name], verify={"monitoring_minutes": 1})
        rolling_back = {"stack": app.stack("first"), "stack_status": "UPDATE_ROLLBACK_IN_PROGRESS"}
        app.belay.engine.fail_resource("Setting", "update", "no more parameters", **rolling_back)
        with app.belay.held("PlanRollback") as call:
            upload = app.belay.upload(app.release("1.1.0"))
            call.reached()
            alarm(app, "OK")

        record = app.belay.ended(upload)
        assert record["outcome"] == "ROLLED_BACK"
        assert "Rollback trigger" in record["reason"], "and not what failed after it, while the stack rolled back"
        assert "no more parameters" not in record["reason"]
        assert app.belay.status(app.stack("first")) == "UPDATE_ROLLBACK_COMPLETE"


def test_an_ephemeral_stage_is_verified_before_it_goes(application: Applications) -> None:
    app = application()
    app.register({"test": {"ephemeral": True}}, verify={"function": verify_function(app, REFUSES)})

    record = app.run(app.release("1.1.0"))

    assert record["outcome"] == "REJECTED"
    assert "checkout answers 500" in record["reason"]
    assert app.belay.stacks(app.name) == {}


class TestRehearsed:
    def test_the_first_release_may_bring_what_a_later_one_is_refused_without(self, application: Applications) -> None:
        app = application()
        app.register(alarms=[f"{app.name}-errors"], require_rollback_ready=True)
        alarm = {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": f"{app.name}-errors",
                "Namespace": "Orders",
                "MetricName": "errors",
                "Statistic": "Sum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 1,
                "ComparisonOperator": "GreaterThanThreshold",
            },
        }

        app.deploy("1.0.0", stacks={"first": {"Resources": {**setting("1.0.0")["Resources"], "Errors": alarm}}})

        assert "REHEARSED ready" in app.belay.transitions(app.name, "1.0.0")

        app.register(alarms=[f"{app.name}-errors", "nobody-made-this"], require_rollback_ready=True)
        record = app.run(app.release("1.1.0"))

        assert record["outcome"] == "REJECTED"
        assert "require_rollback_ready" in record["reason"]
        assert "the alarm nobody-made-this does not exist" in record["reason"]
        assert app.belay.status(app.stack("first")) == "CREATE_COMPLETE"
        assert app.belay.lock(app.name)["version"] == "1.0.0"

    def test_and_takes_what_is(self, application: Applications) -> None:
        app = application()
        app.register(require_rollback_ready=True)
        queue = {"Type": "AWS::SQS::Queue", "Properties": {}}
        kept = {"Resources": {**setting("1.1.0")["Resources"], "Kept": {**queue, "DeletionPolicy": "Retain"}}}
        lost = {"Resources": {**kept["Resources"], "Lost": queue}}

        app.deploy("1.0.0")
        app.deploy("1.1.0", stacks={"first": kept})
        record = app.run(app.release("1.2.0", stacks={"first": lost}))

        assert "REHEARSED ready" in app.belay.transitions(app.name, "1.1.0")
        assert record["outcome"] == "REJECTED"
        assert "first/Lost (AWS::SQS::Queue) is created without a DeletionPolicy" in record["reason"]
