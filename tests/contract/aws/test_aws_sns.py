import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import Stubber

from belay.aws.sns import Notifications
from belay.control.topics import Topic
from belay.errors import AccessDenied, AwsFault, ServiceUnavailable
from belay.ledger.ledger import Ledger
from belay.ledger.messages import MOST
from belay.notify.deployment import Deployment
from belay.notify.message import Message
from belay.notify.releases import deployment_started, release_ended
from belay.notify.sent import NOT_KEPT, SentMessage
from belay.release.reason import Fault
from belay.release.records import Outcome

ORDERS = Deployment("orders", "1.3.0", "production", thread="orders-0f1e")


@pytest.fixture
def message() -> Message:
    return release_ended(Outcome.ROLLED_BACK, ORDERS, reason=Fault("Odd", "It failed: über"))


def test_a_program_receives_a_document_and_can_filter_it(
    simulated: Callable[[str], Any], ledger: Ledger, message: Message
) -> None:
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
    Topic(Notifications(sns), topic, ledger).publish(message, ())
    (received,) = sqs.receive_message(QueueUrl=queues["rolled-back"])["Messages"]
    assert json.loads(received["Body"])["cause"]["why"] == "It failed: über"
    assert "Messages" not in sqs.receive_message(QueueUrl=queues["deployed"])


TOPIC = "arn:aws:sns:eu-west-1:111122223333:belay"


def test_what_is_published_is_what_sns_takes_and_it_is_told_once(
    stubbed: Callable[[str], tuple[Any, Stubber]], ledger: Ledger, message: Message
) -> None:
    client, stub = stubbed("sns")
    stub.add_response("publish", {"MessageId": "m"})
    Topic(Notifications(client), TOPIC, ledger).publish(message, ())
    Topic(Notifications(client), TOPIC, ledger).publish(message, ())


def test_messages_of_a_thread_are_numbered_in_order_and_a_failed_one_keeps_its_number(
    stubbed: Callable[[str], tuple[Any, Stubber]], ledger: Ledger, message: Message
) -> None:
    client, stub = stubbed("sns")
    sent: list[dict[str, Any]] = []
    client.meta.events.register("provide-client-params.sns.Publish", lambda params, **_: sent.append(params))
    started = deployment_started(ORDERS, changes=["stack network: new"], replaces={})
    stub.add_client_error("publish", "InternalError", http_status_code=500)
    stub.add_response("publish", {"MessageId": "1"})
    stub.add_response("publish", {"MessageId": "2"})
    with pytest.raises(ServiceUnavailable):
        Topic(Notifications(client), TOPIC, ledger).publish(started, ())
    Topic(Notifications(client), TOPIC, ledger).publish(message, ())
    Topic(Notifications(client), TOPIC, ledger).publish(started, ())
    told = [json.loads(json.loads(each["Message"])["sqs"]) for each in sent[1:]]
    assert [(each["kind"], each["sequence"], each["closes"]) for each in told] == [
        ("release-ended", 2, [1]),
        ("deployment-started", 1, []),
    ]


def test_other_threads_have_numbers_of_their_own(ledger: Ledger) -> None:
    assert ledger.threads.number("orders-1", "release-ended/ended").number_of("release-ended/ended") == 1
    assert ledger.threads.number("orders-2", "release-ended/ended").number_of("release-ended/ended") == 1


@pytest.mark.parametrize(
    ("code", "status", "fault"),
    [("AuthorizationError", 403, AccessDenied), ("KMSAccessDenied", 400, AccessDenied), ("NotFound", 404, AwsFault)],
)
def test_a_message_that_could_not_be_published_is_a_fault(
    stubbed: Callable[[str], tuple[Any, Stubber]],
    ledger: Ledger,
    message: Message,
    *,
    code: str,
    status: int,
    fault: type[AwsFault],
) -> None:
    client, stub = stubbed("sns")
    stub.add_client_error("publish", code, http_status_code=status)
    with pytest.raises(fault) as caught:
        Topic(Notifications(client), TOPIC, ledger).publish(message, ())
    assert caught.value.operation == "SNS.Publish"


def published(
    stubbed: Callable[[str], tuple[Any, Stubber]], ledger: Ledger, *messages: Message
) -> list[dict[str, Any]]:
    """Publish messages, and return the documents that programs received."""
    client, stub = stubbed("sns")
    sent: list[dict[str, Any]] = []
    client.meta.events.register("provide-client-params.sns.Publish", lambda params, **_: sent.append(params))
    for message in messages:
        stub.add_response("publish", {"MessageId": "m"})
        Topic(Notifications(client), TOPIC, ledger).publish(message, ())
    return [json.loads(json.loads(each["Message"])["https"]) for each in sent]


def test_what_was_sent_is_kept_word_for_word(
    stubbed: Callable[[str], tuple[Any, Stubber]], ledger: Ledger, message: Message
) -> None:
    sent = published(stubbed, ledger, deployment_started(ORDERS, changes=["stack network: new"], replaces={}), message)
    kept = ledger.messages.of_thread("orders-0f1e")
    assert [each.document for each in kept] == sent
    assert [(each.number, each.topic, each.subject) for each in kept] == [
        (1, TOPIC, "STARTED: orders 1.3.0 (production)"),
        (2, TOPIC, "ROLLED_BACK: orders 1.3.0 in production"),
    ]
    assert "It failed: über" in kept[1].text
    assert ledger.messages.of_thread("orders-other") == []


def test_a_message_that_is_sent_again_is_kept_once_as_it_was_first_sent(
    stubbed: Callable[[str], tuple[Any, Stubber]],
    ledger: Ledger,
    message: Message,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as crashed:
        crashed.setattr(ledger.threads, "told", lambda *_: None)
        published(stubbed, ledger, message)
    (first,) = ledger.messages.of_thread("orders-0f1e")
    published(stubbed, ledger, message)
    assert ledger.messages.of_thread("orders-0f1e") == [first]


def test_a_link_that_answers_is_sent_and_not_kept(
    stubbed: Callable[[str], tuple[Any, Stubber]], ledger: Ledger
) -> None:
    link = "https://answers.example/?token="
    asks = release_ended(Outcome.ROLLED_BACK, ORDERS, done=[f"open {link}c2VjcmV0, or not"])
    (sent,) = published(stubbed, ledger, replace(asks, withheld=link))
    (kept,) = ledger.messages.of_thread("orders-0f1e")
    assert "c2VjcmV0" in json.dumps(sent)
    assert "c2VjcmV0" not in json.dumps(kept.document)
    assert kept.document["done"] == [f"open {NOT_KEPT} or not"]


def test_a_message_that_cannot_be_kept_is_sent_once_and_said_in_the_log(
    stubbed: Callable[[str], tuple[Any, Stubber]],
    ledger: Ledger,
    message: Message,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(thread: str, sent: SentMessage) -> None:
        raise ServiceUnavailable("DynamoDB.UpdateItem", "InternalServerError", "later")

    monkeypatch.setattr(ledger.messages, "keep", refuse)
    assert len(published(stubbed, ledger, message)) == 1
    client, _ = stubbed("sns")
    Topic(Notifications(client), TOPIC, ledger).publish(message, ())
    assert "of the thread orders-0f1e was sent, but could not be kept" in caplog.text


def test_messages_expire_and_only_the_newest_of_a_long_thread_are_read(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sent(number: int) -> SentMessage:
        return SentMessage(f"2026-03-02T10:00:{number % 60:02}.000+00:00", TOPIC, {"sequence": number})

    for number in range(1, MOST + 3):
        ledger.messages.keep("orders-findings", sent(number))
    assert [each.number for each in ledger.messages.of_thread("orders-findings")] == [*range(3, MOST + 3)]
    monkeypatch.setenv("HISTORY_DAYS", "0")
    ledger.messages.keep("orders-old", sent(1))
    assert ledger.messages.of_thread("orders-old") == []
