import json

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def subscriber(aws, unique):
    """``subscriber(topic, **attributes)`` returns a function: the messages that reached a new queue so far."""
    sqs, sns = aws("sqs"), aws("sns")

    def subscribe(topic, **attributes):
        queue = sqs.create_queue(QueueName=unique("subscriber"))["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)

        def received():
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
            return answer.get("Messages", [])

        return received

    return subscribe


def attribute(value):
    return {"DataType": "String", "StringValue": value}


def test_each_protocol_gets_its_own_body_and_subscribers_are_filtered_by_attributes(aws, subscriber, unique, until):
    topic = aws("sns").create_topic(Name=unique("topic"))["TopicArn"]
    everything = subscriber(topic)
    raw = subscriber(topic, RawMessageDelivery="true", FilterPolicy=json.dumps({"outcome": ["ROLLED_BACK"]}))
    other = subscriber(topic, FilterPolicy=json.dumps({"outcome": ["DEPLOYED"]}))

    aws("sns").publish(
        TopicArn=topic,
        Subject="orders 1.3.0 production: ROLLED_BACK",
        MessageStructure="json",
        Message=json.dumps({"default": "text for people", "sqs": json.dumps({"outcome": "ROLLED_BACK"})}),
        MessageAttributes={"outcome": attribute("ROLLED_BACK"), "application": attribute("orders")},
    )

    wrapped = json.loads(until(everything, bool)[0]["Body"])
    assert wrapped["Subject"] == "orders 1.3.0 production: ROLLED_BACK"
    assert json.loads(wrapped["Message"]) == {"outcome": "ROLLED_BACK"}
    assert wrapped["MessageAttributes"]["application"] == {"Type": "String", "Value": "orders"}
    bare = until(raw, bool)[0]
    assert json.loads(bare["Body"]) == {"outcome": "ROLLED_BACK"}
    assert bare["MessageAttributes"]["outcome"]["StringValue"] == "ROLLED_BACK"
    assert other() == []


@pytest.mark.parametrize("subject", ["x" * 100, "two\nlines"])
def test_a_subject_outside_snss_rules_is_refused(aws, unique, subject):
    topic = aws("sns").create_topic(Name=unique("topic"))["TopicArn"]

    with pytest.raises(ClientError) as refused:
        aws("sns").publish(TopicArn=topic, Subject=subject, Message="text")

    assert refused.value.response["Error"]["Code"] == "InvalidParameter"


def test_parameters_are_read_by_path_and_page_by_page(aws, unique):
    ssm, root = aws("ssm"), f"/{unique('belay')}"
    for number in range(12):
        ssm.put_parameter(Name=f"{root}/orders/{number:02}", Value=str(number), Type="String")
    ssm.put_parameter(Name=f"{root}/orders/deeper/stage", Value="x", Type="String")

    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=f"{root}/orders", Recursive=False)

    assert [each["Value"] for page in pages for each in page["Parameters"]] == [str(number) for number in range(12)]
    recursive = ssm.get_parameters_by_path(Path=root, Recursive=True, MaxResults=10)
    assert len(recursive["Parameters"]) == 10
    assert recursive["NextToken"]


def test_a_parameter_has_a_size(aws, unique):
    with pytest.raises(ClientError) as refused:
        aws("ssm").put_parameter(Name=unique("parameter"), Value="x" * 4097, Type="String")

    assert refused.value.response["Error"]["Code"] == "ValidationException"


@pytest.fixture
def table(aws, unique):
    name = unique("ledger")
    aws("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def item(key, **values):
    return {"pk": {"S": key}, "sk": {"S": "#"}, **{name: {"N": str(value)} for name, value in values.items()}}


def test_conditional_writes_let_one_of_two_claims_win_and_show_the_winner(aws, table):
    dynamodb = aws("dynamodb")
    claim = {"TableName": table, "ConditionExpression": "attribute_not_exists(pk) OR expires < :now"}
    now = {"ExpressionAttributeValues": {":now": {"N": "100"}}}
    dynamodb.put_item(**claim, **now, Item=item("lock", token=1, expires=200))

    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as refused:
        dynamodb.put_item(
            **claim, **now, Item=item("lock", token=2, expires=300), ReturnValuesOnConditionCheckFailure="ALL_OLD"
        )

    assert refused.value.response["Item"]["token"] == {"N": "1"}


def test_a_counter_is_raised_and_returned(aws, table):
    raised = [
        aws("dynamodb").update_item(
            TableName=table,
            Key=item("lock"),
            UpdateExpression="ADD fence :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )["Attributes"]["fence"]["N"]
        for _ in range(2)
    ]

    assert raised == ["1", "2"]


def test_a_transaction_is_all_or_nothing_and_says_which_condition_failed(aws, table):
    dynamodb = aws("dynamodb")
    dynamodb.put_item(TableName=table, Item=item("taken"))
    puts = [
        {"Put": {"TableName": table, "Item": item(key), "ConditionExpression": "attribute_not_exists(pk)"}}
        for key in ("free", "taken")
    ]

    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as refused:
        dynamodb.transact_write_items(TransactItems=puts)

    assert [reason["Code"] for reason in refused.value.response["CancellationReasons"]] == [
        "None",
        "ConditionalCheckFailed",
    ]
    assert "Item" not in dynamodb.get_item(TableName=table, Key=item("free"))


def test_a_transaction_with_a_client_token_is_carried_out_once(aws, table):
    add = {
        "Update": {
            "TableName": table,
            "Key": item("count"),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }

    for _ in range(2):
        aws("dynamodb").transact_write_items(TransactItems=[add], ClientRequestToken="once")

    assert aws("dynamodb").get_item(TableName=table, Key=item("count"))["Item"]["n"] == {"N": "1"}
