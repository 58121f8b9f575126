"""The Invoke actions that change or announce something, on moto's RDS, SNS and Parameter Store."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from modules import ROOT, function
from simulated_ledger import empty_ledger, remembered

from belay.aws.rds import Databases
from belay.aws.s3 import ArtifactBucket
from belay.aws.sns import Notifications
from belay.aws.ssm import ParameterStore
from belay.control.application_topics import ApplicationTopics
from belay.control.registrations import Registrations
from belay.control.snapshots import StageSnapshots
from belay.errors import InvalidRegistration, SnapshotFailed
from belay.pipeline.job import Job, Success, parse_job

SAMPLE: dict[str, Any] = json.loads((ROOT / "events" / "aws.codepipeline" / "job.json").read_text())
EXECUTION = "12345678-1234-5678-abcd-12345678abcd"
STAGE = {"application": "orders", "stage": "production", "execution": EXECUTION}
Aws = Callable[[str], Any]


def job(parameters: dict[str, Any], token: str | None = None) -> Job:
    event = copy.deepcopy(SAMPLE)
    data = event["CodePipeline.job"]["data"]
    data["actionConfiguration"]["configuration"]["UserParameters"] = json.dumps(parameters)
    data["continuationToken"] = token
    return parse_job(event)


@pytest.fixture
def registrations(simulated: Aws) -> Registrations:
    role = "service_role: arn:aws:iam::123456789012:role/belay/orders"
    production = f"""
{role}
stacks: {{web: {{name: orders-web}}}}
databases: [{{instance: orders-db}}]
pipeline: {{name: orders-pipeline, deployment_stage: Deploy}}
"""
    topic = simulated("sns").create_topic(Name="orders")["TopicArn"]
    texts = {
        "orders": f"{{stages: [test, production], topic: '{topic}'}}",
        "orders/test": f"{role}\nstacks: {{web: {{name: orders-test-web}}}}",
        "orders/production": production,
    }
    for name, text in texts.items():
        simulated("ssm").put_parameter(Name=f"/belay/applications/{name}", Value=text, Type="String")
    return Registrations(ParameterStore(simulated("ssm")), ArtifactBucket(simulated("s3"), "artifacts"))


@pytest.fixture
def take(simulated: Aws, registrations: Registrations) -> Callable[..., Success]:
    snapshots = StageSnapshots(Databases(simulated("rds")))
    app = function("snapshot_databases_action")

    def call(parameters: dict[str, Any], token: str | None = None) -> Success:
        found = app.take(snapshots, registrations, job(parameters, token))
        assert isinstance(found, Success)
        return found

    return call


def database(rds: Any) -> None:
    rds.create_db_instance(DBInstanceIdentifier="orders-db", DBInstanceClass="db.t3.micro", Engine="postgres")


def test_a_snapshot_is_taken_once_and_waited_for(simulated: Aws, take: Callable[..., Success]) -> None:
    database(simulated("rds"))

    first = take(STAGE)
    second = take(STAGE, first.continuation_token)

    assert (first.summary, first.continuation_token) == ("orders-db: being taken (looked 1 times)", "1")
    assert (second.summary, second.continuation_token) == ("orders-db: available", None)
    snapshots = simulated("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    tags = {tag["Key"]: tag["Value"] for tag in snapshots[0]["TagList"]}
    assert len(snapshots) == 1
    assert tags["belay:release"] == EXECUTION
    assert tags["belay:execution"] == f"orders-pipeline/{EXECUTION}"


def test_another_execution_has_a_snapshot_of_its_own(simulated: Aws, take: Callable[..., Success]) -> None:
    database(simulated("rds"))
    take(STAGE)
    take(STAGE | {"execution": EXECUTION.replace("1", "2")})
    assert len(simulated("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]) == 2


def test_before_the_first_deployment_there_is_no_database(take: Callable[..., Success]) -> None:
    assert take(STAGE) == Success("orders-db: no database yet")


def test_a_database_that_has_gone_fails_the_action(simulated: Aws, take: Callable[..., Success]) -> None:
    database(simulated("rds"))
    take(STAGE)
    simulated("rds").delete_db_instance(DBInstanceIdentifier="orders-db", SkipFinalSnapshot=True)
    with pytest.raises(SnapshotFailed, match="instance orders-db does not exist"):
        take(STAGE | {"execution": EXECUTION.replace("1", "2")})


def test_a_stage_without_a_pipeline_is_a_matter_of_configuration(take: Callable[..., Success]) -> None:
    with pytest.raises(InvalidRegistration, match="orders/test has no pipeline registered"):
        take(STAGE | {"stage": "test"})


@pytest.mark.parametrize(("application", "topic"), [("orders", "orders"), ("unheard-of", "belay")])
def test_a_message_goes_to_the_application_s_topic(
    simulated: Aws, registrations: Registrations, application: str, topic: str
) -> None:
    sns, sqs, app = simulated("sns"), simulated("sqs"), function("notify_action")
    default = sns.create_topic(Name="belay")["TopicArn"]
    queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=sns.create_topic(Name=topic)["TopicArn"], Protocol="sqs", Endpoint=arn)
    asked = {"application": application, "stage": "production", "message": "Review it.", "severity": "warning"}

    empty_ledger(simulated("dynamodb"))
    topics = ApplicationTopics(registrations, remembered()[0], Notifications(sns), default)
    told = app.tell(topics, job(asked | {"execution": EXECUTION}))
    app.tell(topics, job(asked | {"execution": EXECUTION}))

    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert len(received) == 1, "a second delivery of the same job tells nothing"
    envelope = json.loads(received[0]["Body"])
    body = json.loads(envelope["Message"])
    assert told.summary == f"sent: PIPELINE: {application} in production"
    assert envelope["Subject"] == f"PIPELINE: {application} in production"
    assert (body["what"], body["severity"], body["kind"], body["execution"]) == (
        "Review it.",
        "warning",
        "pipeline-notice",
        EXECUTION,
    )
