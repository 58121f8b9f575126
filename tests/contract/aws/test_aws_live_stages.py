"""A deployed stage validated repeatedly, on moto: drift, one message per finding, faults."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from modules import function
from simulated_ledger import accepted, empty_ledger, end_stage

from belay.aws.cloudformation import Stacks
from belay.aws.gateways import Aws as AccountAndRegion
from belay.aws.gateways import own_aws
from belay.aws.s3 import ArtifactBucket
from belay.aws.sns import Notifications
from belay.aws.ssm import ParameterStore
from belay.control.places import Places
from belay.control.registrations import Registrations
from belay.control.revalidations import Revalidations
from belay.errors import AwsFault, StagesNotValidated
from belay.ledger.ledger import Ledger
from belay.release.accepted import AcceptedRelease
from belay.release.lock import Claim
from belay.release.place import Power
from belay.release.records import ReleaseReference, upload_of

Aws = Callable[..., Any]
TODAY = date(2026, 1, 1)
TEMPLATE = b"""
Parameters: {Vpc: {Type: String}}
Resources:
  Web:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: Web
      VpcId: !Ref Vpc
      SecurityGroupIngress:
        - {IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0, Description: everybody}
"""
MANIFEST = f"""
application: orders
version: 1.0.0
stacks: [{{name: web, template: web.yaml}}]
digests: {{web.yaml: {hashlib.sha256(TEMPLATE).hexdigest()}}}
"""
SSH = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "me"}]}]


@dataclass
class Deployed:
    """An application deployed in one stage, with a queue subscribed to its topic."""

    aws: Aws
    revalidations: Revalidations
    registrations: Registrations
    ledger: Ledger
    release: ReleaseReference
    group: str
    topic: str
    queue: str

    def revalidate(self) -> str:
        (stage,) = self.registrations.read().stages
        return self.revalidations.revalidate(stage, TODAY)

    def heard(self) -> list[dict[str, Any]]:
        messages = self.aws("sqs").receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self.aws("sqs").delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(json.loads(message["Body"])["Message"]) for message in messages]

    def open_ssh(self, group: str | None = None) -> None:
        self.aws("ec2").authorize_security_group_ingress(GroupId=group or self.group, IpPermissions=SSH)

    def close_ssh(self) -> None:
        self.aws("ec2").revoke_security_group_ingress(GroupId=self.group, IpPermissions=SSH)


@pytest.fixture
def deployed(simulated: Aws) -> Deployed:
    vpc = simulated("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    simulated("cloudformation").create_stack(
        StackName="orders-web",
        TemplateBody=TEMPLATE.decode(),
        Parameters=[{"ParameterKey": "Vpc", "ParameterValue": vpc}],
    )
    described = simulated("cloudformation").describe_stack_resource(StackName="orders-web", LogicalResourceId="Web")
    topic = simulated("sns").create_topic(Name="belay")["TopicArn"]
    queue = simulated("sqs").create_queue(QueueName="heard")["QueueUrl"]
    queue_arn = simulated("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    simulated("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn["QueueArn"])
    application = "stages: [production]"
    stage = f"""
service_role: arn:aws:iam::123456789012:role/belay/orders
stacks: {{web: {{name: orders-web, parameters: {{Vpc: {vpc}}}}}}}
policies: {{waivers: []}}
"""
    for name, text in {"orders": application, "orders/production": stage}.items():
        simulated("ssm").put_parameter(Name=f"/belay/applications/{name}", Value=text, Type="String")
    simulated("s3").create_bucket(
        Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": simulated("s3").meta.region_name}
    )
    artifacts = ArtifactBucket(simulated("s3"), "artifacts")
    upload = upload_of("orders", "releases-bucket", "releases/orders/1.0.0.zip", "v1", 1)
    ledger = empty_ledger(simulated("dynamodb"))
    release = accepted(ledger, upload, "1.0.0", hashlib.sha256(MANIFEST.encode()).hexdigest())
    end_stage(ledger, release)
    document = AcceptedRelease.of("orders", MANIFEST, application, {"production": stage}, {"web.yaml": {"Vpc": False}})
    artifacts.put_json(release.document_key, document.to_dict())
    artifacts.put_bytes(release.member_key("web.yaml"), TEMPLATE)
    registrations = Registrations(ParameterStore(simulated("ssm")), ArtifactBucket(simulated("s3"), "artifacts"))
    places = Places(AccountAndRegion(), Power.LOOK, "revalidation")
    return Deployed(
        simulated,
        Revalidations(
            ledger, artifacts, registrations, places, sns=Notifications(simulated("sns")), default_topic=topic
        ),
        registrations,
        ledger,
        release,
        described["StackResourceDetail"]["PhysicalResourceId"],
        topic,
        queue,
    )


def test_a_stage_that_is_as_it_was_deployed_is_not_told(deployed: Deployed) -> None:
    assert deployed.revalidate() == "PASS"
    assert deployed.heard() == []


def test_a_finding_is_told_once_and_again_after_it_was_gone(deployed: Deployed) -> None:
    deployed.open_ssh()
    assert [deployed.revalidate() for _ in range(3)] == ["FAIL"] * 3
    (message,) = deployed.heard()
    assert message["kind"] == "findings-appeared"
    assert message["severity"] == "critical"
    assert {finding["why"] for finding in message["findings"]} >= {"ssh-open", "undeclared-rule"}
    assert all(deployed.group == finding["resource"] for finding in message["findings"])

    deployed.close_ssh()
    assert deployed.revalidate() == "PASS"
    assert deployed.ledger.findings.standing("orders", "production") == {}
    (gone,) = deployed.heard()
    assert (gone["kind"], gone["severity"], gone["state"], gone["closes"]) == ("findings-gone", "info", "closed", [1])
    assert len(gone["findings"]) == len(message["findings"])
    deployed.revalidate()
    assert deployed.heard() == []

    deployed.open_ssh()
    deployed.revalidate()
    assert len(deployed.heard()) == 1


def test_only_what_is_new_is_told(deployed: Deployed) -> None:
    deployed.open_ssh()
    deployed.revalidate()
    first = deployed.heard()[0]["findings"]
    office = [{"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": [{"CidrIp": "198.51.100.7/32"}]}]
    deployed.aws("ec2").authorize_security_group_ingress(GroupId=deployed.group, IpPermissions=office)
    deployed.revalidate()
    (message,) = deployed.heard()
    (finding,) = message["findings"]
    assert finding["why"] == "undeclared-rule"
    assert "198.51.100.7/32" in finding["what"]
    assert message["severity"] == "warning"
    assert f"{len(first)} reported before are still there" in message["what"]


def test_a_finding_whose_message_was_lost_is_told_the_next_time(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed.open_ssh()
    with monkeypatch.context() as broken:
        broken.setattr("belay.control.topics.Topic.publish", refuse)
        with pytest.raises(AwsFault):
            deployed.revalidate()
    deployed.revalidate()
    deployed.revalidate()
    assert len(deployed.heard()) == 1


def refuse(*arguments: object) -> None:
    raise AwsFault("SNS.Publish", "InternalError", "lost")


def test_the_first_time_a_finding_was_seen_is_kept(deployed: Deployed) -> None:
    deployed.open_ssh()
    deployed.revalidate()
    first = {name: item.first_seen for name, item in deployed.ledger.findings.standing("orders", "production").items()}
    deployed.revalidate()
    again = {name: item.first_seen for name, item in deployed.ledger.findings.standing("orders", "production").items()}
    assert first == again != {}


def test_a_stage_that_a_release_holds_is_left_to_it(deployed: Deployed) -> None:
    claim = Claim.of_release(deployed.release, "production", "e")
    deployed.ledger.locks.acquire(claim, expires_at=0, seen=None, now="2026-03-02T09:00:00.000+00:00")
    assert deployed.revalidate() == "A RELEASE IS IN PROGRESS"


def test_a_stack_that_is_gone_is_a_fault(deployed: Deployed) -> None:
    deployed.aws("cloudformation").delete_stack(StackName="orders-web")
    with pytest.raises(AwsFault):
        deployed.revalidate()
    assert deployed.heard() == []


def replicate(deployed: Deployed, region: str) -> str:
    """Create the stage's stack in another region as well, and register that region. Returns the group's id there."""
    vpc = deployed.aws("ec2", region_name=region).create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    cloudformation = deployed.aws("cloudformation", region_name=region)
    cloudformation.create_stack(
        StackName="orders-web",
        TemplateBody=TEMPLATE.decode(),
        Parameters=[{"ParameterKey": "Vpc", "ParameterValue": vpc}],
    )
    described = cloudformation.describe_stack_resource(StackName="orders-web", LogicalResourceId="Web")
    register(deployed, region)
    return str(described["StackResourceDetail"]["PhysicalResourceId"])


def register(deployed: Deployed, region: str) -> None:
    name = "/belay/applications/orders/production"
    text = deployed.aws("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    deployed.aws("ssm").put_parameter(
        Name=name, Value=f"{text}\nregions: [eu-west-1, {region}]", Type="String", Overwrite=True
    )


def test_every_region_of_a_stage_is_looked_at(deployed: Deployed) -> None:
    group = replicate(deployed, "eu-central-1")
    assert deployed.revalidate() == "PASS"
    deployed.aws("ec2", region_name="eu-central-1").authorize_security_group_ingress(GroupId=group, IpPermissions=SSH)
    assert deployed.revalidate() == "FAIL"
    (message,) = deployed.heard()
    places = {(found["path"], found["resource"]) for found in message["findings"]}
    assert places == {("production in eu-central-1", group)}
    deployed.open_ssh()
    deployed.revalidate()
    (message,) = deployed.heard()
    places = {(found["path"], found["resource"]) for found in message["findings"]}
    assert places == {("production in eu-west-1", deployed.group)}


def test_a_region_without_the_stack_is_a_fault(deployed: Deployed) -> None:
    register(deployed, "eu-central-1")
    with pytest.raises(AwsFault):
        deployed.revalidate()


def test_a_region_that_refuses_is_a_fault(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    replicate(deployed, "eu-central-1")
    asked = Stacks.list_resources

    def refused(stacks: Stacks, stack_id: str) -> list[dict[str, Any]]:
        if stacks._client.meta.region_name == "eu-central-1":
            raise AwsFault("CloudFormation.ListStackResources", "AccessDenied", "no")
        return asked(stacks, stack_id)

    monkeypatch.setattr(Stacks, "list_resources", refused)
    with pytest.raises(AwsFault, match="AccessDenied"):
        deployed.revalidate()
    assert deployed.heard() == []


@pytest.fixture
def handler(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, Any]], Any]]:
    """The function that the schedule invokes, with its environment."""
    monkeypatch.setenv("NOTIFICATION_TOPIC_ARN", deployed.topic)
    module = function("revalidate_stages")
    own_aws.cache_clear()
    yield lambda event: module.handler(event, None)
    own_aws.cache_clear()


def test_one_stage_s_fault_keeps_no_other_from_being_validated(
    deployed: Deployed, handler: Callable[[dict[str, Any]], Any]
) -> None:
    assert handler({}) == {"verdicts": {"orders/production": "PASS"}}
    ssm = deployed.aws("ssm")
    for suffix in ("", "/production"):
        text = ssm.get_parameter(Name=f"/belay/applications/orders{suffix}")["Parameter"]["Value"]
        ssm.put_parameter(Name=f"/belay/applications/broken{suffix}", Value=text, Type="String")
    upload = upload_of("broken", "uploads", "releases/broken/1.zip", "v1", 1)
    end_stage(deployed.ledger, accepted(deployed.ledger, upload, "1.0.0", deployed.release.digest))
    deployed.open_ssh()
    with pytest.raises(StagesNotValidated, match=r"^broken/production: MissingDocument: .*release\.json"):
        handler({})
    assert len(deployed.heard()) == 1
    assert handler({"application": "orders"}) == {"verdicts": {"orders/production": "FAIL"}}
    assert handler({"application": "orders", "stage": "test"}) == {"verdicts": {}}


def test_the_function_reaches_the_other_regions_itself(
    deployed: Deployed, handler: Callable[[dict[str, Any]], Any]
) -> None:
    group = replicate(deployed, "eu-central-1")
    deployed.aws("ec2", region_name="eu-central-1").authorize_security_group_ingress(GroupId=group, IpPermissions=SSH)
    assert handler({}) == {"verdicts": {"orders/production": "FAIL"}}
