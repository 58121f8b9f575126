import json
from datetime import UTC, datetime, timedelta

import pytest


def test_an_uploaded_objects_event_names_its_version(aws, caught, until, unique):
    s3, bucket = aws("s3"), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    events = caught(
        {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"wildcard": "releases/*/*.zip"}]}},
        }
    )

    s3.put_object(Bucket=bucket, Key="releases/not-a-zip.txt", Body=b"")
    made = s3.put_object(Bucket=bucket, Key="releases/orders/1.0.0 final+.zip", Body=b"release")

    detail = until(events, bool)[0]["detail"]
    assert detail["object"]["version-id"] == made["VersionId"]
    assert detail["object"]["key"] == "releases/orders/1.0.0 final+.zip"
    assert detail["object"]["size"] == 7
    assert detail["object"]["etag"] == made["ETag"].strip('"')
    assert int(detail["object"]["sequencer"], 16)
    assert (detail["version"], detail["reason"]) == ("0", "PutObject")
    assert detail["requester"]
    assert detail["request-id"]


def test_a_multipart_upload_is_one_created_object(aws, caught, until, unique):
    s3, bucket = aws("s3"), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    events = caught({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=1, Body=b"x" * 10)

    made = s3.complete_multipart_upload(
        Bucket=bucket,
        Key="big",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )

    detail = until(events, bool)[0]["detail"]
    assert (detail["reason"], detail["object"]["version-id"]) == ("CompleteMultipartUpload", made["VersionId"])


def test_events_of_aws_services_may_be_put_for_simulation(aws, caught, until, unique):
    pipeline = unique("pipeline")
    events = caught({"source": ["aws.codepipeline"], "detail": {"pipeline": [pipeline]}})

    answer = aws("events").put_events(
        Entries=[
            {
                "Source": "aws.codepipeline",
                "DetailType": "CodePipeline Pipeline Execution State Change",
                "Detail": json.dumps({"pipeline": pipeline, "state": "FAILED"}),
            }
        ]
    )

    assert answer["FailedEntryCount"] == 0
    assert until(events, bool)[0]["detail"]["state"] == "FAILED"


@pytest.fixture
def put(aws, unique):
    """Put one event, matched by one rule with the given target."""

    def put_event(target, detail=None):
        name = unique("rule")
        aws("events").put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
        aws("events").put_targets(Rule=name, Targets=[{"Id": "target", **target}])
        aws("events").put_events(
            Entries=[{"Source": name, "DetailType": "contract", "Detail": json.dumps(detail or {})}]
        )

    return put_event


@pytest.fixture
def dead_letters(aws, unique):
    queue = aws("sqs").create_queue(QueueName=unique("dead-letters"))["QueueUrl"]
    arn = aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def received():
        answer = aws("sqs").receive_message(QueueUrl=queue, MessageAttributeNames=["All"])
        return answer.get("Messages", [])

    return arn, received


def test_a_rule_starts_a_machine_with_the_event(aws, machines, put, until):
    machine = machines.create({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})

    put({"Arn": machine, "RoleArn": "arn:aws:iam::000000000000:role/events"}, {"release": "1.0.0"})

    states = aws("stepfunctions")
    started = until(lambda: states.list_executions(stateMachineArn=machine)["executions"], bool)
    sent = json.loads(states.describe_execution(executionArn=started[0]["executionArn"])["input"])
    assert sent["detail"] == {"release": "1.0.0"}


def test_a_rules_input_transformer_shapes_what_its_target_gets(aws, machines, put, until):
    machine = machines.create({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    transformer = {"InputPathsMap": {"release": "$.detail.release"}, "InputTemplate": '{"version": <release>}'}

    put(
        {"Arn": machine, "RoleArn": "arn:aws:iam::000000000000:role/events", "InputTransformer": transformer},
        {"release": "1"},
    )

    states = aws("stepfunctions")
    started = until(lambda: states.list_executions(stateMachineArn=machine)["executions"], bool)
    assert json.loads(states.describe_execution(executionArn=started[0]["executionArn"])["input"]) == {"version": "1"}


@pytest.mark.parametrize("service", ["lambda", "states", "sqs"])
def test_an_event_for_a_missing_target_goes_to_the_dead_letter_queue(put, dead_letters, until, service):
    arn, received = dead_letters
    missing = {
        "lambda": "arn:aws:lambda:us-east-1:000000000000:function:nobody",
        "states": "arn:aws:states:us-east-1:000000000000:stateMachine:nobody",
        "sqs": "arn:aws:sqs:us-east-1:000000000000:nobody",
    }[service]

    put({"Arn": missing, "DeadLetterConfig": {"Arn": arn}}, {"release": "1.0.0"})

    letter = until(received, bool)[0]
    assert json.loads(letter["Body"])["detail"] == {"release": "1.0.0"}
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"]
    assert letter["MessageAttributes"]["TARGET_ARN"]["StringValue"] == missing


def test_a_function_that_fails_an_event_is_retried_and_then_sends_it_to_its_dead_letter_queue(
    *, aws, put, function, dead_letters, until, tmp_path
):
    arn, received = dead_letters
    source = f"""
def handler(event, context):
    with open({str(tmp_path / "tries")!r}, "a") as tries:
        tries.write("x")
    raise ValueError("no")
"""
    failing = function(source, DeadLetterConfig={"TargetArn": arn})

    put({"Arn": failing}, {"release": "1.0.0"})

    letter = until(received, bool)[0]
    assert json.loads(letter["Body"])["detail"] == {"release": "1.0.0"}
    assert (tmp_path / "tries").read_text() == "xxx"


def test_a_schedule_delivers_its_input_when_it_is_time(aws, dead_letters, until, unique):
    arn, received = dead_letters
    soon = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")

    aws("scheduler").create_schedule(
        Name=unique("schedule"),
        ScheduleExpression=f"at({soon})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": "arn:aws:iam::000000000000:role/schedule", "Input": '{"sweep": true}'},
    )

    assert json.loads(until(received, bool)[0]["Body"]) == {"sweep": True}
