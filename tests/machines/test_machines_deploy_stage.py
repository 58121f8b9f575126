"""``deploy_stage``: one release in one stage, from its change sets to deployed, refused or recovered."""

import itertools
import json
from collections.abc import Callable

from deployed_belay import Application, Execution, Uploaded, until
from small_releases import hidden_group, nesting, security_group, setting, settings

Applications = Callable[..., Application]


def last_state(app: Application) -> str:
    return app.belay.executions(app.name, "deploy_stage")[-1].states[-1]


class TestWaves:
    def test_a_stack_that_leans_on_another_is_planned_when_its_turn_comes(self, application: Applications) -> None:
        app = application()
        export = f"{app.stack('first')}-setting"
        order = {"second": ["first"]}

        for version in ("1.0.0", "1.1.0"):
            stacks = {"first": setting(version, exports=True), "second": setting(version, imports=export)}
            app.deploy(version, stacks=stacks, depends_on=order)

            assert app.belay.setting(app.stack("first")) == version
            assert app.belay.setting(app.stack("second")) == version
        plans = [each.states.count("ExecuteWave") for each in app.belay.executions(app.name, "deploy_stage")]
        assert min(plans) >= 2

    def test_what_could_not_be_deleted_is_told_when_all_is_deployed(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0", stacks={"first": settings(Setting="1.0.0", Old="1.0.0")})
        cloudformation = app.belay.there("cloudformation")
        old = cloudformation.describe_stack_resource(StackName=app.stack("first"), LogicalResourceId="Old")
        app.belay.engine.fail_resource("Old", "delete", "it is in use", stack=app.stack("first"), times=3)

        app.deploy("1.1.0", stacks={"first": settings(Setting="1.1.0")})

        message, physical_id = app.received()[-1], old["StackResourceDetail"]["PhysicalResourceId"]
        assert message.text.startswith(
            f"To do: production/first: delete Old (AWS::SSM::Parameter, {physical_id}): it is in use"
        )

    def test_a_later_wave_that_is_impossible_undoes_the_earlier(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")
        stacks = {"first": setting("1.1.0", exports=True), "second": setting("1.1.0", imports="nobody-exports-this")}

        record = app.run(app.release("1.1.0", stacks=stacks, depends_on={"second": ["first"]}))

        assert record["outcome"] == "ROLLED_BACK"
        assert "nobody-exports-this" in record["reason"]
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        assert app.belay.stacks(app.stack("second")) == {}
        assert app.belay.last_known_good(app.name) == "1.0.0"


class TestRejected:
    def test_a_change_set_that_cannot_be_made(self, application: Applications) -> None:
        app = application()

        record = app.run(app.release(stacks={"first": setting("1", imports="nobody-exports-this")}))

        assert record["outcome"] == "REJECTED"
        assert "nobody-exports-this" in record["reason"]
        assert app.belay.stacks(app.name) == {}
        assert not app.belay.lock(app.name)
        assert last_state(app) == "Rejected"
        app.told("deployment-started", "REJECTED")

    def test_a_change_set_that_fails_early_validation(self, application: Applications) -> None:
        app = application()
        app.belay.engine.fail_resource("Setting", "validate", "no such tier", stack=app.stack("first"))

        record = app.run(app.release())

        assert record["outcome"] == "REJECTED"
        assert "Setting (AWS::SSM::Parameter), property Type: no such tier" in record["reason"]
        assert app.belay.stacks(app.name) == {}

    def test_a_parameter_that_nobody_gives(self, application: Applications) -> None:
        app = application()
        template = {**setting("1"), "Parameters": {"Size": {"Type": "String"}}}

        record = app.run(app.release(stacks={"first": template}))

        assert record["outcome"] == "REJECTED"
        assert "Size" in record["reason"]
        assert app.belay.stacks(app.name) == {}

    def test_a_live_violation_in_an_ephemeral_stage(self, application: Applications) -> None:
        app = application({"test": {"ephemeral": True}})

        record = app.run(app.release(stacks={"first": hidden_group("0.0.0.0/0")}))

        assert record["outcome"] == "REJECTED"
        assert "0.0.0.0/0" in record["reason"]
        assert app.belay.stacks(app.name) == {}
        assert app.belay.lock(app.name, "test")["held"] is False
        assert last_state(app) == "Rejected"
        app.told("deployment-started", "REJECTED")

    def test_what_cannot_be_decided_where_nobody_approves(self, application: Applications) -> None:
        app = application()

        record = app.run(app.release(stacks={"first": hidden_group("10.0.0.0/8")}))

        assert record["outcome"] == "REJECTED"
        assert "REVIEW" in record["reason"]
        assert app.belay.executions(app.name, "deploy_stage") == []

    def test_a_nested_template_that_somebody_may_still_change(self, application: Applications) -> None:
        app = application(approval={"required": True})
        s3 = app.belay.there("s3")
        where = {} if app.belay.spoke is None else {"LocationConstraint": app.belay.region}
        s3.create_bucket(Bucket=f"{app.name}-elsewhere", **({"CreateBucketConfiguration": where} if where else {}))
        s3.put_object(Bucket=f"{app.name}-elsewhere", Key="inner.json", Body=json.dumps(setting("1")).encode())
        url = f"{s3.meta.endpoint_url}/{app.name}-elsewhere/inner.json"
        inner = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}

        record = app.run(app.release(stacks={"first": {"Resources": {"Inner": inner}}}))

        assert record["outcome"] == "REJECTED"
        assert f"first/Inner: its template {url} is not a file of this release" in record["reason"]
        assert app.belay.stacks(app.name) == {}
        app.told("deployment-started", "REJECTED")

    def test_data_that_a_nested_stack_would_lose_where_nobody_approves(self, application: Applications) -> None:
        app = application()
        for version in ("1.0.0", "1.1.0"):
            key = {"AttributeName": f"id-{version}", "AttributeType": "S"}
            schema = [{"AttributeName": f"id-{version}", "KeyType": "HASH"}]
            table = {"BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [key], "KeySchema": schema}
            inner = {"Resources": {"Store": {"Type": "AWS::DynamoDB::Table", "Properties": table}}}
            release = app.release(
                version,
                stacks={"first": nesting("inner.json")},
                more={"inner.json": json.dumps(inner).encode()},
            )
            record = app.run(release)

        assert record["outcome"] == "REJECTED"
        assert "Child/Store" in record["reason"]
        assert app.belay.last_known_good(app.name) == "1.0.0"


class TestApproval:
    def test_approved(self, application: Applications) -> None:
        app = application(approval={"required": True})
        upload = app.belay.upload(app.release())
        app.belay.task_token(app.name)
        assert not app.belay.lock(app.name)
        assert set(app.belay.stacks(app.name).values()) == {"REVIEW_IN_PROGRESS"}

        app.belay.approve(app.name)

        assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
        app.told("deployment-started", "approval-requested", "DEPLOYED")

    def test_what_cannot_be_decided_is_approved(self, application: Applications) -> None:
        app = application(approval={"required": True})
        upload = app.belay.upload(app.release(stacks={"first": hidden_group("10.0.0.0/8")}))

        app.belay.approve(app.name)

        assert app.belay.ended(upload)["outcome"] == "DEPLOYED"

    def test_approved_and_found_open_when_it_was_there(self, application: Applications) -> None:
        app = application(approval={"required": True})
        upload = app.belay.upload(app.release(stacks={"first": hidden_group("0.0.0.0/0")}))

        app.belay.approve(app.name)

        record = app.belay.ended(upload)
        assert record["outcome"] == "ROLLED_BACK"
        assert "0.0.0.0/0" in record["reason"]
        assert app.belay.stacks(app.name) == {}
        assert app.belay.last_known_good(app.name) is None


def working(app: Application, execution: Execution) -> tuple[float, float]:
    """When an execution began and ended changing its stage."""
    entered = app.belay.history(execution.arn, "StateEntered")
    at = {each["stateEnteredEventDetails"]["name"]: each["timestamp"].timestamp() for each in reversed(entered)}
    return at["CaptureBaselines"], at["FinishStage"]


class TestLock:
    def test_two_at_once_are_deployed_one_after_the_other(self, application: Applications) -> None:
        app = application()
        with app.belay.held("CaptureBaselines") as call:
            first = app.belay.upload(app.release("1.0.0"))
            call.reached()
            second = app.belay.upload(app.release("1.1.0"))
            app.belay.entered(app.name, "1.1.0", "WaitForLock")

        records = [app.belay.ended(each) for each in (first, second)]

        assert [each["outcome"] for each in records] == ["DEPLOYED"] * 2, [each["reason"] for each in records]
        one, other = (working(app, each) for each in app.belay.executions(app.name, "deploy_stage"))
        assert one[1] < other[0]
        again = app.belay.executions(app.name, "deploy_stage")[1].states
        assert "PlanStage" in again[again.index("ConfirmPlan") :]
        assert app.belay.setting(app.stack("first")) == "1.1.0"
        assert app.belay.last_known_good(app.name) == "1.1.0"
        assert app.belay.items("LOCK", f"{app.name}#production#WAITING") == []

    def test_many_at_the_same_moment(self, application: Applications) -> None:
        app = application()

        uploads = [app.belay.upload(app.release(f"1.{minor}.0")) for minor in range(4)]

        records = [app.belay.ended(each) for each in uploads]
        outcomes = [each["outcome"] for each in records]
        assert set(outcomes) <= {"DEPLOYED", "ABORTED", "REJECTED"}, [each["reason"] for each in records]
        assert outcomes[-1] == "DEPLOYED"
        assert app.belay.setting(app.stack("first")) == "1.3.0"
        deployed = [e for e in app.belay.executions(app.name, "deploy_stage") if e.states[-1] == "Deployed"]
        spans = sorted(working(app, each) for each in deployed)
        assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))

    def test_left_behind_by_a_dead_owner_and_expired(self, application: Applications) -> None:
        app = application()
        self.left_behind(app, expires_at=1)

        app.deploy()

        assert app.belay.lock(app.name)["fencing"] == 8

    def test_left_behind_by_a_dead_owner_and_not_expired(self, application: Applications) -> None:
        app = application()
        self.left_behind(app, expires_at=9_999_999_999)
        upload = app.belay.upload(app.release())
        until(lambda: app.belay.states(app.name, "deploy_stage").count("WaitForLock") > 2)
        assert app.belay.lock(app.name)["fencing"] == 7

        app.belay.write_lock(app.name, expires_at=1)

        assert app.belay.ended(upload)["outcome"] == "DEPLOYED"

    def test_expired_and_its_owner_still_runs(self, application: Applications) -> None:
        owner, app = application(approval={"required": True}), application()
        waiting = owner.belay.upload(owner.release())
        owner.belay.task_token(owner.name)
        (running,) = owner.belay.executions(owner.name, "deploy_stage")
        self.left_behind(app, expires_at=1, execution=running.arn)
        upload = app.belay.upload(app.release())
        until(lambda: app.belay.states(app.name, "deploy_stage").count("WaitForLock") > 2)
        assert app.belay.lock(app.name)["fencing"] == 7

        owner.belay.approve(owner.name)

        assert owner.belay.ended(waiting)["outcome"] == "DEPLOYED"
        assert app.belay.ended(upload)["outcome"] == "DEPLOYED"

    def test_taken_over_it_changes_nothing_more(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")
        with app.belay.held("CaptureBaselines", after=True) as call:
            upload = app.belay.upload(app.release("1.1.0"))
            call.reached()
            self.left_behind(app, expires_at=1)

        assert app.belay.ended(upload)["outcome"] == "ROLLED_BACK"
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        assert app.belay.status(app.stack("first")) == "CREATE_COMPLETE"
        assert app.belay.change_sets(app.stack("first")) == []

    @staticmethod
    def left_behind(app: Application, *, expires_at: int, execution: str = "") -> None:
        app.belay.write_lock(
            app.name,
            owner="somebody",
            version="0.9.0",
            incident="",
            fencing=7,
            held=True,
            expires_at=expires_at,
            held_since="2026-01-01T10:00:00.000+00:00",
            execution=execution or f"{app.belay.machine('deploy_stage').replace('stateMachine', 'execution')}:dead",
        )


class TestDatabases:
    def test_a_snapshot_is_taken_and_waited_for(self, application: Applications) -> None:
        app = application()
        app.register(databases=[{"instance": self.database(app)}])

        app.deploy()

        rds = app.belay.there("rds")
        (snapshot,) = rds.describe_db_snapshots(DBInstanceIdentifier=app.name, SnapshotType="manual")["DBSnapshots"]
        assert snapshot["Status"] == "available"
        tags = {tag["Key"]: tag["Value"] for tag in snapshot["TagList"]}
        told = {value for name, value in tags.items() if name.startswith("belay:")}
        (execution,) = app.belay.executions(app.name, "deploy_stage")
        assert {app.name, "production", "1.0.0", execution.arn} <= told
        assert "WaitForSnapshots" in execution.states

    def test_a_database_that_does_not_exist_yet(self, application: Applications) -> None:
        app = application(databases=[{"instance": "not-yet"}, {"cluster": "not-yet-either"}])

        app.deploy()

        assert last_state(app) == "Deployed"

    def test_a_snapshot_that_cannot_be_taken(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")
        app.register(databases=[{"instance": self.database(app)}])
        app.belay.there("rds").stop_db_instance(DBInstanceIdentifier=app.name)

        record = app.run(app.release("1.1.0"))

        assert record["outcome"] == "ROLLED_BACK"
        assert "snapshot" in record["reason"]
        assert app.belay.status(app.stack("first")) == "CREATE_COMPLETE"
        assert app.belay.change_sets(app.stack("first")) == []
        assert app.belay.lock(app.name)["held"] is False

    @staticmethod
    def database(app: Application) -> str:
        rds = app.belay.there("rds")
        rds.create_db_instance(
            DBInstanceIdentifier=app.name,
            DBInstanceClass="db.t4g.micro",
            Engine="postgres",
            AllocatedStorage=20,
            MasterUsername="belay",
            MasterUserPassword="only-for-tests",
        )
        until(
            lambda: rds.describe_db_instances(DBInstanceIdentifier=app.name)["DBInstances"][0],
            lambda instance: instance["DBInstanceStatus"] == "available",
        )
        return app.name


class TestStopped:
    def test_the_stage_s_execution(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")

        upload = self.stopped_in_the_middle(app, "deploy_stage")

        assert app.belay.ended(upload)["outcome"] == "ROLLED_BACK"
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        assert app.belay.lock(app.name)["held"] is False
        assert len(app.belay.incidents(app.name)) == 1
        app.told("deployment-started", "DEPLOYED", "deployment-started", "ROLLED_BACK")

    def test_the_release_s_execution(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")

        upload = self.stopped_in_the_middle(app, "deploy_release")

        assert app.belay.ended(upload)["outcome"] == "ROLLED_BACK"
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        assert app.belay.lock(app.name)["held"] is False
        assert len(app.belay.incidents(app.name)) == 1
        app.told("deployment-started", "DEPLOYED", "deployment-started", "ROLLED_BACK")

    @staticmethod
    def stopped_in_the_middle(app: Application, machine: str) -> Uploaded:
        """Stop a release's execution of a machine while what it deployed is being validated."""
        with app.belay.held("ValidateStacks", after=True) as call:
            upload = app.belay.upload(app.release("1.1.0", stacks={"first": {**security_group()}}))
            call.reached()
            app.belay.stop(app.belay.executions(app.name, machine)[-1])
            until(lambda: app.belay.executions(app.name, "deploy_stage")[-1].status == "ABORTED")
        return upload
