"""The role that CloudFormation deploys an application with: a template to begin with, for its operator."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from belay.template.nested import STACK
from belay.template.nodes import MappingNode, Node
from cli.outside import RoleGrant
from cli.template_nodes import kind_of, text

ROLE_OUTPUT: Final = "DeploymentRoleArn"
IAM: Final = "AWS::IAM::"
FUNCTION: Final = "AWS::Serverless::Function"
MAKE_ROLES: Final = frozenset({FUNCTION, "AWS::Serverless::StateMachine"})
"""Each makes a role of its own, too, unless it is given one."""

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


_EVENTS: Final = {
    "Api": "AWS::ApiGateway::RestApi",
    "CloudWatchEvent": "AWS::Events::Rule",
    "CloudWatchLogs": "AWS::Logs::SubscriptionFilter",
    "Cognito": "AWS::Cognito::UserPool",
    "EventBridgeRule": "AWS::Events::Rule",
    "HttpApi": "AWS::ApiGatewayV2::Api",
    "IoTRule": "AWS::IoT::TopicRule",
    "S3": "AWS::S3::Bucket",
    "SNS": "AWS::SNS::Subscription",
    "Schedule": "AWS::Events::Rule",
    "ScheduleV2": "AWS::Scheduler::Schedule",
}
"""What SAM makes of a function's or a state machine's events, where that is not Lambda's own:
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-eventsource.html"""
_IAM_NAMES: Final = {
    f"{IAM}Group": ("group", "GroupName"),
    f"{IAM}InstanceProfile": ("instance-profile", "InstanceProfileName"),
    f"{IAM}ManagedPolicy": ("policy", "ManagedPolicyName"),
    f"{IAM}Role": ("role", "RoleName"),
    f"{IAM}User": ("user", "UserName"),
}
"""The part of an ARN that each resource of IAM has, and the property that names it."""
_PUT_IN: Final = re.compile(r"\$\{(?!AWS::StackName\})[^}]*\}")


def implied(kind: str, properties: Mapping[str, Node]) -> Iterator[str]:
    """Yield the types of what SAM makes beside a resource."""
    if kind not in MAKE_ROLES:
        return
    events = properties.get("Events")
    named = [kind_of(each) for each in events.entries.values()] if isinstance(events, MappingNode) else []
    yield from (_EVENTS[each] for each in named if each in _EVENTS)
    if "DeploymentPreference" in properties:
        yield "AWS::CodeDeploy::DeploymentGroup"


def in_iam(kind: str, properties: Mapping[str, Node]) -> tuple[str, str] | None:
    """Return what a resource makes in IAM as an ARN names it: the part, such as ``role``, and its path with its name.

    A name that CloudFormation gives begins with the stack's, which is ``${stack}``. None if it makes nothing there;
    the name is empty if only a deployment tells it.
    """
    if kind in MAKE_ROLES:
        return None if "Role" in properties else ("role", "/${stack}-*")
    part, named = _IAM_NAMES.get(kind, ("", ""))
    if not part:
        return None
    name, path = _written(properties.get(named), "${stack}-*"), _written(properties.get("Path"), "/")
    return (part, path + name) if name and path else (part, "")


def _written(node: Node | None, default: str) -> str:
    """Return a text, with stars for what functions put in; empty if it begins with one."""
    if isinstance(node, MappingNode) and "Fn::Sub" in node.entries:
        node = node.entries["Fn::Sub"]
    if node is None:
        return default
    name = text(node)
    return "" if re.match(_PUT_IN, name) else re.sub(_PUT_IN, "*", name).replace("${AWS::StackName}", "${stack}")


@dataclass(frozen=True)
class Needs:
    """What an application's stacks are made of.

    ``kinds`` are the types of their resources, ``stacks`` their names, ``files`` whether they name files of the
    release, ``made`` what they make in IAM, and ``grants`` what they use beside their own.
    """

    kinds: Collection[str]
    stacks: Sequence[str]
    files: bool = False
    made: Collection[tuple[str, str]] = ()
    grants: Collection[RoleGrant] = ()


def service_role(application: str, needs: Needs, parameters: Mapping[str, Mapping[str, str]]) -> str:
    """Return the template of a role that may manage these stacks and those nested in them, with these parameters.

    The parameters that grants name are outputs again, for the registration.
    """
    told = dict.fromkeys(each.parameter for each in needs.grants if each.parameter)
    return _OPERATOR.format(
        application=application,
        output=ROLE_OUTPUT,
        parameters="\n".join(f"  {name}: {json.dumps(each)}" for name, each in parameters.items()),
        statements="\n".join(f"              - {each}" for each in _statements(application, needs)),
        outputs="".join(f"  {name}: {{Value: !Ref {name}}}\n" for name in told),
    )


def _statements(application: str, needs: Needs) -> Iterator[str]:
    services = sorted({service for kind in needs.kinds if (service := _service(kind))})
    # A policy needs a statement: this one allows what everybody may do.
    actions = [f"{each}:*" for each in services] or ["sts:GetCallerIdentity"]
    yield f'{{Effect: Allow, Action: {json.dumps(actions)}, Resource: "*"}}'
    if STACK in needs.kinds:
        arns = ", ".join(_arn("cloudformation", "${AWS::Region}", f"stack/{name}-*") for name in needs.stacks)
        yield f'{{Effect: Allow, Action: "cloudformation:*", Resource: [{arns}]}}'
    if needs.files:
        files = f'!Sub "arn:${{AWS::Partition}}:s3:::${{ArtifactBucketName}}/releases/{application}/*"'
        yield f"{{Effect: Allow, Action: s3:GetObject, Resource: {files}}}"
    made = sorted(needs.made)
    named = dict.fromkeys(
        part + name.replace("${stack}", stack) for stack in needs.stacks for part, name in made if name
    )
    if named:
        yield f'{{Effect: Allow, Action: "iam:*", Resource: [{", ".join(_arn("iam", "", each) for each in named)}]}}'
    for action in sorted({each.action for each in needs.grants}):
        used = ", ".join(sorted({each.resource for each in needs.grants if each.action == action}))
        yield f'{{Effect: Allow, Action: "{action}", Resource: [{used}]}}'


def _service(kind: str) -> str | None:
    """Return IAM's prefix of the service that a resource type belongs to; None for what has rules of its own."""
    provider, _, rest = kind.partition("::")
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
{outputs}"""
