import json

import pytest
from botocore.exceptions import ClientError

from local.engine import EngineError


def code_of(call, **arguments):
    with pytest.raises(ClientError) as failed:
        call(**arguments)
    return failed.value.response["Error"]["Code"], failed.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(
    ("service", "operation", "method", "arguments"),
    [
        ("cloudformation", "DescribeStacks", "describe_stacks", {}),
        ("dynamodb", "ListTables", "list_tables", {}),
        ("ec2", "DescribeSecurityGroups", "describe_security_groups", {}),
        ("ecs", "ListClusters", "list_clusters", {}),
        ("lambda", "ListFunctions", "list_functions", {}),
        ("rds", "DescribeDBInstances", "describe_db_instances", {}),
        ("sns", "ListTopics", "list_topics", {}),
        ("sqs", "ListQueues", "list_queues", {}),
        ("ssm", "GetParametersByPath", "get_parameters_by_path", {"Path": "/"}),
        ("stepfunctions", "ListStateMachines", "list_state_machines", {}),
        ("s3", "ListBuckets", "list_buckets", {}),
        ("events", "ListRules", "list_rules", {}),
        ("cloudwatch", "DescribeAlarms", "describe_alarms", {}),
        ("codepipeline", "ListPipelines", "list_pipelines", {}),
    ],
)
def test_the_next_call_fails_in_the_services_own_protocol_and_the_one_after_does_not(
    *, engine, aws, service, operation, method, arguments
):
    call = getattr(aws(service), method)
    engine.inject(service, operation, "ThrottlingException", "Rate exceeded", status=400)

    assert code_of(call, **arguments) == ("ThrottlingException", 400)
    assert call(**arguments)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_server_fault_has_a_server_faults_status(engine, aws):
    engine.inject("ssm", "GetParameter", "InternalServerError")

    assert code_of(aws("ssm").get_parameter, Name="x") == ("InternalServerError", 500)


def test_a_fault_may_be_for_some_parameters_only(engine, aws, unique):
    mine, other = unique("mine"), unique("other")
    engine.inject("cloudformation", "DescribeStacks", "AccessDenied", status=403, only_if={"StackName": mine})
    describe = aws("cloudformation").describe_stacks

    assert code_of(describe, StackName=other)[0] == "ValidationError"
    assert code_of(describe, StackName=mine) == ("AccessDenied", 403)


def test_an_s3_fault_may_be_for_one_key(engine, aws, unique):
    s3, bucket = aws("s3"), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a b", Body=b"x")
    engine.inject("s3", "GetObject", "AccessDenied", status=403, only_if={"Bucket": bucket, "Key": "a b"})

    assert code_of(s3.get_object, Bucket=bucket, Key="a b") == ("AccessDenied", 403)
    assert s3.get_object(Bucket=bucket, Key="a b")["Body"].read() == b"x"


def test_an_answer_may_be_lost_after_the_operation(engine, aws, unique):
    name = unique("topic")
    engine.inject("sns", "CreateTopic", "ServiceUnavailable", status=503, after=True)

    assert code_of(aws("sns").create_topic, Name=name) == ("ServiceUnavailable", 503)
    assert any(topic["TopicArn"].endswith(name) for topic in aws("sns").list_topics()["Topics"])


def test_a_fault_happens_as_often_as_asked(engine, aws):
    engine.inject("sns", "ListTopics", "Throttling", times=2)

    assert [code_of(aws("sns").list_topics)[0] for _ in range(2)] == ["Throttling", "Throttling"]
    aws("sns").list_topics()


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("ListObjectsV2", lambda s3, bucket: s3.list_objects_v2(Bucket=bucket)),
        ("ListObjects", lambda s3, bucket: s3.list_objects(Bucket=bucket)),
        ("HeadObject", lambda s3, bucket: s3.head_object(Bucket=bucket, Key="k")),
        ("CopyObject", lambda s3, bucket: s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/k")),
        ("CreateMultipartUpload", lambda s3, bucket: s3.create_multipart_upload(Bucket=bucket, Key="m/n")),
        ("GetObjectTagging", lambda s3, bucket: s3.get_object_tagging(Bucket=bucket, Key="k")),
        ("DeleteObject", lambda s3, bucket: s3.delete_object(Bucket=bucket, Key="k")),
    ],
)
def test_s3s_operations_are_told_apart(engine, aws, unique, operation, call):
    s3, bucket = aws("s3"), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    engine.inject("s3", operation, "SlowDown", status=503, only_if={"Bucket": bucket})

    with pytest.raises(ClientError) as failed:
        call(s3, bucket)

    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    call(s3, bucket)


def test_a_function_may_fail_to_be_invoked(engine, aws, function):
    arn = function("def handler(event, context):\n    return 1\n")
    engine.inject("lambda", "Invoke", "TooManyRequestsException", status=429)

    assert code_of(aws("lambda").invoke, FunctionName=arn) == ("TooManyRequestsException", 429)


def test_a_machines_task_fails_with_an_injected_class_of_its_functions(engine, machines, function):
    arn = function("def handler(event, context):\n    return 1\n")
    invoke = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": arn, "Payload": {}},
        "End": True,
    }
    engine.inject("lambda", "Invoke", "ServiceFault", "AccessDenied", only_if={"FunctionName": arn})

    assert machines.run({"StartAt": "Invoke", "States": {"Invoke": invoke}})["error"] == "ServiceFault"


def test_faults_may_be_forgotten(engine, aws):
    engine.inject("sns", "ListTopics", "Throttling", times=99)
    engine.clear_faults()

    aws("sns").list_topics()


def test_a_machines_own_calls_fail_too(engine, aws, machines, unique):
    topic = aws("sns").create_topic(Name=unique("topic"))["TopicArn"]
    publish = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Arguments": {"TopicArn": topic, "Message": "text"},
        "End": True,
    }
    engine.inject("sns", "Publish", "AuthorizationErrorException", "not allowed", only_if={"TopicArn": topic})

    done = machines.run({"StartAt": "Publish", "States": {"Publish": publish}})

    assert (done["error"], done["cause"]) == ("SNS.AuthorizationErrorException", "not allowed")


def test_a_fault_with_a_member_the_engine_does_not_know_is_refused(engine):
    with pytest.raises(EngineError, match="unexpected keyword argument"):
        engine._post("/_belay/faults", {"colour": "red"})


def test_a_stack_fault_names_its_resource(engine, aws, stacks, unique):
    name = unique("stack")
    engine.fail_resource("Topic", "create", "quota exceeded", stack=name)

    assert stacks.create(name, {"Topic": {"Type": "AWS::SNS::Topic"}})["StackStatus"] == "ROLLBACK_COMPLETE"
    events = aws("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    assert "quota exceeded" in json.dumps([event.get("ResourceStatusReason") for event in events])


def test_the_calls_of_roles_are_counted_while_that_is_asked_for(engine, aws):
    key = aws("sts").assume_role(RoleArn="arn:aws:iam::000000000000:role/counted", RoleSessionName="counted")[
        "Credentials"
    ]
    names = {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey"}
    own = {name: key[value] for name, value in {**names, "aws_session_token": "SessionToken"}.items()}
    queues, buckets = (engine.client(service, **own) for service in ("sqs", "s3"))
    queues.list_queues()

    with engine.counting() as calls:
        queues.list_queues()
        queues.list_queues()
        buckets.list_buckets()
        aws("sqs").list_queues()  # of the account's root
    queues.list_queues()

    assert calls == {"sqs ListQueues": 2, "s3 ListBuckets": 1}
    with engine.counting() as calls:
        pass
    assert calls == {}
