"""A function's role allows exactly what its code can call: a missing grant and an unused one both fail."""

import ast
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from project import LAYER, function_modules, functions, layer_modules, logical_id, parsed, resources, template
from reach import Code, Node, operations, reached

from belay.aws.clients import PATIENT_SECONDS
from belay.aws.gateways import Aws
from belay.database.restore import OPERATIONS

PREFIX = {
    "ApplicationAutoScaling": "application-autoscaling",
    "CloudFormation": "cloudformation",
    "CloudWatch": "cloudwatch",
    "CodeBuild": "codebuild",
    "CodeDeploy": "codedeploy",
    "CodePipeline": "codepipeline",
    "DynamoDB": "dynamodb",
    "EC2": "ec2",
    "Events": "events",
    "ECS": "ecs",
    "ElastiCache": "elasticache",
    "ElasticLoadBalancing": "elasticloadbalancing",
    "IAM": "iam",
    "KMS": "kms",
    "Lambda": "lambda",
    "Logs": "logs",
    "RDS": "rds",
    "S3": "s3",
    "SecretsManager": "secretsmanager",
    "SNS": "sns",
    "SSM": "ssm",
    "StepFunctions": "states",
    "STS": "sts",
}

MODEL = {"ElasticLoadBalancing": "elbv2", "StepFunctions": "stepfunctions"}
"""botocore's name of a service, where that is not the prefix of its actions."""

RELEASES, ARTIFACTS = "ReleaseBucket", "ArtifactBucket"

OTHERWISE_CALLED: Mapping[str, set[str]] = {
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
    "S3.HeadObject": {f"s3:GetObject@{ARTIFACTS}", f"s3:ListBucket@{ARTIFACTS}"},
    "S3.PutObject": {f"s3:PutObject@{ARTIFACTS}"},
    "S3.CreateMultipartUpload": {f"s3:PutObject@{ARTIFACTS}"},
    "S3.UploadPart": {f"s3:PutObject@{ARTIFACTS}"},
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    "S3.CopyObject": {f"s3:PutObject@{ARTIFACTS}", f"s3:GetObjectVersion@{RELEASES}"},
    "S3.CompleteMultipartUpload": {f"s3:PutObject@{ARTIFACTS}"},
    "S3.AbortMultipartUpload": {f"s3:AbortMultipartUpload@{ARTIFACTS}"},
    # Distinguished by method below: a version of an object is another permission, and so is another bucket.
    "S3.GetObject": set(),
    "S3.ListBuckets": {"s3:ListAllMyBuckets"},
    "S3.ListObjectVersions": set(),
    "S3.PutObjectTagging": set(),
    # A session of a stage elsewhere has tags (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html).
    "STS.AssumeRole": {"sts:AssumeRole", "sts:TagSession"},
    # "No permissions are required" (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html).
    "STS.GetCallerIdentity": set(),
    # https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    "Lambda.Invoke": {"lambda:InvokeFunction"},
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    "DynamoDB.TransactWriteItems": {"dynamodb:PutItem", "dynamodb:UpdateItem"},
}
"""Operations whose permission has another name than the operation."""

ALSO_NEEDED: Mapping[str, set[str]] = {
    # Without ListBucket, S3 returns AccessDenied for a missing object
    # (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html).
    "ArtifactBucket.get_bytes": {f"s3:GetObject@{ARTIFACTS}", f"s3:ListBucket@{ARTIFACTS}"},
    "ArtifactBucket.versions": {f"s3:ListBucketVersions@{ARTIFACTS}"},
    "ArtifactBucket.page": {f"s3:ListBucketVersions@{ARTIFACTS}"},
    "ArtifactBucket.lend_member": {f"s3:PutObjectTagging@{ARTIFACTS}"},
    "ArtifactBucket.tag_unneeded": {f"s3:PutObjectVersionTagging@{ARTIFACTS}"},
    "ReleaseBucket.page": {f"s3:ListBucketVersions@{RELEASES}"},
    "ReleaseBucket.tag_unneeded": {f"s3:PutObjectVersionTagging@{RELEASES}"},
    "ArtifactBucket.get_version": {f"s3:GetObjectVersion@{ARTIFACTS}", f"s3:ListBucket@{ARTIFACTS}"},
    "UploadedObject.read": {f"s3:GetObjectVersion@{RELEASES}", f"s3:ListBucket@{RELEASES}"},
    # CloudFormation reads the template and the parameters of an SSM type with the caller's permissions, and is passed
    # the service role.
    "Stacks.create_change_set": {
        "cloudformation:DescribeChangeSet",
        "iam:PassRole",
        f"s3:GetObject@{ARTIFACTS}",
        "ssm:GetParameters",
    },
    "Stacks.delete_stack": {"iam:PassRole"},
    "Stacks.perform": {"iam:PassRole"},
    # The bucket of files elsewhere is encrypted with one of Belay's keys
    # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html).
    "StageFiles.copy": {"kms:GenerateDataKey", "kms:Decrypt"},
    "StageFiles.upload": {"kms:GenerateDataKey", "kms:Decrypt"},
    "FollowedPipelines._keep": {"kms:GenerateDataKey", "kms:Decrypt"},
    "StageFiles.hand_over": {"kms:GenerateDataKey", "kms:Decrypt"},
    "StageFiles.handed": {"kms:Decrypt"},
    # The template of a baseline is one version of an object.
    "RecoveredStacks._named_change_set": {f"s3:GetObjectVersion@{ARTIFACTS}"},
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    "Notifications.publish": {"kms:GenerateDataKey", "kms:Decrypt"},
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Tagging.html
    "Databases.create_snapshot": {"rds:AddTagsToResource"},
    "Databases.copy_snapshot": {"rds:AddTagsToResource"},
    "DatabaseCopies.make": {"rds:AddTagsToResource", "kms:CreateGrant", "kms:DescribeKey"},
    # A restored database gets its roles back, and is encrypted with the key of its snapshot
    # (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html).
    "Databases.perform": {"iam:PassRole", "kms:CreateGrant", "kms:DescribeKey"},
}
"""What a method of a gateway needs besides the permission for its call."""


def performed() -> set[str]:
    """The operations of CloudFormation that a step of a rollback plan calls by itself.

    The machine waits, and the change set back to the baseline has functions of its own.
    """
    planned = {
        str(call.args[2].value)
        for call in ast.walk(parsed(LAYER / "rollback" / "steps.py"))
        if isinstance(call, ast.Call)
        and getattr(call.func, "id", "") == "_step"
        and isinstance(call.args[2], ast.Constant)
    }
    assert {"RollbackStack", "DeleteStack"} <= planned
    return planned - {"DescribeStacks", "CreateChangeSet"}


@cache
def needed(function: str) -> frozenset[str]:
    found: set[str] = set()
    for _, operation in operations(function):
        if operation == "CloudFormation.{operation}":
            found |= {f"cloudformation:{each}" for each in performed()}
        elif operation == "RDS.{operation}":
            found |= {f"rds:{each}" for each in OPERATIONS}
        else:
            service, name = operation.split(".")
            found |= OTHERWISE_CALLED.get(operation, {f"{PREFIX[service]}:{name}"})
    return frozenset(found.union(*(ALSO_NEEDED.get(str(node), set()) for node in reached(function))))


def needed_at_home(function: str) -> set[str]:
    """What its own role needs: copies to vaults use the role of each vault's account."""
    found = set(needed(function))
    return {each for each in found if not each.startswith("rds:")} if function == "copy_to_vault" else found


def granted(function: str) -> set[str]:
    return {
        named(action, statement["Resource"])
        for policy in functions()[function]["Policies"]
        for statement in policy["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def named(action: str, resource: Any) -> str:
    """An action on a bucket is distinguished by the bucket."""
    if not action.startswith("s3:") or action == "s3:ListAllMyBuckets":
        return action
    return f"{action}@{RELEASES if RELEASES in json.dumps(resource) else ARTIFACTS}"


@pytest.mark.parametrize("function", function_modules())
def test_a_function_may_do_what_it_does(function: str) -> None:
    assert needed_at_home(function) - granted(function) == set()


@pytest.mark.parametrize("function", function_modules())
def test_a_function_may_do_no_more_than_it_does(function: str) -> None:
    assert granted(function) - needed_at_home(function) == set()


def test_what_a_function_reaches_is_really_found() -> None:
    assert ("Stacks.execute_change_set", "CloudFormation.ExecuteChangeSet") in operations("change_stacks")
    assert ("Stacks.perform", "CloudFormation.{operation}") in operations("recover_stacks")
    assert "SNS.Publish" in {operation for _, operation in operations("lead_rollback")}
    assert "S3.GetObject" in {operation for _, operation in operations("read_release")}


@pytest.mark.parametrize(
    "loop", ["for each, word in {}: each.look(word)", "return [each.look(word) for each, word in {}]"]
)
def test_items_that_are_written_out_are_known_where_a_loop_names_them(loop: str) -> None:
    code = Code()
    code.add_rooms()
    source = f"def asked(aws: Aws):\n    {loop.format('((aws.alarms, 1), (aws.alarms, 2), (aws.alarms, 3))')}"
    (code.functions["asking", "asked"],) = ast.parse(source).body  # type: ignore[assignment]
    assert code.known_in(Node("asking", "", "asked"))["each"] == "Alarms"


def test_every_call_of_the_gateways_is_an_operation_that_aws_has() -> None:
    session = botocore.session.get_session()
    found = {operation for name in function_modules() for _, operation in operations(name) if "{" not in operation}
    assert len(found) > 30
    for service, operation in (each.split(".") for each in found):
        model = session.get_service_model(MODEL.get(service, PREFIX[service]))
        assert operation in model.operation_names


def test_every_method_in_the_table_exists() -> None:
    methods = {
        f"{node.name}.{method.name}"
        for name, path in layer_modules().items()
        if name.startswith(("belay.aws.", "belay.control."))
        for node in parsed(path).body
        if isinstance(node, ast.ClassDef)
        for method in node.body
        if isinstance(method, ast.FunctionDef)
    }
    assert set(ALSO_NEEDED) <= methods


def test_a_function_outlives_the_calls_that_it_is_patient_with() -> None:
    waited_for = {"TemplateValidator.check", "ResourceDrift.detect", "VerifyFunctions.ask"}
    patient = {name for name in function_modules() if waited_for & {str(node) for node in reached(name)}}
    assert patient == {"check_stage", "read_release", "recover_stacks"}
    for name in patient:
        # A minute for the work before and after.
        assert functions()[name]["Timeout"] >= PATIENT_SECONDS + 60


def test_the_check_of_templates_is_waited_for_as_long_as_it_may_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Config] = []
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    Aws(make=lambda service, **options: made.append(options["config"])).template_validator("arn")
    (config,) = made
    limit = template("template_checks.yaml")["Resources"]["CheckTemplatesFunction"]["Properties"]["Timeout"]
    assert config.read_timeout > limit
    # A second call would run the checks twice at the same time.
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}


def test_only_functions_that_are_triggered_start_executions_of_their_own() -> None:
    starting = {name for name in functions() if "states:StartExecution" in granted(name)}
    assert starting == {
        "follow_incident",
        "react_to_failed_execution",
        "react_to_failed_stack",
        "react_to_pipeline",
        "rollback_action",
        "start_rollback",
        "sweep",
    }
    assert {logical_id(name) for name in starting} <= set(resources("AWS::Serverless::Function"))
