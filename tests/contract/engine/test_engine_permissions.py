import io
import json
import sys
import zipfile

import pytest

from local.bridges import permissions
from local.engine import EmbeddedEngine

SOURCE = """
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    client = boto3.client(event["service"])
    try:
        getattr(client, event["call"])(**event["arguments"])
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "allowed"
"""
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
SERVICES = "arn:aws:ecs:us-east-1:000000000000:service"
PARAMETERS = "arn:aws:ssm:us-east-1:000000000000:parameter"
MACHINES = "arn:aws:states:us-east-1:000000000000:stateMachine"
STACKS = "arn:aws:cloudformation:us-east-1:000000000000:stack/*"


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    with EmbeddedEngine.start(directory=tmp_path_factory.mktemp("strict"), permissions=True) as running:
        yield running


@pytest.fixture(scope="module")
def attempt(strict):
    """``attempt(service, call, **arguments)`` made by a function that may read one bucket and describe stacks."""
    s3, iam = strict.client("s3"), strict.client("iam")
    s3.create_bucket(Bucket="secured")
    s3.put_object(Bucket="secured", Key="key", Body=b"")
    insecure = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::secured/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket="secured", Policy=document(insecure))
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=document(TRUST))["Role"]["Arn"]
    allowed = [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::secured/*"},
        {"Effect": "Allow", "Action": "cloudformation:Describe*", "Resource": STACKS},
        {"Effect": "Allow", "Action": "rds:DescribeDBClusters", "Resource": "arn:aws:rds:*:*:cluster:*"},
        {"Effect": "Allow", "Action": "ecs:DescribeServices", "Resource": f"{SERVICES}/orders/*"},
        {"Effect": "Allow", "Action": "ssm:GetParametersByPath", "Resource": f"{PARAMETERS}/orders/*"},
        {"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": role},
        {"Effect": "Allow", "Action": "states:SendTaskSuccess", "Resource": f"{MACHINES}:orders"},
    ]
    iam.put_role_policy(RoleName="reader", PolicyName="reads", PolicyDocument=document(*allowed))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", SOURCE)
    strict.client("lambda").create_function(
        FunctionName="reader",
        Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=20,
    )

    def call(service, operation, **arguments):
        event = json.dumps({"service": service, "call": operation, "arguments": arguments})
        return json.load(strict.client("lambda").invoke(FunctionName="reader", Payload=event)["Payload"])

    return call


def test_a_function_may_do_what_its_role_allows_and_nothing_else(attempt):
    assert attempt("s3", "get_object", Bucket="secured", Key="key") == "allowed"
    assert attempt("s3", "put_object", Bucket="secured", Key="key", Body="x") == "AccessDenied"
    assert attempt("sns", "list_topics") == "AuthorizationError"
    assert attempt("rds", "describe_db_instances") == "AccessDenied"
    assert attempt("rds", "describe_db_clusters") == "allowed"


def test_a_change_set_is_judged_as_its_stack(strict, attempt):
    made = strict.client("cloudformation").create_change_set(
        StackName="stack",
        ChangeSetName="create",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}),
    )

    assert attempt("cloudformation", "describe_change_set", ChangeSetName=made["Id"]) == "allowed"
    assert attempt("cloudformation", "execute_change_set", ChangeSetName=made["Id"]) == "AccessDenied"
    strict.client("cloudformation").delete_change_set(ChangeSetName=made["Id"])
    assert attempt("cloudformation", "describe_change_set", ChangeSetName=made["Id"]) == "ChangeSetNotFound"


def test_a_simulation_is_judged_as_whose_policies_it_simulates(strict, attempt):
    roles, asked = "arn:aws:iam::000000000000:role", {"ActionNames": ["s3:GetObject"]}
    assert attempt("iam", "simulate_principal_policy", PolicySourceArn=f"{roles}/reader", **asked) == "allowed"
    assert attempt("iam", "simulate_principal_policy", PolicySourceArn=f"{roles}/writer", **asked) == "AccessDenied"


def test_an_ecs_service_is_judged_as_itself(strict, attempt):
    for cluster in ("orders", "others"):
        strict.client("ecs").create_cluster(clusterName=cluster)

    assert attempt("ecs", "describe_services", cluster="orders", services=["web"]) == "allowed"
    assert attempt("ecs", "describe_services", cluster="others", services=["web"]) == "AccessDeniedException"


def test_parameters_by_path_are_judged_as_the_path(attempt):
    assert attempt("ssm", "get_parameters_by_path", Path="/orders/production/") == "allowed"
    assert attempt("ssm", "get_parameters_by_path", Path="/billing/production/") == "AccessDeniedException"


def test_a_task_s_token_is_judged_as_the_machine_that_waits(strict, attempt):
    states, sqs = strict.client("stepfunctions"), strict.client("sqs")
    queue = sqs.create_queue(QueueName="tokens")["QueueUrl"]
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue, "MessageBody.$": "$$.Task.Token"},
        "End": True,
    }
    answers = {}
    for name in ("orders", "billing"):
        definition = json.dumps({"StartAt": "Wait", "States": {"Wait": state}})
        role = "arn:aws:iam::000000000000:role/reader"
        machine = states.create_state_machine(name=name, definition=definition, roleArn=role)
        states.start_execution(stateMachineArn=machine["stateMachineArn"])
        (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        answers[name] = attempt("stepfunctions", "send_task_success", taskToken=message["Body"], output="{}")
    assert answers == {"orders": "allowed", "billing": "AccessDeniedException"}


def test_a_change_set_that_anothers_execution_deleted_is_about_its_stack(monkeypatch):
    there = {name: {"StackId": "arn:stack"} for name in ("arn:executed", "arn:beside")}
    monkeypatch.setattr(permissions, "_change_sets", there)
    stack_of = permissions._stack_of_change_sets()

    def asked(name):
        return permissions.AskedPermission("", b"", {"ChangeSetName": [name]}, "us-east-1", "000000000000")

    assert stack_of(asked("arn:executed")) == "arn:stack"
    del there["arn:beside"]
    assert [stack_of(asked(name)) for name in ("arn:beside", "arn:unknown")] == ["arn:stack", ""]
