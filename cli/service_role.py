"""The role that CloudFormation deploys an application with: a template to begin with, for its operator."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from belay.template.nested import STACK

ROLE_OUTPUT: Final = "DeploymentRoleArn"
IAM: Final = "AWS::IAM::"
FUNCTION: Final = "AWS::Serverless::Function"
"""It makes a role of its own, too, unless it is given one."""

_SERVICES: Final = {
    "AmazonMQ": "mq",
    "ApiGatewayV2": "apigateway",
    "ApplicationAutoScaling": "application-autoscaling",
    "CertificateManager": "acm",
    "Cognito": "cognito-idp",
    "DocDB": "rds",
    "EFS": "elasticfilesystem",
    "ElasticLoadBalancingV2": "elasticloadbalancing",
    "Elasticsearch": "es",
    "KinesisFirehose": "firehose",
    "MSK": "kafka",
    "Neptune": "rds",
    "OpenSearchServerless": "aoss",
    "OpenSearchService": "es",
    "StepFunctions": "states",
}
"""IAM's prefix of a service, where it is not the one in the resource type in lower case:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"""
_SERVERLESS: Final = {
    "Api": "apigateway",
    "Function": "lambda",
    "HttpApi": "apigateway",
    "LayerVersion": "lambda",
    "SimpleTable": "dynamodb",
    "StateMachine": "states",
}


def service_role(application: str, kinds: Collection[str], stacks: Sequence[str], outputs: Mapping[str, str]) -> str:
    """Return the template of a role that may manage resources of these types, in these stacks and those nested in them.

    ``outputs`` are those of Belay's stack: without them the template's parameters have no defaults.
    """
    wanted = ["ServiceRolePolicyArn", *(["ArtifactBucketName"] if STACK in kinds else [])]
    return _OPERATOR.format(
        application=application,
        output=ROLE_OUTPUT,
        parameters="\n".join(f"  {name}: {json.dumps(_parameter(outputs.get(name)))}" for name in wanted),
        statements="\n".join(f"              - {each}" for each in _statements(application, kinds, stacks)),
    )


def _parameter(default: str | None) -> dict[str, str]:
    return {"Type": "String", **({"Default": default} if default else {})}


def _statements(application: str, kinds: Collection[str], stacks: Sequence[str]) -> Iterator[str]:
    services = sorted({service for kind in kinds if (service := _service(kind))}) or ["sts"]
    yield f'{{Effect: Allow, Action: {json.dumps([f"{each}:*" for each in services])}, Resource: "*"}}'
    if STACK in kinds:
        arns = ", ".join(_arn("cloudformation", "${AWS::Region}", f"stack/{name}-*") for name in stacks)
        yield f'{{Effect: Allow, Action: "cloudformation:*", Resource: [{arns}]}}'
        files = f'!Sub "arn:${{AWS::Partition}}:s3:::${{ArtifactBucketName}}/releases/{application}/*"'
        yield f"{{Effect: Allow, Action: s3:GetObject, Resource: {files}}}"
    if any(kind.startswith(IAM) for kind in kinds) or FUNCTION in kinds:
        made = ("role", "policy", "instance-profile")
        arns = ", ".join(_arn("iam", "", f"{kind}/{name}-*") for name in stacks for kind in made)
        yield f'{{Effect: Allow, Action: "iam:*", Resource: [{arns}]}}'


def _service(kind: str) -> str | None:
    """Return IAM's prefix of the service that a resource type belongs to; None for what has rules of its own."""
    provider, _, rest = kind.partition("::")
    if provider == "Custom" or kind == "AWS::CloudFormation::CustomResource":
        return "lambda"
    service, _, name = rest.partition("::")
    if provider != "AWS" or service in ("IAM", "CloudFormation"):
        return None
    return _SERVERLESS.get(name) if service == "Serverless" else _SERVICES.get(service, service.lower())


def _arn(service: str, region: str, resource: str) -> str:
    return f'!Sub "arn:${{AWS::Partition}}:{service}:{region}:${{AWS::AccountId}}:{resource}"'


_OPERATOR: Final = """\
AWSTemplateFormatVersion: "2010-09-09"
Description: The role that CloudFormation deploys {application} with, which no release can change.

Parameters:
{parameters}

Resources:
  DeploymentRole:
    Type: AWS::IAM::Role
    Properties:
      RoleName: {application}-deployment
      Path: /belay/
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {{Effect: Allow, Principal: {{Service: cloudformation.amazonaws.com}}, Action: sts:AssumeRole}}
      # It denies whatever would change Belay.
      ManagedPolicyArns: [!Ref ServiceRolePolicyArn]
      Policies:
        - PolicyName: application
          PolicyDocument:
            Version: "2012-10-17"
            # The services of the templates' resources: narrow them to what the application needs.
            Statement:
{statements}

Outputs:
  {output}: {{Value: !GetAtt DeploymentRole.Arn}}
"""
