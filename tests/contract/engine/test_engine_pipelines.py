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
