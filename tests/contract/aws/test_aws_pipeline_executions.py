"""However an execution's events arrive (late, twice, reordered, or never), the ledger ends the same."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from functools import cache
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws
from pipeline_world import EVENTS, EXECUTION, PIPELINE, STAGES, WORLDS, World
from shared_clients import SharedSession
from simulated_ledger import empty_ledger, every_incident

from belay.aws.cloudformation import Stacks
from belay.aws.gateways import Aws
from belay.aws.pipelines import Pipelines
from belay.aws.rds import Databases
from belay.aws.s3 import ArtifactBucket
from belay.aws.sessions import Session
from belay.aws.sns import Notifications
from belay.aws.ssm import ParameterStore
from belay.aws.stepfunctions import Executions
from belay.control.application_topics import ApplicationTopics
from belay.control.baselines import kept_in
from belay.control.failed_stacks import FailedStacks
from belay.control.incidents import Incidents
from belay.control.pipeline_executions import FollowedPipelines, PipelineExecutions
from belay.control.pipeline_recovery import PipelineRecovery
from belay.control.pipeline_stacks import PipelineStacks
from belay.control.places import Places
from belay.control.registrations import Registrations
from belay.control.rollback_jobs import RollbackJobs
from belay.errors import InvalidActionConfiguration, RollbackFailed
from belay.pipeline.execution import origin_of
from belay.pipeline.hint import Hint, hint_of
from belay.pipeline.job import Success, parse_job
from belay.release.place import Power, StagePlace
from belay.release.reason import from_document
from belay.release.records import Outcome
from belay.stack.status import StackStatus
from belay.subject.incident import Incident
from belay.subject.subjects import PipelineDeployment

ASKED = from_document("asked")
REGION = "eu-west-1"
SESSION = SharedSession(region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing")
ROLE = "arn:aws:iam::123456789012:role/belay/orders"
ARN = f"arn:aws:codepipeline:{REGION}:123456789012:{PIPELINE}"
FILES = "belay-files-123456789012-"
WHERE = ("111122223333", "eu-west-1")
"""The account and region of the events in AWS's documentation."""
STAGE = f"""
service_role: {ROLE}
stacks: {{web: {{name: orders-web}}}}
databases: [{{instance: orders-db}}]
pipeline: {{name: {PIPELINE}, pre_deployment_stage: PreDeployment, deployment_stage: Deploy}}
"""
TEMPLATE = '{"Resources": {"Web": {"Type": "AWS::SNS::Topic"}}}'


class StacksOfThen(Stacks):
    """CloudFormation simulated by moto, at the time of a world's deployment instead of today."""

    def __init__(self, client: Any, world: World) -> None:
        super().__init__(client)
        self.world = world

    def events(self, stack_id: str) -> Iterator[dict[str, Any]]:
        for event in super().events(stack_id):
            yield event | {"Timestamp": self.world.stack_changed_at}


class Account:
    """Belay's own part of an account simulated by moto, and the pipeline of a world."""

    def __init__(self, world: World) -> None:
        self.clients: dict[str, Any] = {}

        def client(name: str) -> Any:
            self.clients.setdefault(name, SESSION.client(name))  # type: ignore[call-overload]
            return self.clients[name]

        client("s3").create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.queue = client("sqs").create_queue(QueueName="inbox")["QueueUrl"]
        topic = client("sns").create_topic(Name="belay")["TopicArn"]
        arn = client("sqs").get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
        for name, text in {"orders": "stages: [production]", "orders/production": STAGE}.items():
            client("ssm").put_parameter(Name=f"/belay/applications/{name}", Value=text, Type="String")
        client("rds").create_db_instance(
            DBInstanceIdentifier="orders-db", DBInstanceClass="db.t3.micro", Engine="postgres"
        )
        client("cloudformation").create_stack(StackName="orders-web", TemplateBody=TEMPLATE)
        machine = client("stepfunctions").create_state_machine(
            name="rollback", roleArn=ROLE, definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'
        )["stateMachineArn"]
        self.world = world
        self.ledger = empty_ledger(client("dynamodb"))
        self.registrations = Registrations(ParameterStore(client("ssm")), ArtifactBucket(client("s3"), "artifacts"))
        artifacts = ArtifactBucket(client("s3"), "artifacts")
        cloudformation = StacksOfThen(client("cloudformation"), world)
        stacks = PipelineStacks(cloudformation, artifacts, self.ledger, kept_in(artifacts))
        incidents = Incidents(self.ledger, artifacts, Executions(client("stepfunctions")), machine)
        self.home = Aws(REGION, SESSION.client)
        vars(self.home).update(stacks=cloudformation, pipelines=Pipelines(world))
        places = Places(self.home, Power.LOOK, "failed stack")
        self.failed_stacks = FailedStacks(self.ledger, incidents, self.registrations, places)
        topics = ApplicationTopics(self.registrations, self.ledger, Notifications(client("sns")), topic)
        self.recovery = PipelineRecovery(stacks, incidents, topics)
        everywhere = Places(self.home, Power.PIPELINE, "pipelines")
        self.pipelines = FollowedPipelines(everywhere, self.ledger, artifacts, FILES, incidents, topics)

    def receive(self, event: Any, account: str = "123456789012", region: str = REGION) -> list[str]:
        hint = hint_of({**event, "account": account, "region": region})
        assert hint is not None
        return self.pipelines.follow(hint, self.registrations.read().stages)

    def sweep(self) -> None:
        self.pipelines.follow(Hint(missed=True), self.registrations.read().stages)

    def messages(self) -> list[dict[str, Any]]:
        received = self.clients["sqs"].receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(json.loads(each["Body"])["Message"]) for each in received]

    def ending(self) -> dict[str, Any]:
        """The ledger's final state, without the times at which Belay read."""
        record = self.ledger.pipelines.get("orders", "production", EXECUTION)
        assert record is not None
        good = self.ledger.pipelines.good("orders", "production", ARN)
        return {
            "record": asdict(record) | {"done": sorted(record.done)},
            "good": good and replace(good, recorded_at=""),
            "followed": self.ledger.pipelines.followed("orders", "production"),
            "incidents": [f"INCIDENT#{each.incident}" for each in self.ledger.incidents.open_ones()],
            "told": sorted(each["kind"] for each in self.messages()),
        }


@pytest.fixture
def moto(no_account: None) -> Iterator[None]:
    with mock_aws():
        yield


in_moto = pytest.mark.usefixtures("moto")


@cache
def in_order(name: str) -> dict[str, Any]:
    """The ledger's final state when every event comes once, in order and immediately."""
    world = WORLDS[name]()
    with mock_aws():
        account = Account(world)
        account.sweep()
        for moment, event in world.events:
            world.now = moment
            account.receive(event)
        world.now = len(world.moments) - 1
        return account.ending()


@pytest.mark.parametrize("name", WORLDS)
def test_a_life_in_order_is_recorded_to_its_end(name: str) -> None:
    world = WORLDS[name]()
    ending = in_order(name)
    assert ending["record"]["status"] == world.moments[-1][0]
    assert ending["followed"] == {}
    assert bool(ending["good"]) == (name in ("succeeded", "resumed"))
    failures = 1 if name in ("failed in the build", "failed in the deployment", "resumed") else 0
    assert ending["told"] == ["pipeline-failed"] * failures


def without_preparation(ending: dict[str, Any]) -> dict[str, Any]:
    """Only the preparation depends on when events come: whether the stage was seen in time."""
    done = [mark for mark in ending["record"]["done"] if mark != "PREPARED"]
    return ending | {"record": ending["record"] | {"done": done}}


@settings(max_examples=5, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("name", [name for name in WORLDS if name != "resumed"])
def test_late_twice_reordered_or_missing_events_end_the_same(name: str, data: st.DataObject) -> None:
    expected = without_preparation(in_order(name))
    world = WORLDS[name]()
    arriving = data.draw(st.lists(st.sampled_from(range(len(world.events))), max_size=len(world.events) + 4))
    with mock_aws():
        account = Account(world)
        account.sweep()
        for index in arriving:
            moment, event = world.events[index]
            # An event shows the past; by the time it comes, more may have happened, and never less.
            late = data.draw(st.integers(max(world.now, moment), len(world.moments) - 1))
            world.now = late
            account.receive(event)
        world.now = len(world.moments) - 1
        account.sweep()
        account.sweep()
        assert without_preparation(account.ending()) == expected


@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_a_failure_that_was_resumed_is_told_if_it_was_seen_and_the_end_is_the_same(data: st.DataObject) -> None:
    expected = without_preparation(in_order("resumed"))
    world = WORLDS["resumed"]()
    arriving = data.draw(st.lists(st.sampled_from(range(len(world.events))), max_size=len(world.events)))
    with mock_aws():
        account = Account(world)
        account.sweep()
        for index in arriving:
            moment, event = world.events[index]
            world.now = data.draw(st.integers(max(world.now, moment), len(world.moments) - 1))
            account.receive(event)
        world.now = len(world.moments) - 1
        account.sweep()
        account.sweep()
        ending = without_preparation(account.ending())
    told = {"told": [], "record": expected["record"] | {"done": []}}
    assert ending | told == expected | told
    assert ending["told"] in ([], ["pipeline-failed"])


@in_moto
def test_a_late_look_never_undoes_a_later_one() -> None:
    world = WORLDS["succeeded"]()
    account = Account(world)
    world.now = len(world.moments) - 1
    account.receive(world.events[-1][1])
    world.now = 3
    account.receive(world.events[0][1])
    assert account.ending()["record"]["status"] == "Succeeded"


@in_moto
def test_what_is_not_registered_is_ignored() -> None:
    world = WORLDS["failed in the build"]()
    account = Account(world)
    event = world.events[-1][1]
    event["detail"]["pipeline"] = "somebody-else-s"
    assert account.receive(event) == []
    assert account.ledger.pipelines.get("orders", "production", EXECUTION) is None


@in_moto
def test_an_execution_from_before_the_pipeline_was_registered_is_nobody_s(monkeypatch: pytest.MonkeyPatch) -> None:
    world = WORLDS["failed in the deployment"]()
    world.now = len(world.moments) - 1
    account = Account(world)
    old = world.list_pipeline_executions()
    old["pipelineExecutionSummaries"][0]["lastUpdateTime"] = old["pipelineExecutionSummaries"][0]["startTime"]
    monkeypatch.setattr(world, "list_pipeline_executions", lambda **_: old)
    account.sweep()
    assert account.messages() == []
    assert account.ledger.pipelines.get("orders", "production", EXECUTION) is None


def entering(stage: str) -> tuple[Account, World]:
    world = WORLDS["failed in the deployment"]()
    account = Account(world)
    moment = 1 + 4 * STAGES.index(stage)
    world.now = moment
    account.receive(world.events[moment][1])
    return account, world


@in_moto
def test_entering_the_pre_deployment_stage_prepares_the_rollback() -> None:
    account, world = entering("PreDeployment")
    world.now += 1
    account.receive(world.events[world.now][1])

    snapshots = account.clients["rds"].describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert [each["DBInstanceIdentifier"] for each in snapshots] == ["orders-db"]
    record = account.ledger.pipelines.get("orders", "production", EXECUTION)
    assert record is not None
    assert record.done == {"PREPARED"}


VAULT = "vault: {account: '222222222222', region: eu-west-1}"


@in_moto
def test_the_snapshots_of_a_pipeline_go_to_the_stage_s_vault_once() -> None:
    world = WORLDS["failed in the deployment"]()
    account = Account(world)
    name = "/belay/applications/orders/production"
    account.clients["ssm"].put_parameter(Name=name, Value=f"{STAGE}{VAULT}\n", Type="String", Overwrite=True)
    copies = account.ledger.vault_copies
    rds = account.clients["rds"]
    before, *rest = range(1 + 4 * STAGES.index("PreDeployment"), len(world.moments))
    world.now = before
    account.receive(world.events[before][1])
    assert copies.every() == [], "not before it is available"

    for world.now in rest:
        account.sweep()

    (copy,) = copies.every()
    (snapshot,) = rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert (copy.origin, copy.pipeline) == (origin_of("orders", PIPELINE, EXECUTION), PIPELINE)
    assert (copy.source, copy.execution) == (snapshot["DBSnapshotArn"], f"{PIPELINE}/{EXECUTION}")
    shared = rds.describe_db_snapshot_attributes(DBSnapshotIdentifier=copy.name)["DBSnapshotAttributesResult"]
    assert shared["DBSnapshotAttributes"] == [{"AttributeName": "restore", "AttributeValues": ["222222222222"]}]
    record = account.ledger.pipelines.get("orders", "production", EXECUTION)
    assert record is not None
    assert {"PREPARED", "SENT"} < record.done
    copies.forget(copy)
    account.sweep()
    assert copies.every() == []


@in_moto
def test_an_execution_is_followed_until_its_snapshots_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    account, world = entering("PreDeployment")
    name = "/belay/applications/orders/production"
    account.clients["ssm"].put_parameter(Name=name, Value=f"{STAGE}{VAULT}\n", Type="String", Overwrite=True)
    described = Databases.describe_snapshot
    with monkeypatch.context() as patched:
        patched.setattr(
            Databases, "describe_snapshot", lambda *asked: {**(described(*asked) or {}), "Status": "creating"}
        )
        world.now = len(world.moments) - 1
        account.sweep()
        account.sweep()
    assert account.ledger.vault_copies.every() == []
    assert EXECUTION in account.ledger.pipelines.followed("orders", "production")

    account.sweep()

    assert len(account.ledger.vault_copies.every()) == 1
    assert account.ledger.pipelines.followed("orders", "production") == {}


@in_moto
@pytest.mark.parametrize("stage", ["Source", "Build", "Deploy"])
def test_another_stage_prepares_nothing(stage: str) -> None:
    account, _ = entering(stage)
    assert account.clients["rds"].describe_db_snapshots(SnapshotType="manual")["DBSnapshots"] == []


@in_moto
def test_a_failed_deployment_opens_the_incident_of_the_stacks_it_changed() -> None:
    account, world = entering("PreDeployment")
    account.clients["cloudformation"].update_stack(
        StackName="orders-web", TemplateBody=TEMPLATE.replace("Web", "Other"), Tags=[{"Key": "by", "Value": "pipeline"}]
    )
    world.now = len(world.moments) - 1
    account.receive(world.events[-1][1])

    (record,) = every_incident(account.ledger, "orders")
    subject = record.incident.subject
    assert subject == PipelineDeployment("orders", "production", None, PIPELINE, EXECUTION)
    key = f"attempts/orders/{subject.attempt}/production/plan.json"
    plan = json.loads(account.clients["s3"].get_object(Bucket="artifacts", Key=key)["Body"].read())
    assert [(each["stack"], each["progress"], each["creates"]) for each in plan["stacks"]] == [
        ("web", "EXECUTING", False)
    ]
    message = account.messages()[0]
    assert "What it had deployed (web) is being rolled back." in message["what"]
    assert message["state"] == "open"


@in_moto
def test_codepipeline_s_own_rollback_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    world = WORLDS["failed in the deployment"]()
    structure = world.get_pipeline()
    structure["pipeline"]["stages"][-1]["onFailure"] = {"result": "ROLLBACK"}
    monkeypatch.setattr(world, "get_pipeline", lambda **_: structure)
    account = Account(world)
    world.now = len(world.moments) - 1
    account.receive(world.events[-1][1])
    assert account.ledger.incidents.open_ones() == []
    assert "CodePipeline rolls the stage back itself" in account.messages()[0]["what"]


@in_moto
@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("aws.codebuild/build_state_change.failed", Hint(*WHERE, "orders-pipeline")),
        ("aws.codedeploy/deployment_state_change.failure", Hint(*WHERE)),
        ("aws.codepipeline/stage_execution_state_change.failed", Hint(*WHERE, "orders-pipeline", EXECUTION)),
    ],
)
def test_other_services_events_hint_at_what_has_not_ended(path: str, hint: Hint) -> None:

    event = json.loads((EVENTS / f"{path}.json").read_text())
    assert hint_of(event) == hint
    world = WORLDS["failed in the build"]()
    account = Account(world)
    account.receive(world.events[0][1])
    world.now = len(world.moments) - 1
    assert account.receive(event) == [EXECUTION]
    assert account.ending()["told"] == ["pipeline-failed"]


# -- a pipeline elsewhere ----------------------------------------------------------------------------------------------

SPOKE = "111111111111"


class OfSpoke(Account):
    """An account whose stage is in another one, which has the world's pipeline."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(world)
        there, self.home = self.home, Aws(REGION, SESSION.client)
        self.asked: list[tuple[Power, str, str]] = []

        def at(aws: Aws, place: StagePlace | None, power: Power, session: Session) -> Aws:
            assert place is not None
            self.asked.append((power, str(place), session.name))
            return there

        monkeypatch.setattr(Aws, "at", at)
        elsewhere = f"{STAGE.replace('123456789012', SPOKE)}account: {SPOKE}\nregion: eu-central-1\n"
        name = "/belay/applications/orders/production"
        self.clients["ssm"].put_parameter(Name=name, Value=elsewhere, Type="String", Overwrite=True)
        self.files = boto3.client("s3", region_name="eu-central-1")
        constraint = {"LocationConstraint": "eu-central-1"}
        self.files.create_bucket(Bucket=f"{FILES}eu-central-1", CreateBucketConfiguration=constraint)

    def kept_there(self) -> list[str]:
        listed = self.files.list_objects_v2(Bucket=f"{FILES}eu-central-1").get("Contents", [])
        return [each["Key"].partition("/orders/")[0] for each in listed]


@in_moto
def test_a_pipeline_elsewhere_is_followed_there_and_its_failure_recovered_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = WORLDS["failed in the deployment"]()
    account = OfSpoke(world, monkeypatch)
    for moment, event in world.events:
        world.now = moment
        account.receive(event, SPOKE, "eu-central-1")
    assert set(account.asked) == {(Power.PIPELINE, f"account {SPOKE}, region eu-central-1", "orders-pipelines")}
    (opened,) = account.ledger.incidents.open_ones()
    record = account.ledger.incidents.get("orders", opened.incident)
    assert record is not None
    assert (record.incident.place and record.incident.place.account) == SPOKE
    assert set(account.kept_there()) == {f"spokes/{SPOKE}/attempts"}, "CloudFormation reads baselines there"


@in_moto
@pytest.mark.parametrize(("event_of", "region"), [("123456789012", REGION), (SPOKE, REGION), ("222222222222", REGION)])
def test_an_event_of_another_place_s_pipeline_of_the_same_name_hints_at_nothing(
    event_of: str, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = WORLDS["failed in the deployment"]()
    account = OfSpoke(world, monkeypatch)
    world.now = len(world.moments) - 1
    assert account.receive(world.events[-1][1], event_of, region) == []
    assert account.ledger.pipelines.get("orders", "production", EXECUTION) is None


@in_moto
def test_at_home_an_event_of_another_account_hints_at_nothing() -> None:
    world = WORLDS["failed in the deployment"]()
    account = Account(world)
    world.now = len(world.moments) - 1
    assert account.receive(world.events[-1][1], SPOKE) == []
    assert account.receive(world.events[-1][1]) == [EXECUTION]


def test_a_build_that_no_pipeline_asked_for_hints_at_nothing() -> None:

    event = json.loads((EVENTS / "aws.codebuild/build_state_change.failed.json").read_text())
    event["detail"]["additional-information"]["initiator"] = "mary"
    assert hint_of(event) is None


# -- a failed stack of a stage that has a pipeline ---------------------------------------------------------------------


def failed_stack(account: Account) -> str | None:
    """The result of CloudFormation's event about the registered stack, from an operation without a token."""
    stack_id = account.clients["cloudformation"].describe_stacks(StackName="orders-web")["Stacks"][0]["StackId"]
    return account.failed_stacks.take_up(stack_id, StackStatus.UPDATE_ROLLBACK_COMPLETE, "no capacity", None)


@in_moto
def test_the_pipeline_answers_for_the_stacks_that_it_deploys() -> None:
    account, world = entering("Deploy")
    world.now += 1
    account.receive(world.events[world.now][1])
    assert failed_stack(account) is None, "it is deploying: its own failure will tell"

    world.now = len(world.moments) - 1
    account.receive(world.events[-1][1])
    assert failed_stack(account) is None, "its failure was answered, and the operation is known as its own"
    assert len(account.ledger.incidents.open_ones()) == 1


@in_moto
def test_somebody_else_s_failure_is_taken_up_while_the_pipeline_rests() -> None:
    account = Account(WORLDS["succeeded"]())
    assert failed_stack(account) is not None


# -- the Invoke action that rolls back ---------------------------------------------------------------------------------


def asks(account: Account, token: str | None = None) -> Success:
    event = json.loads((EVENTS / "aws.codepipeline" / "job.json").read_text())
    asked = {"application": "orders", "stage": "production", "execution": EXECUTION}
    data = event["CodePipeline.job"]["data"]
    data["actionConfiguration"]["configuration"]["UserParameters"] = json.dumps(asked)
    data["continuationToken"] = token
    pipelines = Pipelines(account.world)
    return RollbackJobs(account.registrations, pipelines, account.ledger, account.recovery).take_back(parse_job(event))


@in_moto
def test_it_takes_nothing_back_in_a_stage_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    account = OfSpoke(WORLDS["succeeded"](), monkeypatch)
    with pytest.raises(InvalidActionConfiguration, match=r"is registered in account 111111111111, .* leave it out"):
        asks(account)
    assert account.ledger.incidents.open_ones() == []


def incident_in(account: Account) -> Incident:
    (record,) = every_incident(account.ledger, "orders")
    return record.incident


def deployed() -> Account:
    world = WORLDS["succeeded"]()
    account = Account(world)
    tags = [{"Key": "by", "Value": "pipeline"}]
    template = TEMPLATE.replace("Web", "Other")
    account.clients["cloudformation"].update_stack(StackName="orders-web", TemplateBody=template, Tags=tags)
    world.now = len(world.moments) - 1
    return account


@in_moto
def test_a_rollback_that_a_pipeline_asks_for_is_begun_once_and_waited_for() -> None:
    account = deployed()
    assert asks(account) == Success("rolling back web", "0")
    opened = [each.incident for each in account.ledger.incidents.open_ones()]
    assert asks(account, "0").continuation_token == "1"
    assert [each.incident for each in account.ledger.incidents.open_ones()] == opened

    account.ledger.incidents.close(incident_in(account), Outcome.ROLLED_BACK, ASKED, "2026-03-02T09:00:00.000+00:00")
    assert asks(account, "1") == Success(f"what {EXECUTION} had deployed to production was rolled back")


@in_moto
@pytest.mark.parametrize(
    ("job", "refused"),
    [
        ({"pipelineName": "billing-pipeline", "pipelineExecutionId": EXECUTION}, "found one of billing-pipeline"),
        ({"pipelineName": PIPELINE, "pipelineExecutionId": EXECUTION.replace("1", "2")}, "the job's own execution"),
    ],
)
def test_a_job_takes_back_its_own_execution_only(job: dict[str, str], refused: str) -> None:
    account = deployed()
    account.world.job = job
    with pytest.raises(InvalidActionConfiguration, match=refused):
        asks(account)
    assert account.ledger.incidents.open_ones() == []


@in_moto
def test_a_job_whose_execution_is_not_told_is_its_pipeline_s() -> None:
    account = deployed()
    account.world.job = {"pipelineName": PIPELINE}
    assert asks(account) == Success("rolling back web", "0")


@in_moto
def test_a_rollback_that_needs_a_person_fails_the_action() -> None:
    account = deployed()
    asks(account)
    incident = incident_in(account)
    account.ledger.incidents.close(incident, Outcome.NEEDS_OPERATOR, ASKED, "2026-03-02T09:00:00.000+00:00")
    with pytest.raises(RollbackFailed, match=f"the incident {incident.name} ended NEEDS_OPERATOR"):
        asks(account, "1")


@in_moto
def test_where_nothing_was_deployed_there_is_nothing_to_take_back() -> None:
    account = Account(WORLDS["succeeded"]())
    assert asks(account).summary.endswith("has changed no stack of production: nothing to roll back")
    assert account.ledger.incidents.open_ones() == []


@in_moto
def test_what_the_next_execution_does_to_a_stack_is_not_this_one_s_to_take_back() -> None:
    account = deployed()
    account.world.after_it = timedelta(minutes=5)
    assert asks(account).summary.endswith("nothing to roll back")
    assert account.ledger.incidents.open_ones() == []


@in_moto
def test_an_execution_that_cannot_be_looked_at_keeps_no_other_of_its_pipeline() -> None:
    account, _ = entering("Deploy")
    looked: list[str] = []

    def look(_: PipelineExecutions, __: Any, ___: Any, execution: str) -> None:
        looked.append(execution)
        if execution == "broken":
            raise KeyError("stages")

    for execution in ("broken", "other"):
        account.ledger.pipelines.follow("orders", "production", execution, deploying=False)
    with (
        patch.object(PipelineExecutions, "look", look),
        pytest.raises(ExceptionGroup, match="1 pipelines could not be followed"),
    ):
        account.sweep()
    assert {"broken", "other"} <= {*looked}
