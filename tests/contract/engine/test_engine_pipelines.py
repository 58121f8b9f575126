import json

import pytest

ROLE = "arn:aws:iam::000000000000:role/pipeline"


def pipeline(name):
    source = {
        "name": "Source",
        "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
        "configuration": {"S3Bucket": "releases", "S3ObjectKey": "orders.zip"},
        "outputArtifacts": [{"name": "Release"}],
    }
    approve = {
        "name": "Approve",
        "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
    }
    return {
        "name": name,
        "roleArn": ROLE,
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [{"name": "Source", "actions": [source]}, {"name": "Approve", "actions": [approve]}],
    }


TRUST = {"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}, "Action": "sts:AssumeRole"}


@pytest.fixture
def role(aws):
    """The role that the pipeline runs with."""
    document = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    aws("iam").create_role(RoleName="pipeline", AssumeRolePolicyDocument=document)
    yield ROLE
    aws("iam").delete_role(RoleName="pipeline")


def test_a_pipeline_is_made_started_and_read(aws, unique, role):
    codepipeline, name = aws("codepipeline"), unique("pipeline")

    codepipeline.create_pipeline(pipeline=pipeline(name))

    assert codepipeline.get_pipeline(name=name)["pipeline"]["roleArn"] == role
    execution = codepipeline.start_pipeline_execution(name=name)["pipelineExecutionId"]
    started = codepipeline.get_pipeline_execution(pipelineName=name, pipelineExecutionId=execution)
    assert started["pipelineExecution"]["pipelineName"] == name
    assert name in [each["name"] for each in codepipeline.list_pipelines()["pipelines"]]


def test_an_application_and_its_deployment_group_are_made_and_read(aws, unique):
    codedeploy, name = aws("codedeploy"), unique("application")

    codedeploy.create_application(applicationName=name, computePlatform="ECS")
    codedeploy.create_deployment_group(applicationName=name, deploymentGroupName="production", serviceRoleArn=ROLE)

    assert codedeploy.get_application(applicationName=name)["application"]["computePlatform"] == "ECS"
    group = codedeploy.get_deployment_group(applicationName=name, deploymentGroupName="production")
    assert group["deploymentGroupInfo"]["serviceRoleArn"] == ROLE


def test_a_pipeline_and_a_deployment_group_come_from_a_stack(aws, stacks, unique, role):
    def upper(value):
        """The API's spelling as CloudFormation's; the keys of a configuration stay as they are."""
        if isinstance(value, dict):
            return {
                key[0].upper() + key[1:]: (each if key == "configuration" else upper(each))
                for key, each in value.items()
            }
        return [upper(each) for each in value] if isinstance(value, list) else value

    name = unique("pipeline")
    template = {
        "Pipeline": {"Type": "AWS::CodePipeline::Pipeline", "Properties": upper(pipeline(name))},
        "Application": {"Type": "AWS::CodeDeploy::Application", "Properties": {"ComputePlatform": "ECS"}},
        "Group": {
            "Type": "AWS::CodeDeploy::DeploymentGroup",
            "Properties": {"ApplicationName": {"Ref": "Application"}, "ServiceRoleArn": role},
        },
    }
    stack = unique("stack")

    created = stacks.create(stack, template)
    assert created["StackStatus"] == "CREATE_COMPLETE"

    made = aws("codepipeline").get_pipeline(name=name)["pipeline"]
    assert made["stages"][0]["actions"][0]["configuration"]["S3ObjectKey"] == "orders.zip"
    ids = {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for each in aws("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    }
    aws("codedeploy").get_deployment_group(applicationName=ids["Application"], deploymentGroupName=ids["Group"])
    template["Pipeline"]["Properties"]["Stages"][0]["Actions"][0]["Configuration"]["S3ObjectKey"] = "other.zip"
    stacks.update(stack, template)
    made = aws("codepipeline").get_pipeline(name=name)["pipeline"]
    assert made["stages"][0]["actions"][0]["configuration"]["S3ObjectKey"] == "other.zip"
    aws("cloudformation").delete_stack(StackName=stack)
    assert stacks.settled(created["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert name not in [each["name"] for each in aws("codepipeline").list_pipelines()["pipelines"]]
