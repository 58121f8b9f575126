import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber

from belay.aws.sns import Topic
from belay.errors import AccessDenied, AwsFault
from belay.notify.message import Deployment, Message, release_ended
from belay.release.ledger import Outcome


@pytest.fixture
def message() -> Message:
    return release_ended(Outcome.ROLLED_BACK, Deployment("orders", "1.3.0", "production"), cause="It failed: über")


def test_a_program_receives_a_document_and_can_filter_it(simulated: Callable[[str], Any], message: Message) -> None:
    sns, sqs = simulated("sns"), simulated("sqs")
    topic = sns.create_topic(Name="belay")["TopicArn"]
    queues = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("rolled-back", "deployed")}
    for name, url in queues.items():
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        wanted = {"application": ["orders"], "outcome": [name.upper().replace("-", "_")]}
        sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"FilterPolicy": json.dumps(wanted), "RawMessageDelivery": "true"},
        )
    Topic(sns, topic).publish(message)
    (received,) = sqs.receive_message(QueueUrl=queues["rolled-back"])["Messages"]
    assert json.loads(received["Body"])["cause"] == "It failed: über"
    assert "Messages" not in sqs.receive_message(QueueUrl=queues["deployed"])


def test_what_is_published_is_what_sns_takes(stubbed: Callable[[str], tuple[Any, Stubber]], message: Message) -> None:
    client, stub = stubbed("sns")
    stub.add_response("publish", {"MessageId": "m"})
    Topic(client, "arn:aws:sns:eu-west-1:111122223333:belay").publish(message)


@pytest.mark.parametrize(
    ("code", "status", "fault"),
    [("AuthorizationError", 403, AccessDenied), ("KMSAccessDenied", 400, AccessDenied), ("NotFound", 404, AwsFault)],
)
def test_a_message_that_could_not_be_published_is_a_fault(
    stubbed: Callable[[str], tuple[Any, Stubber]], message: Message, code: str, status: int, fault: type[AwsFault]
) -> None:
    client, stub = stubbed("sns")
    stub.add_client_error("publish", code, http_status_code=status)
    with pytest.raises(fault) as caught:
        Topic(client, "arn:aws:sns:eu-west-1:111122223333:belay").publish(message)
    assert caught.value.operation == "SNS.Publish"
