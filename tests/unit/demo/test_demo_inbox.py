"""The on-call subscriber receives what the topic is told, and writes it out for people."""

import json

import boto3
from moto import mock_aws

from local.demo_inbox import Inbox, readable


def test_a_message_for_programs_is_written_out() -> None:
    document = {
        "application": "orders",
        "what": "The release failed and was taken back.",
        "cause": "Payments: no such queue\nOrders: no such table",
        "done": ["service: the stack came back by itself", "network: updated to its baseline"],
        "left_to_do": ["Nothing."],
        "findings": [],
    }

    assert readable(json.dumps(document)).splitlines() == [
        "What happened: The release failed and was taken back.",
        "First cause:   Payments: no such queue",
        "               Orders: no such table",
        "What was done: service: the stack came back by itself",
        "               network: updated to its baseline",
        "Left to do:    Nothing.",
    ]


def test_other_text_stays_as_it_is() -> None:
    assert [readable(text) for text in ("Hello", "[1]", '{"unknown": 1}')] == ["Hello", "[1]", '{"unknown": 1}']


@mock_aws
def test_the_inbox_receives_in_order_and_once() -> None:
    session = boto3.Session(region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    sns, sqs = session.client("sns"), session.client("sqs")
    topic = sns.create_topic(Name="releases")["TopicArn"]
    inbox = Inbox.subscribe(sqs, sns, topic, "on-call")
    sns.publish(TopicArn=topic, Subject="STARTED: orders", Message=json.dumps({"what": "It begins."}))
    sns.publish(
        TopicArn=topic,
        Subject="DEPLOYED: orders",
        MessageStructure="json",
        Message=json.dumps({"default": "for people", "sqs": json.dumps({"what": "It is deployed."})}),
        MessageAttributes={"outcome": {"DataType": "String", "StringValue": "DEPLOYED"}},
    )

    received = inbox.receive("DEPLOYED", seconds=5)

    assert [(each.subject, each.text, each.attributes) for each in received] == [
        ("STARTED: orders", "What happened: It begins.", {}),
        ("DEPLOYED: orders", "What happened: It is deployed.", {"outcome": "DEPLOYED"}),
    ]
    assert inbox.receive("DEPLOYED", seconds=0) == []
