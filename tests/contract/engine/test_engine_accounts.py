"""Several accounts and regions: what is isolated; who assumes which role, reads which object, sends which event."""

import json

import pytest
from botocore.exceptions import ClientError

from local.engine import ACCOUNT, EmbeddedEngine

HOME = "us-east-1"
SPOKE, ELSEWHERE = "111111111111", "eu-central-1"
STRANGER = "333333333333"


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    with EmbeddedEngine.start(directory=tmp_path_factory.mktemp("strict"), permissions=True) as running:
        yield running


@pytest.fixture
def spoke(strict):
    """``spoke("rds")`` is a client of the other account, in the other region."""
    return lambda service: strict.client(service, account=SPOKE, region=ELSEWHERE)


def session(strict, role, *, account=ACCOUNT, region=HOME, source=None, **asked):
    """``session(...)("s3")`` is a client with the role's credentials, assumed by an account's root or ``source``."""
    sts = source("sts") if source else strict.client("sts", account=account)
    found = sts.assume_role(RoleArn=role, RoleSessionName="orders-1.0.0", **asked)["Credentials"]
    keys = {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }
    return lambda service, region=region: strict.client(service, region=region, **keys)


def role(iam, name, *allowed, path="/", trusted=None):
    trust = trusted or [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}]
    arn = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=document(*trust))["Role"]["Arn"]
    iam.put_role_policy(
        RoleName=name,
        PolicyName="allowed",
        PolicyDocument=document(*[{"Effect": "Allow", "Resource": "*", **each} for each in allowed]),
    )
    return arn


def refused(call, code="AccessDenied"):
    with pytest.raises(ClientError) as error:
        call()
    assert error.value.response["Error"]["Code"].startswith(code), error.value
    return str(error.value)


# -- roles -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def looking(strict):
    """Two roles at home, one of which may look, and the role in the other account that trusts it."""
    iam = strict.client("iam")
    assumes = {"Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": "arn:aws:iam::*:role/belay-look"}
    there = strict.client("iam", account=SPOKE)
    trusted = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/belay/look/*"},
                "StringEquals": {"sts:ExternalId": ["orders"]},
            },
        },
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "sts:TagSession",
            "Condition": {"StringEquals": {"aws:RequestTag/belay:application": ["orders"]}},
        },
    ]
    return {
        "looks": role(iam, "looks", assumes, path="/belay/look/"),
        "deploys": role(iam, "deploys", assumes, path="/belay/deploy/"),
        "there": role(there, "belay-look", {"Action": "cloudformation:DescribeStacks"}, trusted=trusted),
    }


def test_a_role_is_assumed_by_the_path_of_the_roles_that_it_trusts(strict, looking):
    looks, deploys = (session(strict, looking[name]) for name in ("looks", "deploys"))
    asked = {"ExternalId": "orders", "Tags": [{"Key": "belay:application", "Value": "orders"}]}

    there = session(strict, looking["there"], source=looks, region=ELSEWHERE, **asked)

    arn = there("sts").get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{SPOKE}:assumed-role/belay-look/orders-1.0.0"
    assert there("cloudformation").describe_stacks()["Stacks"] == []
    refused(lambda: there("cloudformation").create_stack(StackName="s", TemplateBody="{}"))
    refused(lambda: session(strict, looking["there"], source=deploys, **asked))
    refused(lambda: session(strict, looking["there"], source=looks, ExternalId="others"))
    refused(lambda: session(strict, looking["there"], source=looks))
    tagged = {"Tags": [{"Key": "belay:application", "Value": "others"}]}
    refused(lambda: session(strict, looking["there"], source=looks, ExternalId="orders", **tagged))


def test_a_role_is_assumed_only_by_whom_its_own_policy_lets(strict, looking):
    iam = strict.client("iam")
    other = role(iam, "assumes-nothing", {"Action": "s3:GetObject"}, path="/belay/look/")

    refused(lambda: session(strict, looking["there"], source=session(strict, other), ExternalId="orders"))


# -- buckets -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(strict):
    """A bucket at home, in the other region, of which each account may read what is under its own prefix."""
    s3 = strict.client("s3", region=ELSEWHERE)
    s3.create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": ELSEWHERE})
    s3.put_bucket_versioning(Bucket="files", VersioningConfiguration={"Status": "Enabled"})
    own = {
        "Effect": "Allow",
        "Principal": {"AWS": [SPOKE, STRANGER]},
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": "arn:aws:s3:::files/spokes/${aws:PrincipalAccount}/*",
    }
    s3.put_bucket_policy(Bucket="files", Policy=document(own))

    def put(key, resources):
        body = json.dumps({"Resources": resources})
        return s3.put_object(Bucket="files", Key=key, Body=body)["VersionId"]

    return put


TOPIC = {"Topic": {"Type": "AWS::SNS::Topic"}}


def test_an_account_reads_its_own_prefix_of_a_foreign_bucket(strict, files):
    for account in (SPOKE, STRANGER):
        files(f"spokes/{account}/template.json", TOPIC)
    reads = role(strict.client("iam", account=SPOKE), "reads", {"Action": ["s3:GetObject", "s3:GetObjectVersion"]})
    s3 = session(strict, reads, account=SPOKE)("s3")

    assert s3.get_object(Bucket="files", Key=f"spokes/{SPOKE}/template.json")["Body"].read()
    refused(lambda: s3.get_object(Bucket="files", Key=f"spokes/{STRANGER}/template.json"))


@pytest.mark.parametrize("versioned", [True, False])
def test_a_template_is_read_from_a_foreign_bucket_that_lets(strict, spoke, files, versioned):
    version = files(f"spokes/{SPOKE}/template.json", TOPIC)
    files(f"spokes/{STRANGER}/template.json", TOPIC)
    asked = f"?versionId={version}" if versioned else ""

    def create(account):
        return spoke("cloudformation").create_change_set(
            StackName=f"from-url-{versioned}-{account}",
            ChangeSetName="create",
            ChangeSetType="CREATE",
            TemplateURL=f"https://files.s3.{ELSEWHERE}.amazonaws.com/spokes/{account}/template.json{asked}",
        )["Id"]

    found = spoke("cloudformation").describe_change_set(ChangeSetName=create(SPOKE))
    assert [each["ResourceChange"]["LogicalResourceId"] for each in found["Changes"]] == ["Topic"]
    refused(lambda: create(STRANGER), "ValidationError")


# -- databases ---------------------------------------------------------------------------------------------------------


def test_databases_are_kept_apart_by_account_and_region(strict, spoke):
    database = {"DBInstanceClass": "db.t4g.micro", "Engine": "mysql", "AllocatedStorage": 20}
    database |= {"MasterUsername": "admin", "MasterUserPassword": "password"}
    strict.client("rds").create_db_instance(DBInstanceIdentifier="orders", **database)
    spoke("cloudformation").create_stack(
        StackName="database",
        TemplateBody=json.dumps(
            {
                "Resources": {
                    "Database": {
                        "Type": "AWS::RDS::DBInstance",
                        "Properties": {"DBInstanceIdentifier": "orders-there", **database},
                    }
                }
            }
        ),
    )
    spoke("cloudformation").get_waiter("stack_create_complete").wait(
        StackName="database", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )

    def found(client):
        return [each["DBInstanceArn"] for each in client.describe_db_instances()["DBInstances"]]

    assert found(strict.client("rds")) == [f"arn:aws:rds:{HOME}:{ACCOUNT}:db:orders"]
    assert found(spoke("rds")) == [f"arn:aws:rds:{ELSEWHERE}:{SPOKE}:db:orders-there"]
    assert found(strict.client("rds", account=SPOKE)) == []
    made = strict.client("rds", account=STRANGER).create_db_instance(DBInstanceIdentifier="orders", **database)
    assert STRANGER in made["DBInstance"]["DBInstanceArn"]


def test_a_snapshot_is_deleted_by_its_tags(strict, spoke):
    rds = spoke("rds")
    database = {"DBInstanceClass": "db.t4g.micro", "Engine": "mysql", "AllocatedStorage": 20}
    database |= {"MasterUsername": "admin", "MasterUserPassword": "password"}
    rds.create_db_instance(DBInstanceIdentifier="tagged", **database)
    rds.get_waiter("db_instance_available").wait(
        DBInstanceIdentifier="tagged", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    for name, application in (("ours", "orders"), ("theirs", "others")):
        rds.create_db_snapshot(
            DBInstanceIdentifier="tagged",
            DBSnapshotIdentifier=name,
            Tags=[{"Key": "belay:application", "Value": application}],
        )
        rds.get_waiter("db_snapshot_available").wait(
            DBSnapshotIdentifier=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
    own = {"StringEquals": {"aws:ResourceTag/belay:application": "${aws:PrincipalTag/belay:application}"}}
    cleans = role(strict.client("iam", account=SPOKE), "cleans", {"Action": "rds:DeleteDBSnapshot", "Condition": own})
    there = session(
        strict,
        cleans,
        account=SPOKE,
        region=ELSEWHERE,
        Tags=[{"Key": "belay:application", "Value": "orders"}],
    )("rds")

    refused(lambda: there.delete_db_snapshot(DBSnapshotIdentifier="theirs"))
    there.delete_db_snapshot(DBSnapshotIdentifier="ours")
    assert [
        each["DBSnapshotIdentifier"] for each in rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    ] == ["theirs"]


# -- events ------------------------------------------------------------------------------------------------------------

FAILED = {"stack-id": "arn", "status-details": {"status": "UPDATE_FAILED"}}
PATTERN = json.dumps({"source": ["aws.cloudformation"], "detail-type": ["CloudFormation Stack Status Change"]})


@pytest.fixture
def queue(strict):
    """``queue(name)`` is a new queue's ARN and a function that receives what is in it."""

    def make(name, account=ACCOUNT, region=HOME):
        sqs = strict.client("sqs", account=account, region=region)
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

        def received():
            found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
            return found.get("Messages", [])

        return arn, received

    return make


@pytest.fixture
def hub(strict, queue, unique):
    """A bus that accepts what the other account's rules send, created by CloudFormation, and what it received."""
    name = unique("hub")
    arn, received = queue(name)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": [SPOKE]},
        "Action": "events:PutEvents",
        "Resource": f"arn:aws:events:{HOME}:{ACCOUNT}:event-bus/{name}",
        "Condition": {"Bool": {"events:eventBusInvocation": "true"}},
    }
    resources = {
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": name}},
        "Policy": {
            "Type": "AWS::Events::EventBusPolicy",
            "Properties": {"EventBusName": {"Ref": "Bus"}, "StatementId": "spokes", "Statement": statement},
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventBusName": {"Ref": "Bus"},
                "EventPattern": json.loads(PATTERN),
                "Targets": [{"Id": "queue", "Arn": arn}],
            },
        },
    }
    strict.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    strict.client("cloudformation").get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    return f"arn:aws:events:{HOME}:{ACCOUNT}:event-bus/{name}", received


@pytest.fixture
def forward(strict, queue, unique):
    """``forward(bus, account)`` creates the rule there and returns what receives its dead letters."""

    def make(bus, account, allowed="events:PutEvents"):
        name = unique("forward")
        arn, dead = queue(name, account, ELSEWHERE)
        trust = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}
        forwards = role(strict.client("iam", account=account), name, {"Action": allowed}, trusted=[trust])
        events = strict.client("events", account=account, region=ELSEWHERE)
        events.put_rule(Name=name, EventPattern=PATTERN)
        target = {"Id": "hub", "Arn": bus, "RoleArn": forwards, "DeadLetterConfig": {"Arn": arn}}
        events.put_targets(Rule=name, Targets=[target])
        return dead

    return make


def put(events, **more):
    entry = {"Source": "aws.cloudformation", "DetailType": "CloudFormation Stack Status Change"}
    return events.put_events(Entries=[{**entry, "Detail": json.dumps(FAILED), **more}])


def test_an_event_reaches_the_bus_of_another_account_and_region_with_where_it_comes_from(strict, hub, forward, until):
    bus, received = hub
    forward(bus, SPOKE)

    put(strict.client("events", account=SPOKE, region=ELSEWHERE))

    (message,) = until(received, bool)
    event = json.loads(message["Body"])
    assert (event["account"], event["region"], event["detail"]) == (SPOKE, ELSEWHERE, FAILED)


def test_what_happens_to_a_stack_elsewhere_is_forwarded(spoke, hub, forward, until, unique):
    bus, received = hub
    forward(bus, SPOKE)
    name = unique("stack")

    spoke("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps({"Resources": TOPIC}))

    seen = []
    until(lambda: seen.extend(received()) or seen, lambda found: "CREATE_COMPLETE" in json.dumps(found))
    assert {json.loads(each["Body"])["account"] for each in seen} == {SPOKE}


def test_a_bus_takes_nothing_from_an_account_that_its_policy_does_not_name(strict, hub, forward, until):
    bus, received = hub
    dead = forward(bus, STRANGER)
    events = strict.client("events", account=STRANGER, region=ELSEWHERE)

    put(events)

    (message,) = until(dead, bool)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert json.loads(message["Body"])["account"] == STRANGER
    refused(lambda: put(strict.client("events", account=STRANGER), EventBusName=bus))
    assert received() == []


def test_a_bus_that_takes_from_rules_takes_from_no_call(strict, hub):
    bus, _ = hub
    refused(lambda: put(strict.client("events", account=SPOKE), EventBusName=bus))


def test_a_rule_sends_with_the_permissions_of_its_role(strict, hub, forward, until):
    bus, _ = hub
    dead = forward(bus, SPOKE, allowed="events:DescribeRule")

    put(strict.client("events", account=SPOKE, region=ELSEWHERE))

    (message,) = until(dead, bool)
    assert "not authorized" in message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]


def test_an_assumed_role_forges_no_event_of_aws(strict, hub, forward):
    bus, received = hub
    forward(bus, SPOKE)
    puts = role(strict.client("iam", account=SPOKE), "puts", {"Action": "events:PutEvents"})

    answer = put(session(strict, puts, account=SPOKE, region=ELSEWHERE)("events"))

    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"
    assert received() == []
