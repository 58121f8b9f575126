"""The on-call subscriber receives the topic's messages, and prints them for people."""

import json

import boto3
from moto import mock_aws

from local.demo_inbox import Inbox


@mock_aws
def test_the_inbox_receives_in_order_and_once() -> None:
    session = boto3.Session(region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    sns, sqs = session.client("sns"), session.client("sqs")
    topic = sns.create_topic(Name="releases")["TopicArn"]
    inbox = Inbox.subscribe(sqs, sns, topic, "on-call")
    sns.publish(TopicArn=topic, Subject="STARTED: orders", Message="It begins.")
    sns.publish(
        TopicArn=topic,
        Subject="DEPLOYED: orders",
        MessageStructure="json",
        Message=json.dumps({"default": "for people", "sqs": json.dumps({"text": "It is deployed."})}),
        MessageAttributes={"outcome": {"DataType": "String", "StringValue": "DEPLOYED"}},
    )

    received = inbox.receive("DEPLOYED", seconds=5)

    assert [(each.subject, each.text, each.attributes) for each in received] == [
        ("STARTED: orders", "It begins.", {}),
        ("DEPLOYED: orders", "It is deployed.", {"outcome": "DEPLOYED"}),
    ]
    assert inbox.receive("DEPLOYED", seconds=0) == []
