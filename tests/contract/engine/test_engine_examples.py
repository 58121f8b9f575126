"""Each example's template is deployed unchanged; the demo and the pipeline's own tests deploy the others."""

from pathlib import Path

import pytest

DEPLOYED = {
    "github_actions/template.yaml": {
        "Application": "orders",
        "Subjects": "repo:acme/orders:environment:release,repo:acme/orders:ref:refs/heads/main",
        "ReleaseBucketName": "releases",
        "ArtifactBucketName": "artifacts",
        "LedgerTableName": "ledger",
    },
    "code_build/template.yaml": {
        "ReleaseBucketName": "releases",
        "ConnectionArn": "arn:aws:codeconnections:us-east-1:000000000000:connection/github",
        "LoginArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:orders-build",
    },
    "repository_mirror/template.yaml": {
        "Mirror": "orders",
        "SourceArn": "arn:aws:codecommit:eu-west-1:000000000000:orders",
        "OnCallEmail": "ann@example.com",
        "ReleaseBucket": "artifacts",
        "ReleasePrefix": "releases/orders-mirror/1",
    },
    "repository_mirror/source.yaml": {"SourceName": "orders", "MirrorRegion": "eu-central-1"},
}


def status(cloudformation, name):
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return stack["StackStatus"]


@pytest.mark.parametrize("path", DEPLOYED)
def test_an_example_is_deployed(aws, unique, until, path):
    cloudformation, name = aws("cloudformation"), unique("example")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=Path("examples", path).read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in DEPLOYED[path].items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    until(lambda: status(cloudformation, name), lambda seen: seen != "CREATE_IN_PROGRESS")

    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    assert [each["ResourceStatusReason"] for each in events if each["ResourceStatus"] == "CREATE_FAILED"] == []
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert all(output["OutputValue"] for output in stack["Outputs"])
