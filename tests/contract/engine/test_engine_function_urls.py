"""Function URLs: their address, the caller that the function sees, the permissions to call one."""

import io
import json
import sys
import zipfile

import pytest
from botocore.credentials import Credentials

from belay.aws.function_url import post_signed
from local.engine import ACCOUNT, REGION, EmbeddedEngine

TELLS = (
    "import json\n\n\ndef handler(event, context):\n"
    "    return {'statusCode': 201, 'body': json.dumps([event['requestContext'], event.get('body')])}\n"
)


def with_url(client, arn, auth):
    client.create_function_url_config(FunctionName=arn, AuthType=auth)
    return client.get_function_url_config(FunctionName=arn)["FunctionUrl"]


def key_of(iam, user):
    iam.create_user(UserName=user)
    made = iam.create_access_key(UserName=user)["AccessKey"]
    return Credentials(made["AccessKeyId"], made["SecretAccessKey"])


def test_a_function_is_told_which_user_signed(aws, function, unique):
    url, user = with_url(aws("lambda"), function(TELLS), "AWS_IAM"), unique("maria")

    status, (context, body) = post_signed(url, {"decision": "approve"}, key_of(aws("iam"), user), REGION)

    assert (status, json.loads(body)) == (201, {"decision": "approve"})
    assert context["authorizer"]["iam"]["userArn"] == f"arn:aws:iam::{ACCOUNT}:user/{user}"
    assert context["authorizer"]["iam"]["userId"].startswith("AIDA")
    assert context["http"]["method"] == "POST"


def test_a_function_is_told_which_session_signed(aws, function, unique):
    url, role = with_url(aws("lambda"), function(TELLS), "AWS_IAM"), unique("deployer")
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    arn = aws("iam").create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    taken = aws("sts").assume_role(RoleArn=arn, RoleSessionName="maria")["Credentials"]
    session = Credentials(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])

    _, (context, _) = post_signed(url, {}, session, REGION)

    assert context["authorizer"]["iam"]["userArn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/maria"
    assert context["authorizer"]["iam"]["userId"].endswith(":maria")


def test_where_nobody_is_asked_nobody_is_told(aws, function):
    url = with_url(aws("lambda"), function(TELLS), "NONE")

    _, (context, _) = post_signed(url, {}, Credentials("any", "any"), REGION)

    assert "authorizer" not in context


@pytest.mark.parametrize(
    ("actions", "status"),
    [
        (["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], 201),
        (["lambda:InvokeFunctionUrl"], 403),
        (["lambda:InvokeFunction"], 403),
    ],
)
def test_a_url_needs_both_permissions(guarded, actions, status):
    engine, url, arn = guarded
    user = f"user-{len(actions)}-{status}-{actions[0][-3:].lower()}"
    key = key_of(engine.client("iam"), user)
    statement = {"Effect": "Allow", "Action": actions, "Resource": arn}
    engine.client("iam").put_user_policy(
        UserName=user, PolicyName="calls", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement})
    )

    assert post_signed(url, {}, key, REGION)[0] == status


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """An engine that enforces permissions, with a function behind a URL."""
    with EmbeddedEngine.start(directory=tmp_path_factory.mktemp("engine"), permissions=True) as engine:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("app.py", TELLS)
        role = engine.client("iam").create_role(RoleName="runs", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        client = engine.client("lambda")
        arn = client.create_function(
            FunctionName="tells",
            Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": packed.getvalue()},
        )["FunctionArn"]
        yield engine, with_url(client, arn, "AWS_IAM"), arn
