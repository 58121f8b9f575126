"""Each example's template is deployed as it stands; the demo and the pipeline's own tests deploy the others."""

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
}


@pytest.mark.parametrize("path", DEPLOYED)
def test_an_example_is_deployed(aws, unique, path):
    cloudformation, name = aws("cloudformation"), unique("example")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=Path("examples", path).read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in DEPLOYED[path].items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )

    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert all(output["OutputValue"] for output in stack["Outputs"])
