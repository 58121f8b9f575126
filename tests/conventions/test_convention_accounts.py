"""What Belay has in other accounts: its roles may do exactly what its functions do for a stage."""

from fnmatch import fnmatch
from typing import Any

import pytest
from project import functions, logical_id, template
from reach import reached
from test_convention_permissions import needed

from belay.release.place import Power

RULE = "AWS::Events::Rule"
ACCOUNT, REGION = "accounts/spoke_account.yaml", "accounts/spoke_region.yaml"
HUB_REGION, BUS = "accounts/hub_region.yaml", "spokes.yaml"

POWERS = {
    power.value: {name for name, each in functions().items() if each.get("RolePath") == f"/belay/{power}/"}
    for power in Power
}
"""The functions that work at a stage's place, by their power there."""

OF_STAGES = {
    *("application-autoscaling", "cloudformation", "cloudwatch", "ec2", "ecs", "elasticache", "elasticloadbalancing"),
    *("codebuild", "codedeploy", "codepipeline", "events", "iam", "lambda", "logs", "rds", "secretsmanager"),
}
"""The services with resources of a stage."""

AT_HOME = {"dynamodb", "kms", "s3", "sns", "ssm", "states", "sts"}
"""The services that are called in Belay's own account."""

OF_STAGES_ELSE = {"ssm:DescribeParameters", "ssm:GetParameters", "kms:CreateGrant", "kms:DescribeKey"}
"""What is called at a stage all the same."""

READS_FILES = {
    "Stacks.create_change_set": {"s3:GetObject", "kms:Decrypt"},
    # The template of a baseline is one version of an object.
    "RecoveredStacks._named_change_set": {"s3:GetObjectVersion"},
}
"""CloudFormation reads a stage's files with the caller's permissions."""

READS_TABLES = {"ParameterTables.item": {"dynamodb:GetItem"}}
"""The ledger is in Belay's own account; the tables of parameters are the stage's."""


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def role(power: str) -> dict[str, Any]:
    found: dict[str, Any] = template(ACCOUNT)["Resources"][f"{power.capitalize()}Role"]["Properties"]
    return found


def statements(power: str) -> list[dict[str, Any]]:
    (policy,) = role(power)["Policies"]
    # One for a feature that is off is left out.
    return [each["Fn::If"][1] if "Fn::If" in each else each for each in policy["PolicyDocument"]["Statement"]]


def needed_there(power: str) -> set[str]:
    found: set[str] = set().union(*map(needed, POWERS[power]))
    there = {each for each in found if each.split(":")[0] in OF_STAGES or each in OF_STAGES_ELSE}
    nodes = {str(node) for function in POWERS[power] for node in reached(function)}
    reads = READS_FILES | READS_TABLES
    return there.union(*(reads[node] for node in nodes & set(reads)))


def test_every_service_is_known_to_be_called_at_a_stage_or_at_home() -> None:
    called = {action.split(":")[0] for names in POWERS.values() for name in names for action in needed(name)}
    assert called == OF_STAGES | AT_HOME


@pytest.mark.parametrize("power", POWERS)
def test_a_role_elsewhere_may_do_what_the_functions_of_its_power_do_and_nothing_else(power: str) -> None:
    allowed = {action for each in statements(power) if each["Effect"] == "Allow" for action in listed(each["Action"])}
    assert allowed == needed_there(power)


@pytest.mark.parametrize(
    ("action", "power"),
    [
        ("cloudformation:ExecuteChangeSet", {"deploy", "recover"}),
        ("cloudformation:RollbackStack", {"recover"}),
        ("rds:CreateDBSnapshot", {"deploy", "pipeline"}),
        ("codepipeline:StartPipelineExecution", {"pipeline"}),
        ("rds:RestoreDBInstanceFromDBSnapshot", {"forecast", "recover"}),
        ("rds:DeleteDBInstance", {"clean"}),
        ("lambda:InvokeFunction", {"deploy", "forecast", "look", "recover"}),
        ("rds:ModifyDBInstance", {"recover"}),
        ("rds:DeleteDBSnapshot", {"clean"}),
        ("ecs:UpdateService", {"recover"}),
        ("iam:PassRole", {"deploy", "recover"}),
        ("ssm:GetParameters", {"deploy", "recover"}),
        ("dynamodb:GetItem", {"deploy"}),
    ],
)
def test_a_power_elsewhere_is_held_by_few(action: str, power: set[str]) -> None:
    assert {name for name in POWERS if action in needed_there(name)} == power


@pytest.mark.parametrize("power", POWERS)
def test_a_role_trusts_the_functions_of_its_power_and_the_applications_of_the_account(power: str) -> None:
    properties = role(power)
    assert properties["RoleName"] == f"belay-{power}"
    assume, tag = properties["AssumeRolePolicyDocument"]["Statement"]
    hub = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${HubAccountId}:root"}}
    path = {"aws:PrincipalArn": {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{HubAccountId}}:role/belay/{power}/*"}}
    organization = {"Fn::If": ["OrganizationNamed", {"Ref": "OrganizationId"}, {"Ref": "AWS::NoValue"}]}
    assert assume == {
        "Effect": "Allow",
        "Principal": hub,
        "Action": "sts:AssumeRole",
        "Condition": {
            "ArnLike": path,
            "StringEquals": {"sts:ExternalId": {"Ref": "Applications"}, "aws:PrincipalOrgID": organization},
        },
    }
    assert tag == {
        "Effect": "Allow",
        "Principal": hub,
        "Action": "sts:TagSession",
        "Condition": {
            "ArnLike": path,
            "StringEquals": {"aws:RequestTag/belay:application": {"Ref": "Applications"}},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["belay:application", "belay:stage", "belay:release"]},
        },
    }


@pytest.mark.parametrize("power", POWERS)
def test_a_role_elsewhere_acts_in_its_own_account(power: str) -> None:
    """Except as listed here, every resource is in the account, in any region."""
    elsewhere = {
        # AWS's transforms, shared parameters and secrets, the files that Belay copied.
        "arn:${AWS::Partition}:cloudformation:*:aws:transform/*",
        "arn:${AWS::Partition}:ssm:*:*:parameter/*",
        "arn:${AWS::Partition}:ssm:*:*:parameter/belay/*",
        "arn:${AWS::Partition}:secretsmanager:*:*:secret:*",
        "arn:${AWS::Partition}:s3:::${HubStackName}-files-${HubAccountId}-*/spokes/${AWS::AccountId}/*",
        "arn:${AWS::Partition}:kms:*:${HubAccountId}:key/*",
    }
    for statement in statements(power):
        for resource in listed(statement["Resource"]):
            if isinstance(resource, dict) and "Fn::Sub" in resource:
                assert resource["Fn::Sub"] in elsewhere or ":${AWS::AccountId}:" in resource["Fn::Sub"], resource
            else:
                assert resource == "*" or {*resource} <= {"Ref", "Fn::GetAtt"}, resource


@pytest.mark.parametrize("power", POWERS)
def test_every_resource_that_is_a_star_only_reads(power: str) -> None:
    stars = [action for each in statements(power) if each["Resource"] == "*" for action in listed(each["Action"])]
    assert stars
    assert all(action.partition(":")[2].startswith(("Describe", "List", "Get")) for action in stars)


@pytest.mark.parametrize("name", [ACCOUNT, REGION, HUB_REGION])
def test_nothing_is_allowed_by_a_star_in_an_action(name: str) -> None:
    for which, resource in template(name)["Resources"].items():
        for policy in resource.get("Properties", {}).get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                allowed = statement.get("Fn::If", [None, statement])[1]
                assert allowed["Effect"] == "Deny" or not [a for a in listed(allowed["Action"]) if "*" in a], which


def test_roles_are_passed_to_cloudformation_and_to_rds_alone() -> None:
    passing = {
        power: [each for each in statements(power) if "iam:PassRole" in listed(each["Action"])] for power in POWERS
    }
    services = {
        power: [each["Condition"]["StringEquals"]["iam:PassedToService"] for each in found]
        for power, found in passing.items()
        if found
    }
    rds = ["rds.amazonaws.com", "monitoring.rds.amazonaws.com"]
    assert services == {"deploy": ["cloudformation.amazonaws.com"], "recover": ["cloudformation.amazonaws.com", rds]}
    for found in passing.values():
        for each in found:
            if each["Condition"]["StringEquals"]["iam:PassedToService"] == "cloudformation.amazonaws.com":
                assert each["Resource"] == {"Ref": "ServiceRoleArns"}


def test_snapshots_are_restored_for_their_application_and_deleted_by_whom_took_them() -> None:
    (restoring,) = [each for each in statements("recover") if "ResourceTag" in str(each.get("Condition"))]
    own = {"aws:ResourceTag/belay:application": "${aws:PrincipalTag/belay:application}"}
    assert restoring["Condition"] == {"StringEquals": own}
    (deleting,) = [each for each in statements("clean") if "rds:DeleteDBSnapshot" in listed(each["Action"])]
    took = "arn:${AWS::Partition}:states:*:${HubAccountId}:execution:${HubStackName}-deploy-stage:*"
    assert deleting["Condition"] == {"StringLike": {"aws:ResourceTag/belay:execution": {"Fn::Sub": took}}}


def test_copies_are_made_and_deleted_under_a_copy_s_name_alone() -> None:
    account = "arn:${AWS::Partition}:rds:*:${AWS::AccountId}:"
    copies = [{"Fn::Sub": f"{account}{kind}:*-belay-copy-*"} for kind in ("db", "cluster")]
    making, groups = [each for each in statements("forecast") if "rds:CreateDBInstance" in listed(each["Action"])]
    assert making["Resource"] == copies
    kinds = ("snapshot", "cluster-snapshot", "cluster-pg", "og", "pg", "subgrp")
    assert groups["Resource"] == [{"Fn::Sub": f"{account}{kind}:*"} for kind in kinds], "no database"
    (deleting,) = [each for each in statements("clean") if "rds:DeleteDBInstance" in listed(each["Action"])]
    assert deleting["Resource"] == copies
    made = "arn:${AWS::Partition}:states:*:${HubAccountId}:execution:${HubStackName}-forecast-changes:*"
    assert deleting["Condition"] == {"StringLike": {"aws:ResourceTag/belay:execution": {"Fn::Sub": made}}}


def test_whoever_deploys_elsewhere_changes_nothing_of_belay_s() -> None:
    policies = {
        name: each["Properties"]
        for name, each in template(ACCOUNT)["Resources"].items()
        if each["Type"] == "AWS::IAM::ManagedPolicy"
    }
    denied, boundary = (
        policies[name]["PolicyDocument"]["Statement"] for name in ("ServiceRolePolicy", "ReleaseBoundary")
    )
    assert {each["Effect"] for each in denied} == {"Deny"}
    (allowed,) = [each for each in boundary if each["Effect"] == "Allow"]
    assert (allowed["Action"], allowed["Resource"]) == ("*", "*")
    assert [each for each in boundary if each is not allowed] == denied[: len(boundary) - 1]
    denials = [
        (each["Action"], resource["Fn::Sub"].partition("${AWS::AccountId}:")[2])
        for each in boundary[1:]
        for resource in listed(each["Resource"])
        if "Fn::Sub" in resource
    ]
    names = [
        *(f"iam role/belay-{power}" for power in POWERS),
        *(f"iam policy/{each['ManagedPolicyName']}" for each in policies.values()),
        *(
            f"events rule/{r['Properties']['Name']}"
            for r in template(REGION)["Resources"].values()
            if r["Type"] == RULE
        ),
        f"sqs {template(REGION)['Resources']['Undelivered']['Properties']['QueueName']}",
        f"iam role/{template(REGION)['Resources']['ForwardRole']['Properties']['RoleName']['Fn::Sub']}",
    ]
    for service, name in (each.split(" ", 1) for each in names):
        assert any(action == f"{service}:*" and fnmatch(name, pattern) for action, pattern in denials), name


# -- files -------------------------------------------------------------------------------------------------------------


def test_an_account_reads_the_files_of_its_own_stages_alone() -> None:
    resources = template(HUB_REGION)["Resources"]
    (encrypted,) = resources["Files"]["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    # With a bucket key the context would be the bucket, and the key's policy could not distinguish the accounts.
    assert encrypted["BucketKeyEnabled"] is False
    tls, looks, reads = resources["FilesPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert looks["Action"] == ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"]
    assert looks["Resource"] == {"Fn::GetAtt": "Files.Arn"}, "the bucket, and nothing in it"
    assert looks["Principal"] == reads["Principal"] == {"AWS": {"Ref": "SpokeAccounts"}}
    assert reads["Action"] == ["s3:GetObject", "s3:GetObjectVersion"]
    assert reads["Resource"] == {"Fn::Sub": "${Files.Arn}/spokes/${!aws:PrincipalAccount}/*"}
    _, decrypts = resources["FilesKey"]["Properties"]["KeyPolicy"]["Statement"]
    assert (decrypts["Principal"], decrypts["Action"]) == ({"AWS": {"Ref": "SpokeAccounts"}}, "kms:Decrypt")
    bucket = resources["Files"]["Properties"]["BucketName"]["Fn::Sub"]
    own = f"arn:${{AWS::Partition}}:s3:::{bucket}/spokes/${{!aws:PrincipalAccount}}/*"
    assert decrypts["Condition"]["StringLike"] == {"kms:EncryptionContext:aws:s3:arn": {"Fn::Sub": own}}


def test_the_files_are_kept_as_belay_s_others_are() -> None:
    ours = template()["Resources"]["ArtifactBucket"]
    files = template(HUB_REGION)["Resources"]["Files"]
    different = {"BucketName", "BucketEncryption", "LifecycleConfiguration"}
    assert {**files["Properties"], **dict.fromkeys(different)} == {**ours["Properties"], **dict.fromkeys(different)}
    # Documents of dry runs are only in Belay's own bucket; a dry run's copies have the tag.
    kept = [each for each in ours["Properties"]["LifecycleConfiguration"]["Rules"] if each["Id"] != "plans"]
    assert files["Properties"]["LifecycleConfiguration"]["Rules"] == kept
    assert (files["DeletionPolicy"], files["UpdateReplacePolicy"]) == (
        ours["DeletionPolicy"],
        ours["UpdateReplacePolicy"],
    )


# -- events ------------------------------------------------------------------------------------------------------------


def test_the_bus_takes_what_rules_of_the_registered_accounts_send() -> None:
    resources = template(BUS)["Resources"]
    policy = resources["BusPolicy"]["Properties"]
    assert policy["Statement"] == {
        "Sid": "spokes",
        "Effect": "Allow",
        "Principal": {"AWS": {"Ref": "SpokeAccounts"}},
        "Action": "events:PutEvents",
        "Resource": {"Fn::GetAtt": "Bus.Arn"},
        "Condition": {"Bool": {"events:eventBusInvocation": "true"}},
    }
    assert [name for name, each in resources.items() if each["Type"] == "AWS::Events::EventBusPolicy"] == ["BusPolicy"]


FORWARDED = {
    "FailedStack": ("react_to_failed_stack", "Forward"),
    "PipelineChanged": ("react_to_pipeline", "ForwardPipelines"),
    "BuildChanged": ("react_to_pipeline", "ForwardBuilds"),
    "DeploymentChanged": ("react_to_pipeline", "ForwardDeployments"),
}
"""The rules on the bus, each with its function and the rule elsewhere."""


@pytest.mark.parametrize("rule", FORWARDED)
def test_what_is_sent_is_what_belay_listens_to(rule: str) -> None:
    """At home, on the bus, and in the rule elsewhere."""
    function, sends = FORWARDED[rule]
    at_home = functions()[function]["Events"][rule]["Properties"]["Pattern"]
    on_bus = template(BUS)["Resources"][rule]["Properties"]
    assert on_bus["EventPattern"] == {**at_home, "account": {"Ref": "SpokeAccounts"}}
    (target,) = on_bus["Targets"]
    invoked = template(BUS)["Resources"][f"{rule}Permission"]["Properties"]
    assert invoked["SourceArn"] == {"Fn::GetAtt": f"{rule}.Arn"}
    parameter = target["Arn"]["Ref"]
    assert invoked["FunctionName"] == {"Ref": parameter}
    given = template()["Resources"]["Spokes"]["Properties"]["Parameters"][parameter]
    assert given == {"Fn::GetAtt": f"{logical_id(function)}.Arn"}
    assert template(REGION)["Resources"][sends]["Properties"]["EventPattern"] == at_home


def test_every_rule_is_known() -> None:
    rules = {path: {n for n, r in template(path)["Resources"].items() if r["Type"] == RULE} for path in (BUS, REGION)}
    assert rules == {BUS: {*FORWARDED}, REGION: {sends for _, sends in FORWARDED.values()}}


@pytest.mark.parametrize("rule", [sends for _, sends in FORWARDED.values()])
def test_the_rule_elsewhere_sends_to_the_bus_and_keeps_what_does_not_arrive(rule: str) -> None:
    resources = template(REGION)["Resources"]
    bus = "arn:${AWS::Partition}:events:${HubRegion}:${HubAccountId}:event-bus/${HubStackName}-spokes"
    assert resources[rule]["Properties"]["Name"].startswith("belay-forward")
    (target,) = resources[rule]["Properties"]["Targets"]
    assert target["Arn"] == {"Fn::Sub": bus}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": "Undelivered.Arn"}}
    (policy,) = resources["ForwardRole"]["Properties"]["Policies"]
    assert policy["PolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Action": "events:PutEvents", "Resource": {"Fn::Sub": bus}}
    ]
    assert template(BUS)["Resources"]["Bus"]["Properties"]["Name"] == {"Fn::Sub": "${BelayName}-spokes"}
    (allowed,) = resources["UndeliveredPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    rules = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/belay-forward*"
    assert allowed["Condition"] == {"ArnLike": {"aws:SourceArn": {"Fn::Sub": rules}}}
    assert resources["Undelivered"]["Properties"]["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize(("path", "rule"), [
    *((BUS, rule) for rule in FORWARDED), *((REGION, sends) for _, sends in FORWARDED.values())
])  # fmt: skip
def test_an_event_is_delivered_for_a_day(path: str, rule: str) -> None:
    (target,) = template(path)["Resources"][rule]["Properties"]["Targets"]
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400}


def test_the_bus_is_given_what_it_needs() -> None:
    given = template()["Resources"]["Spokes"]["Properties"]["Parameters"]
    assert set(given) == set(template(BUS)["Parameters"])
