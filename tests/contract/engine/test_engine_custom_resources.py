"""The custom resources of the examples, created by CloudFormation through their functions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from local.deployment import deploy
from local.engine import EmbeddedEngine

Aws = Callable[[str], Any]
TEMPLATE = Path("examples/custom_resources/template.yaml").resolve()


def test_a_stack_looks_up_a_parameter_and_makes_a_bucket_elsewhere(
    engine: EmbeddedEngine, aws: Aws, unique: Callable[[str], str]
) -> None:
    name = unique("custom")
    made = deploy(engine, template=TEMPLATE, stack_name=name)
    buckets = {each["Name"] for each in aws("s3").list_buckets()["Buckets"]}
    assert made["ReplicaName"] in buckets
    ssm = boto3.client(
        "ssm",
        endpoint_url=engine.endpoint,
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    ssm.put_parameter(Name="/shared/network", Value="10.0.0.0/16", Type="String", Overwrite=True)
    stacks = aws("cloudformation")
    lookup = f"{name}-lookup"
    stacks.create_stack(
        StackName=lookup,
        TemplateBody=f"""
Resources:
  Network:
    Type: Custom::ParameterLookup
    Properties: {{ServiceToken: "{made["LookUpParameterFunctionArn"]}", Name: /shared/network, Region: eu-central-1}}
Outputs:
  Network: {{Value: !GetAtt Network.Value}}
""",
    )
    stacks.get_waiter("stack_create_complete").wait(StackName=lookup, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    (output,) = stacks.describe_stacks(StackName=lookup)["Stacks"][0]["Outputs"]
    assert output["OutputValue"] == "10.0.0.0/16"
    for stack in (lookup, name):
        stacks.delete_stack(StackName=stack)
        stacks.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert made["ReplicaName"] in {each["Name"] for each in aws("s3").list_buckets()["Buckets"]}
