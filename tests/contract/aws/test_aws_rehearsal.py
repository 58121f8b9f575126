"""What a rehearsal gathers, on moto and against botocore's models."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import ANY, Stubber
from simulated_ledger import end_stage, remembered
from test_aws_unfinished import RELEASE, ROLE, House

from belay.aws.gateways import own_aws
from belay.aws.iam import Roles
from belay.aws.rds import Databases
from belay.control.rehearsal import RehearsedRoles, RollbackRehearsal
from belay.control.stack_values import StackValues
from belay.control.stage import StageContext
from belay.database.instance import INSTANCE
from belay.errors import AccessDenied, Throttled
from belay.release.place import PlaceRoles, StagePlace
from belay.release.registration import Database, Service, Verify
from belay.rollback.rehearsal import Readiness, Rehearsal

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:verify-orders"
STACKS_ROLE = "arn:aws:iam::123456789012:role/belay-recover-stacks"
DATABASES_ROLE = "arn:aws:iam::123456789012:role/belay-recover-databases"
Stubbed = Callable[[str], tuple[Any, Stubber]]


TAGGED, COMES_FOR = (
    {"ContextKeyName": f"aws:{whose}Tag/belay:application", "ContextKeyType": "string", "ContextKeyValues": ["orders"]}
    for whose in ("Resource", "Principal")
)
"""The tag of Belay's snapshots, and of a session in another account, which restores none without it."""


def result(action: str, decision: str) -> dict[str, str]:
    return {"EvalActionName": action, "EvalDecision": decision, "EvalResourceName": "*"}


class TestRoles:
    def test_what_is_not_allowed_is_refused(self, stubbed: Stubbed) -> None:
        iam, stub = stubbed("iam")
        wanted = {
            "PolicySourceArn": ROLE,
            "ActionNames": ["iam:PassRole", "ecs:UpdateService", "rds:ModifyDBInstance"],
            "ResourceArns": ["arn:thing"],
            "ContextEntries": [
                {
                    "ContextKeyName": "iam:PassedToService",
                    "ContextKeyType": "string",
                    "ContextKeyValues": ["cloudformation.amazonaws.com"],
                }
            ],
        }
        pages = [
            {
                "EvaluationResults": [result("iam:PassRole", "allowed"), result("ecs:UpdateService", "explicitDeny")],
                "IsTruncated": True,
                "Marker": "more",
            },
            {"EvaluationResults": [result("rds:ModifyDBInstance", "implicitDeny")], "IsTruncated": False},
        ]
        stub.add_response("simulate_principal_policy", pages[0], wanted)
        stub.add_response("simulate_principal_policy", pages[1], {**wanted, "Marker": "more"})

        refused = Roles(iam).refused(
            ROLE, wanted["ActionNames"], "arn:thing", {"iam:PassedToService": "cloudformation.amazonaws.com"}
        )

        assert refused == ["ecs:UpdateService", "rds:ModifyDBInstance"]

    def test_a_role_that_is_not_there(self, stubbed: Stubbed) -> None:
        iam, stub = stubbed("iam")
        stub.add_client_error("simulate_principal_policy", "NoSuchEntity", "no", 404)

        assert Roles(iam).refused(ROLE, ["iam:PassRole"]) is None

    def test_a_simulation_that_is_refused_says_nothing(self, stubbed: Stubbed) -> None:
        iam, stub = stubbed("iam")
        stub.add_client_error("simulate_principal_policy", "AccessDenied", "no", 403)

        with pytest.raises(AccessDenied):
            Roles(iam).refused(ROLE, ["iam:PassRole"])


def test_quotas_are_read_as_rds_tells_them(stubbed: Stubbed) -> None:
    rds, stub = stubbed("rds")
    quotas = [{"AccountQuotaName": "ManualSnapshots", "Used": 99, "Max": 100}]
    stub.add_response("describe_account_attributes", {"AccountQuotas": quotas}, {})

    assert Databases(rds).account_quotas() == {"ManualSnapshots": (99, 100)}


class TestRehearsal:
    """A complete rehearsal of a stage without anything to watch, on moto; IAM's responses are stubbed."""

    @pytest.fixture
    def house(self, simulated: Callable[[str], Any]) -> Iterator[House]:
        own_aws.cache_clear()
        house = House(simulated)
        house.accept()
        yield house
        own_aws.cache_clear()

    @staticmethod
    def rehearse(
        iam: Any, stage: str = "production", protected: Sequence[tuple[str, str]] = (), **registered: Any
    ) -> Rehearsal:
        event = {"release": RELEASE.to_dict(), "stage": stage, "fencing": None}
        run = StageContext.enter(event, *remembered())
        aws, run = own_aws(), replace(run, stage=replace(run.stage, **registered))
        whole = RollbackRehearsal(
            run,
            aws.stacks,
            aws.databases,
            aws.services,
            aws.alarms,
            aws.verify_functions,
            Roles(iam),
            RehearsedRoles(STACKS_ROLE, DATABASES_ROLE, protected),
            StackValues.of(aws, run.ledger),
        )
        return whole.rehearse()

    @staticmethod
    def allowing(stubbed: Stubbed, *decisions: str) -> Any:
        iam, stub = stubbed("iam")
        for decision in decisions:
            answer = {"EvaluationResults": [result("iam:PassRole", decision)], "IsTruncated": False}
            stub.add_response("simulate_principal_policy", answer)
        return iam

    def test_a_first_release_is_ready(self, house: House, stubbed: Stubbed) -> None:
        assert self.rehearse(self.allowing(stubbed, "allowed")).readiness is Readiness.READY

    def test_what_the_first_release_will_bring_need_not_exist_yet(self, house: House, stubbed: Stubbed) -> None:
        registered: dict[str, Any] = {
            "services": (Service("orders", "api"),),
            "alarms": ("errors",),
            "verify": Verify(function=FUNCTION),
        }
        allowed = ("allowed", "allowed")

        first = self.rehearse(self.allowing(stubbed, *allowed), **registered)
        end_stage(house.ledger, RELEASE)
        later = self.rehearse(self.allowing(stubbed, *allowed), **registered)

        assert first.reasons == ()
        assert [check.about for check in later.checks if check.readiness is Readiness.NOT_READY] == [
            "last-known-good",
            "services",
            "alarms",
            "verify function",
        ]

    def test_what_may_not_be_passed_is_told(self, house: House, stubbed: Stubbed) -> None:
        rehearsal = self.rehearse(self.allowing(stubbed, "implicitDeny"))

        assert rehearsal.reasons == (f"not ready: permissions: {STACKS_ROLE} may not iam:PassRole on {ROLE}",)

    def test_an_ephemeral_stage_needs_no_rollback(self, house: House, stubbed: Stubbed) -> None:
        assert self.rehearse(self.allowing(stubbed), "test") == Rehearsal()

    def test_a_last_known_good_whose_template_was_removed(self, house: House, stubbed: Stubbed) -> None:
        end_stage(house.ledger, RELEASE)
        key = RELEASE.member_key("network.yaml")
        gone = self.rehearse(self.allowing(stubbed, "allowed"))
        house.s3.put_object(Bucket="artifacts", Key=key, Body=b"{}", Metadata={"sha256": "a" * 64})
        there = self.rehearse(self.allowing(stubbed, "allowed"))

        assert (gone.readiness, there.readiness) == (Readiness.NOT_READY, Readiness.READY)
        assert "network.yaml of version 1.0.0 is missing" in gone.reasons[0]

    def test_what_aws_refuses_to_tell_is_not_known_and_a_throttle_is_no_answer(
        self, house: House, stubbed: Stubbed
    ) -> None:
        refusing, stub = stubbed("iam")
        stub.add_client_error("simulate_principal_policy", "AccessDenied", "not yours", 403)
        throttled, stub = stubbed("iam")
        stub.add_client_error("simulate_principal_policy", "Throttling", "slow down", 400)

        rehearsal = self.rehearse(refusing)

        assert rehearsal.readiness is Readiness.NOT_KNOWN
        assert "not yours" in rehearsal.reasons[0]
        with pytest.raises(Throttled):
            self.rehearse(throttled)

    @pytest.mark.parametrize(
        ("decision", "ready"), [("allowed", False), ("implicitDeny", True), ("explicitDeny", True)]
    )
    def test_a_service_role_that_may_change_belay_is_not_ready(
        self, house: House, stubbed: Stubbed, decision: str, ready: bool
    ) -> None:
        protected = [("ssm:PutParameter", "arn:aws:ssm:eu-west-1:123456789012:parameter/belay/applications/any")]

        found = self.rehearse(self.allowing(stubbed, "allowed", decision), protected=protected)

        (check,) = [each for each in found.checks if each.about == "service role"]
        assert check.readiness is (Readiness.READY if ready else Readiness.NOT_READY)
        assert (f"{ROLE} may ssm:PutParameter on arn:aws:ssm" in check.reason) is not ready

    def test_everything_that_a_stage_may_register_is_looked_at(
        self, house: House, stubbed: Stubbed, simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ecs, rds, cloudwatch = simulated("ecs"), simulated("rds"), simulated("cloudwatch")
        ecs.create_cluster(clusterName="orders")
        ecs.register_task_definition(family="api", containerDefinitions=[{"name": "a", "image": "a:1", "memory": 64}])
        service = ecs.create_service(cluster="orders", serviceName="api", taskDefinition="api")["service"]
        database = rds.create_db_instance(
            DBInstanceIdentifier="orders-db",
            DBInstanceClass="db.t4g.micro",
            Engine="postgres",
            AllocatedStorage=20,
            MasterUsername="admin1",
            MasterUserPassword="not-a-secret-1",
        )["DBInstance"]
        cloudwatch.put_metric_alarm(
            AlarmName="errors",
            Namespace="Orders",
            MetricName="errors",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        monkeypatch.setattr(Databases, "account_quotas", lambda _: {"ManualSnapshots": (1, 100)})
        end_stage(house.ledger, RELEASE)
        house.s3.put_object(
            Bucket="artifacts", Key=RELEASE.member_key("network.yaml"), Body=b"{}", Metadata={"sha256": "a" * 64}
        )
        iam, stub = stubbed("iam")
        asked = [
            (STACKS_ROLE, "iam:PassRole", ROLE),
            (STACKS_ROLE, "lambda:InvokeFunction", FUNCTION),
            (STACKS_ROLE, "ecs:UpdateService", service["serviceArn"]),
            (
                DATABASES_ROLE,
                "rds:RestoreDBInstanceFromDBSnapshot",
                database["DBInstanceArn"].replace(":db:", ":snapshot:"),
            ),
            (DATABASES_ROLE, "rds:ModifyDBInstance", database["DBInstanceArn"]),
            (ROLE, "cloudwatch:DescribeAlarms", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors"),
        ]
        for role, action, resource in asked:
            answer = {"EvaluationResults": [result(action, "allowed")], "IsTruncated": False}
            wanted = {
                "PolicySourceArn": role,
                "ActionNames": [action],
                "ResourceArns": [resource],
                "ContextEntries": [TAGGED] if "Restore" in action else ANY,
            }
            stub.add_response("simulate_principal_policy", answer, wanted)

        rehearsal = self.rehearse(
            iam,
            services=(Service("orders", "api"),),
            databases=(Database(INSTANCE, "orders-db"),),
            alarms=("errors",),
            verify=Verify(function=FUNCTION),
        )

        stub.assert_no_pending_responses()
        assert rehearsal.reasons == (f"not ready: verify function: {FUNCTION} does not exist",)
        assert {check.about for check in rehearsal.checks} == {
            "last-known-good",
            "data",
            "databases",
            "snapshot quota",
            "services",
            "alarms",
            "verify function",
            "permissions",
            "service role",
            "secret values",
        }

    def test_a_restore_in_another_account_is_asked_as_the_session_that_comes_for_the_application(
        self, house: House, stubbed: Stubbed, simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Databases, "account_quotas", lambda _: {"ManualSnapshots": (1, 100)})
        database = simulated("rds").create_db_instance(
            DBInstanceIdentifier="orders-db",
            DBInstanceClass="db.t4g.micro",
            Engine="postgres",
            AllocatedStorage=20,
            MasterUsername="admin1",
            MasterUserPassword="not-a-secret-1",
        )["DBInstance"]["DBInstanceArn"]
        iam, stub = stubbed("iam")
        asked = [
            ("iam:PassRole", ROLE, ANY),
            ("rds:RestoreDBInstanceFromDBSnapshot", database.replace(":db:", ":snapshot:"), [TAGGED, COMES_FOR]),
            ("rds:ModifyDBInstance", database, []),
        ]
        for action, resource, context in asked:
            answer = {"EvaluationResults": [result(action, "allowed")], "IsTruncated": False}
            wanted = {"PolicySourceArn": ANY, "ActionNames": [action], "ResourceArns": [resource]}
            stub.add_response("simulate_principal_policy", answer, {**wanted, "ContextEntries": context})

        place = StagePlace("aws", "111111111111", "eu-central-1", PlaceRoles.named_alike("aws", "111111111111"))
        self.rehearse(iam, databases=(Database(INSTANCE, "orders-db"),), place=place)

        stub.assert_no_pending_responses()
