import json

import pytest
from botocore.exceptions import WaiterError

RESOURCES = {
    "Provider": {
        "Type": "AWS::IAM::OIDCProvider",
        "Properties": {"Url": "https://token.actions.githubusercontent.com", "ClientIdList": ["sts.amazonaws.com"]},
    },
    "Mirror": {"Type": "AWS::CodeCommit::Repository", "Properties": {"RepositoryName": "orders"}},
    "Packages": {"Type": "AWS::CodeArtifact::Domain", "Properties": {"DomainName": "acme"}},
    "Python": {
        "Type": "AWS::CodeArtifact::Repository",
        "Properties": {"DomainName": "acme", "RepositoryName": "python"},
    },
    "Own": {"Type": "AWS::CodeArtifact::PackageGroup", "Properties": {"DomainName": "acme", "Pattern": "/pypi//acme~"}},
    "GitHub": {
        "Type": "AWS::CodeConnections::Connection",
        "Properties": {"ConnectionName": "github", "ProviderType": "GitHub"},
    },
    "Image": {
        "Type": "AWS::ImageBuilder::ImageRecipe",
        "Properties": {
            "Name": "Base",
            "Version": "1.0.0",
            "ParentImage": "ami-1",
            "Components": [{"ComponentArn": "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/1.0.0"}],
        },
    },
}
OUTPUTS = {
    "Provider": {"Ref": "Provider"},
    "Clone": {"Fn::GetAtt": ["Mirror", "CloneUrlHttp"]},
    "Owner": {"Fn::GetAtt": ["Packages", "Owner"]},
    "Python": {"Ref": "Python"},
    "Own": {"Ref": "Own"},
    "Status": {"Fn::GetAtt": ["GitHub", "ConnectionStatus"]},
    "Image": {"Ref": "Image"},
}


def deployed(aws, name, resources, outputs):
    cloudformation = aws("cloudformation")
    template = {"Resources": resources, "Outputs": {key: {"Value": value} for key, value in outputs.items()}}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def test_resources_that_the_engine_has_no_service_for_are_recorded(aws, unique):
    assert deployed(aws, unique("recorded"), RESOURCES, OUTPUTS) == {
        "Provider": "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com",
        "Clone": "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/orders",
        "Owner": "000000000000",
        "Python": "arn:aws:codeartifact:us-east-1:000000000000:repository/acme/python",
        "Own": "arn:aws:codeartifact:us-east-1:000000000000:package-group/acme/pypi//acme~",
        "Status": "PENDING",
        "Image": "arn:aws:imagebuilder:us-east-1:000000000000:image-recipe/base/1.0.0",
    }


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({}, "'DomainName' is a required property"),
        ({"DomainName": "a"}, "DomainName: 'a' is too short"),
        ({"DomainName": "acme", "Nmae": "x"}, "'Nmae' was unexpected"),
        ({"DomainName": "acme", "Owner": "000000000000"}, "Owner: read-only"),
    ],
)
def test_what_their_schema_does_not_allow_fails_the_stack(aws, unique, properties, reason):
    name = unique("recorded")
    with pytest.raises(WaiterError):
        deployed(aws, name, {"Packages": {"Type": "AWS::CodeArtifact::Domain", "Properties": properties}}, {})

    events = aws("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    assert any(reason in each.get("ResourceStatusReason", "") for each in events)
