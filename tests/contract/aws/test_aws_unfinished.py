"""Ends announced once, incidents opened once, and dead executions' work finished, on an AWS simulated by moto."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from moto.cloudformation.models import cloudformation_backends
from simulated_ledger import accepted, bring, empty_ledger, end_stage

from belay.approval.asked import AskedApproval, GivenAnswer
from belay.approval.seal import Seal
from belay.aws.gateways import Aws
from belay.aws.s3 import ArtifactBucket
from belay.aws.sns import Notifications
from belay.aws.ssm import ParameterStore
from belay.aws.stepfunctions import Executions
from belay.control.application_topics import ApplicationTopics
from belay.control.closing import Closing, ended
from belay.control.endings import Endings
from belay.control.incidents import Incidents
from belay.control.places import Places
from belay.control.recovery import Recovery
from belay.control.registrations import Registrations
from belay.control.unfinished import Unfinished
from belay.control.unhealthy import Unhealthy
from belay.control.upload_ends import UploadEnds
from belay.control.wave_endings import WaveEndings
from belay.errors import AwsFault, MissingDocument
from belay.ledger.incidents import IncidentRecord
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import Attempt
from belay.release.life import State
from belay.release.lock import Claim
from belay.release.place import Power
from belay.release.reason import from_document
from belay.release.records import Outcome, ReleaseReference, upload_of
from belay.release.waves import Waves
from belay.stack.plan import Progress, StackPlan, StagePlan
from belay.stack.status import StackStatus
from belay.subject.incident import Incident
from belay.subject.names import incident_of
from belay.subject.subjects import PipelineDeployment, foreign_operation

NOW = "2026-01-01T10:00:00.000+00:00"
ROLE = "arn:aws:iam::123456789012:role/belay/orders"
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:belay-rollback-stage"
STAGE = f"service_role: {ROLE}\nstacks: {{network: {{name: orders-network}}}}\n"
MANIFEST = f"""\
application: orders
version: 1.0.0
description: The orders service.
stacks: [{{name: network, template: network.yaml}}]
digests: {{network.yaml: {"a" * 64}}}
"""
UPLOAD = upload_of("orders", "releases-bucket", "releases/orders/1.0.0.zip", "v1", 4711)
RELEASE = ReleaseReference("orders", "1.0.0", "d" * 64, UPLOAD.attempt)
INCIDENT = incident_of(RELEASE.origin, "production")


class House:
    """A Belay with one registered application, one accepted release and one subscriber to each topic."""

    def __init__(self, simulated: Callable[[str], Any]) -> None:
        self.dynamodb, self.s3, self.ssm = simulated("dynamodb"), simulated("s3"), simulated("ssm")
        self.sns, self.sqs, self.states = simulated("sns"), simulated("sqs"), simulated("stepfunctions")
        self.s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
        self.states.create_state_machine(name="belay-rollback-stage", definition=definition, roleArn=ROLE)
        self.topic, self.inbox = self.subscribed("belay")
        self.ledger = empty_ledger(self.dynamodb)
        self.artifacts = ArtifactBucket(self.s3, "artifacts")
        self.incidents = Incidents(self.ledger, self.artifacts, Executions(self.states), MACHINE)
        registrations = Registrations(ParameterStore(self.ssm), ArtifactBucket(self.s3, "artifacts"))
        self.cloudformation = simulated("cloudformation")
        places = Places(Aws(), Power.LOOK, "recovery")
        self.closing = Closing(self.ledger, self.artifacts, places, Notifications(self.sns), self.topic)
        self.endings, self.unhealthy = self.closing.endings, self.closing.unhealthy
        self.waves = WaveEndings(self.ledger, self.artifacts, self.incidents)
        self.uploads = UploadEnds(self.ledger, self.endings, registrations)
        self.topics = ApplicationTopics(registrations, self.ledger, Notifications(self.sns), self.topic)
        self.unfinished = Unfinished(
            self.ledger, self.uploads, self.incidents, self.artifacts, self.closing, self.waves
        )
        self.register("stages: [test, production]\n")

    def subscribed(self, name: str) -> tuple[str, str]:
        topic, queue = self.sns.create_topic(Name=name)["TopicArn"], self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
        return str(topic), str(queue)

    def register(self, application: str) -> None:
        texts = {"orders": application, "orders/test": STAGE + "ephemeral: true\n", "orders/production": STAGE}
        for name, text in texts.items():
            self.ssm.put_parameter(Name=f"/belay/applications/{name}", Value=text, Type="String", Overwrite=True)

    def accept(self, application: str = "stages: [test, production]\n", waves: Waves = ()) -> None:
        accepted(self.ledger, UPLOAD, "1.0.0", RELEASE.digest, execution="execution-1", waves=waves)
        stages = {"test": STAGE + "ephemeral: true\n", "production": STAGE}
        document = AcceptedRelease.of("orders", MANIFEST, application, stages, {"network.yaml": {}})
        self.artifacts.put_json(RELEASE.document_key, document.to_dict())

    def in_stage(self, application: str = "stages: [test, production]\n") -> None:
        """Accept the release and take it into production."""
        self.accept(application)
        bring(self.ledger, RELEASE, "production", State.PLANNING)

    def attempt(self) -> Attempt:
        attempt = self.ledger.attempts.get(UPLOAD)
        assert attempt is not None
        return attempt

    def messages(self, queue: str | None = None) -> list[dict[str, Any]]:
        """What a program received since the last call."""
        received = self.sqs.receive_message(QueueUrl=queue or self.inbox, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in received.get("Messages", [])]

    def told(self) -> list[tuple[str, str | None]]:
        return [(message["kind"], message.get("outcome")) for message in self.messages()]

    def recoveries(self) -> list[str]:
        return sorted(each["name"] for each in self.states.list_executions(stateMachineArn=MACHINE)["executions"])

    def stack(self, name: str) -> str:
        """Create a stack. Returns its id."""
        template = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
        return str(self.cloudformation.create_stack(StackName=name, TemplateBody=template)["StackId"])

    def stands(self, stack_id: str, status: StackStatus) -> None:
        """Put a stack into a status that moto's stacks never reach."""
        cloudformation_backends["123456789012"]["eu-west-1"].stacks[stack_id].status = status.value

    def open(self) -> list[str]:
        uploads = ["UPLOAD" for _ in self.ledger.attempts.open_ones()]
        return [*uploads, *("INCIDENT" for _ in self.ledger.incidents.open_ones())]


def recorded(house: House, name: str = INCIDENT) -> IncidentRecord:
    """The ledger's record of an incident."""
    record = house.ledger.incidents.get("orders", name)
    assert record is not None
    return record


def closed(house: House, unhealthy: Unhealthy | None = None) -> list[str]:
    """The incidents that one check of each watched incident closes."""
    names = [(unhealthy or house.unhealthy).close_if_healthy(each) for each in house.ledger.incidents.watched()]
    return [name for name in names if name is not None]


@pytest.fixture
def house(simulated: Callable[[str], Any]) -> House:
    return House(simulated)


# -- ends --------------------------------------------------------------------------------------------------------------


def test_an_end_is_told_once_however_often_it_is_seen(house: House) -> None:
    house.in_stage()
    attempt = house.attempt()
    house.endings.close(attempt, Outcome.ROLLED_BACK, reason=from_document("it failed"))
    house.endings.close(attempt, Outcome.ROLLED_BACK, reason=from_document("it failed"))
    house.endings.close(attempt, Outcome.DEPLOYED, reason=None)
    assert house.told() == [("release-ended", "ROLLED_BACK")]
    assert house.open() == []
    assert house.attempt().outcome is Outcome.ROLLED_BACK


def test_an_end_that_could_not_be_told_is_told_the_next_time(house: House) -> None:
    house.accept()
    nowhere = Endings(house.ledger, house.artifacts, Notifications(house.sns), f"{house.topic}-gone")
    with pytest.raises(AwsFault):
        nowhere.close(house.attempt(), Outcome.REJECTED, reason=from_document("refused"))
    assert house.open() == ["UPLOAD"]
    assert house.unfinished.take_up_attempt(house.attempt(), from_document("unused")) == "orders 1.0.0"
    assert house.told() == [("release-ended", "REJECTED")]
    assert house.open() == []


def test_what_was_refused_for_its_topic_is_told_on_belay_s(house: House) -> None:
    house.ledger.attempts.claim(UPLOAD, "execution-1", NOW)
    foreign = house.topic.replace("eu-west-1", "us-east-1")
    house.endings.close(house.attempt(), Outcome.REJECTED, reason=from_document("refused"), topic=foreign)
    assert house.told() == [("release-ended", "REJECTED")]


def test_an_application_s_own_topic_is_told_and_no_other(house: House) -> None:
    topic, queue = house.subscribed("orders")
    house.in_stage(f"stages: [test, production]\ntopic: {topic}\n")
    house.endings.close(house.attempt(), Outcome.DEPLOYED, reason=None)
    assert [message["outcome"] for message in house.messages(queue)] == ["DEPLOYED"]
    assert house.told() == []


def test_what_runs_now_is_told(house: House) -> None:
    house.in_stage()
    end_stage(house.ledger, accepted(house.ledger, replace(UPLOAD, version_id="v0"), "0.9.0"))
    house.endings.close(house.attempt(), Outcome.ROLLED_BACK, reason=from_document("it failed"))
    (message,) = house.messages()
    assert "production runs 0.9.0" in message["what"]
    assert "it failed" in json.dumps(message["cause"])


def test_who_approved_what_was_deployed_is_told(house: House) -> None:
    house.in_stage()
    ask = AskedApproval("production", RELEASE.attempt, "token", NOW, NOW, four_eyes=False, digest="d", seal=Seal({}))
    house.ledger.approvals.ask(RELEASE, ask)
    ann = "arn:aws:iam::123456789012:user/ann"
    house.ledger.approvals.answer(RELEASE, "production", GivenAnswer("approve", ann, NOW, "seen in test"))
    house.endings.close(house.attempt(), Outcome.DEPLOYED, reason=None)
    (message,) = house.messages()
    assert message["approvals"] == [f"production: approved by {ann}: seen in test"]


# -- incidents ---------------------------------------------------------------------------------------------------------


def test_a_failure_that_several_see_is_one_incident_with_one_recovery(house: House) -> None:
    house.in_stage()
    for reason in ("seen by the machine", "seen by the event", "seen by the sweep"):
        assert house.incidents.open_for_release(RELEASE, "production", from_document(reason)) == INCIDENT
    record = recorded(house)
    assert record.incident.reason == from_document("seen by the machine")
    assert record.incident.service_role == ROLE
    assert house.recoveries() == [INCIDENT]
    assert [each.words for each in house.ledger.attempts.history(house.attempt())].count("RECOVERING") == 1
    executions = {each.execution for each in house.ledger.incidents.open_ones()}
    assert executions == {f"{MACHINE.replace(':stateMachine:', ':execution:')}:{INCIDENT}"}


def test_an_incident_that_has_ended_is_not_recovered_again(house: House) -> None:
    house.in_stage()
    house.incidents.open_for_release(RELEASE, "production", from_document("it failed"))
    house.ledger.incidents.close(recorded(house).incident, Outcome.ROLLED_BACK, from_document("it failed"), NOW)
    house.ledger.incidents.announced(recorded(house).incident)
    house.incidents.open_for_release(RELEASE, "production", from_document("an event that came late"))
    assert house.recoveries() == [INCIDENT]
    assert house.unfinished.take_up_incident("orders", INCIDENT) is None


def test_an_incident_whose_end_was_not_told_is_ended_again(house: House) -> None:
    house.in_stage()
    house.incidents.open_for_release(RELEASE, "production", from_document("it failed"))
    house.ledger.incidents.close(recorded(house).incident, Outcome.ROLLED_BACK, from_document("it failed"), NOW)
    assert house.unfinished.take_up_incident("orders", INCIDENT) == INCIDENT
    assert len(house.recoveries()) == 2


def test_a_recovery_that_dies_is_begun_again_and_in_the_end_a_person_is_asked(house: House) -> None:
    house.in_stage()
    house.incidents.open_for_release(RELEASE, "production", from_document("it failed"))
    for _ in range(3):
        assert house.unfinished.take_up_incident("orders", INCIDENT) == INCIDENT
    assert house.recoveries() == sorted([INCIDENT, *(f"{INCIDENT[:76]}-{n}" for n in (1, 2, 3))])
    assert house.told() == []
    house.unfinished.take_up_incident("orders", INCIDENT)
    assert house.told() == [("release-ended", "NEEDS_OPERATOR")]
    assert len(house.recoveries()) == 4
    assert house.open() == []
    assert recorded(house).outcome is Outcome.NEEDS_OPERATOR


def test_a_foreign_incident_that_cannot_be_ended_needs_a_person(house: House) -> None:
    house.in_stage()
    stage = AcceptedRelease.from_dict(house.artifacts.require_json(RELEASE.document_key)).stages["production"]
    stack_id = house.stack("orders-network")
    house.stands(stack_id, StackStatus.UPDATE_FAILED)
    failed = foreign_operation(
        stage,
        "network",
        stack_id=stack_id,
        status=StackStatus.UPDATE_FAILED,
        token=None,
        operation="event-1",
        topic=None,
    )
    incident = Incident(failed.incident, failed, from_document("it failed"), ROLE)
    house.incidents.open(incident)
    for _ in range(4):
        house.unfinished.take_up_incident("orders", incident.name)
    (message,) = house.messages()
    assert (message["kind"], message["status"], message["state"]) == ("foreign-stack-failed", "UPDATE_FAILED", "open")
    assert "its recovery ended without a result 4 times" in json.dumps(message["cause"])
    assert "INCIDENT" not in house.open()
    assert [each.stack_ids for each in house.ledger.incidents.watched()] == [(stack_id,)], "until a person repaired it"


def failed_in_pipeline(house: House, stack_id: str) -> Incident:
    """Open the incident of a pipeline's execution that left a stack stuck."""
    subject = PipelineDeployment("orders", "production", None, "orders-pipeline", "4f7c")
    plan = StagePlan((StackPlan("network", "orders-network", progress=Progress.EXECUTING, stack_id=stack_id),))
    house.artifacts.put_json(subject.origin.stage_key("production", "plan.json"), plan.to_dict())
    incident = Incident("orders-production-4f7c", subject, from_document("it failed"), ROLE)
    house.incidents.open(incident)
    house.stands(stack_id, StackStatus.UPDATE_ROLLBACK_FAILED)
    return incident


def test_a_pipeline_s_incident_that_is_given_up_frees_the_stage(house: House) -> None:
    incident = failed_in_pipeline(house, house.stack("orders-network"))
    claim = Claim("orders", "production", incident.subject.attempt, incident.subject.label, "dead", incident.name)
    assert house.ledger.locks.acquire(claim, expires_at=4102444800, seen=None, now=NOW) == 1
    for _ in range(4):
        house.unfinished.take_up_incident("orders", incident.name)
    assert house.told() == [("pipeline-recovered", "NEEDS_OPERATOR")]
    assert house.ledger.locks.held() == []


@pytest.mark.parametrize("given_up", [False, True])
def test_a_pipeline_s_incident_stays_open_until_its_stacks_are_stable(house: House, given_up: bool) -> None:
    stack_id = house.stack("orders-network")
    incident = failed_in_pipeline(house, stack_id)
    if given_up:
        for _ in range(4):
            house.unfinished.take_up_incident("orders", incident.name)
    else:
        recovery = Recovery(recorded(house, incident.name), house.artifacts, house.ledger)
        house.closing.close(recovery, ended(recovery, Outcome.NEEDS_OPERATOR, None))
    assert house.told() == [("pipeline-recovered", "NEEDS_OPERATOR")]
    assert closed(house) == []

    house.stands(stack_id, StackStatus.UPDATE_ROLLBACK_COMPLETE)
    assert closed(house) == [incident.name]
    (healthy,) = house.messages()
    stays = "open" if given_up else "closed"
    assert (healthy["kind"], healthy["state"]) == ("healthy-again", stays), "whoever gave up left more than stacks"


# -- what a dead execution left ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "stage_outcome", "outcome"),
    [
        (None, None, "NEEDS_OPERATOR"),
        ("test", Outcome.DEPLOYED, "NEEDS_OPERATOR"),
        ("test", Outcome.REJECTED, "REJECTED"),
        ("production", Outcome.DEPLOYED, "DEPLOYED"),
    ],
)
def test_a_release_between_steps_gets_its_outcome(
    house: House, stage: str | None, stage_outcome: Outcome | None, outcome: str
) -> None:
    house.accept()
    if stage is not None and stage_outcome is not None:
        end_stage(house.ledger, RELEASE, stage, stage_outcome)
    house.unfinished.take_up_execution("execution-1", {"detail": {}})
    assert house.told() == [("release-ended", outcome)]
    assert house.recoveries() == []
    assert house.open() == []


@pytest.mark.parametrize(
    "state", [State.PLANNING, State.EXECUTING, State.VALIDATED, State.PIPELINE_STARTED, State.PIPELINE_ROLLING_BACK]
)
def test_a_release_in_the_middle_of_a_stage_gets_an_incident(house: House, state: State) -> None:
    house.accept()
    bring(house.ledger, RELEASE, "production", state)
    document = {"release": RELEASE.to_dict(), "stage": "production", "verdict": "PASS"}
    assert house.unfinished.take_up_execution("execution-2", document) == INCIDENT
    assert house.recoveries() == [INCIDENT]
    assert house.told() == []


def test_a_release_that_was_claimed_anew_is_not_ended_by_its_earlier_attempt(house: House) -> None:
    house.accept()
    earlier = ReleaseReference("orders", "1.0.0", RELEASE.digest, "an-earlier-one")
    document = {"release": earlier.to_dict(), "stage": "production"}
    assert house.unfinished.take_up_execution("execution-0", document) is None
    assert house.told() == []


def test_an_upload_of_which_no_release_came_gets_its_outcome(house: House) -> None:
    house.ledger.attempts.claim(UPLOAD, "execution-1", NOW)
    assert house.unfinished.take_up_execution("execution-1", {"detail": {}}) == "orders 1.0.0.zip"
    (message,) = house.messages()
    assert (message["application"], message["outcome"]) == ("orders", "NEEDS_OPERATOR")
    assert "nothing was changed" in json.dumps(message)
    assert house.open() == []


def test_a_refusal_that_could_not_be_told_is_told_as_it_was(house: House) -> None:
    house.ledger.attempts.claim(UPLOAD, "execution-1", NOW)
    house.ledger.attempts.close(house.attempt(), Outcome.REJECTED, from_document("this is not a zip archive"), NOW)
    (held_open,) = house.ledger.attempts.open_ones()
    house.unfinished.take_up(held_open)
    (message,) = house.messages()
    assert message["outcome"] == "REJECTED"
    assert "this is not a zip archive" in json.dumps(message)


def test_an_execution_that_holds_nothing_open_leaves_nothing(house: House) -> None:
    assert house.unfinished.take_up_execution("somebody-else-s", {"detail": {}}) is None
    assert house.told() == []


def test_a_release_whose_document_is_gone_is_a_fault_and_stays_open(house: House) -> None:
    house.accept()
    house.s3.delete_object(Bucket="artifacts", Key=RELEASE.document_key)
    with pytest.raises(MissingDocument):
        house.unfinished.take_up_attempt(house.attempt(), from_document("it died"))
    assert house.open() == ["UPLOAD"]


def test_a_late_event_of_an_earlier_recovery_starts_no_other(house: House) -> None:
    house.in_stage()
    house.incidents.open_for_release(RELEASE, "production", from_document("it is bad"))
    document = {"application": "orders", "stage": "production", "incident": INCIDENT}
    assert house.unfinished.take_up_execution(f"{MACHINE}:an-earlier-one", document) is None
    assert house.recoveries() == [INCIDENT]


def test_an_execution_that_another_continues_is_nobody_s_failure(house: House) -> None:
    house.accept()
    bring(house.ledger, RELEASE, "production", State.AWAITING_APPROVAL)
    document = {"release": RELEASE.to_dict(), "stage": "production"}
    started = {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "execution-1"}
    assert house.ledger.attempts.continue_in(RELEASE, "execution-1", "execution-2")
    assert house.unfinished.take_up_execution("execution-1", {}) is None
    assert house.unfinished.take_up_execution("stage-1", {**document, **started}) is None
    assert house.recoveries() == []
    started["AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"] = "execution-2"
    assert house.unfinished.take_up_execution(f"{MACHINE}:x", {**document, **started}) == INCIDENT
