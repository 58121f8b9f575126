import json

import pytest
from botocore.exceptions import ClientError

from local.engine import EmbeddedEngine


def value(reference):
    return {"Value": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": reference}}}}


def given(**values):
    return [{"ParameterKey": name, "ParameterValue": each} for name, each in values.items()]


@pytest.fixture
def create(aws, unique):
    """Create a change set for a new stack with this template and these parameters."""

    def create_change_set(template, **values):
        return aws("cloudformation").create_change_set(
            StackName=unique("stack"),
            ChangeSetName="create",
            ChangeSetType="CREATE",
            TemplateBody=json.dumps(template),
            Parameters=given(**values),
        )

    return create_change_set


SIZED = {"Parameters": {"Size": {"Type": "Number"}}, "Resources": value("Size")}


def test_a_parameter_the_template_does_not_have_is_refused(create):
    with pytest.raises(ClientError, match=r"Parameters: \[Colour\] do not exist in the template"):
        create(SIZED, Size="1", Colour="red")


def test_a_parameter_without_a_value_is_refused(create):
    with pytest.raises(ClientError, match=r"Parameters: \[Size\] must have values"):
        create(SIZED)


def test_a_missing_ssm_parameter_is_refused(create, unique):
    missing = f"/{unique('missing')}"
    image = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": missing}

    with pytest.raises(ClientError) as refused:
        create({"Parameters": {"Image": image}, "Resources": value("Image")})

    assert f"Unable to fetch parameters [{missing}] from parameter store for this account." in str(refused.value)


def test_an_ssm_parameter_is_shown_by_name_with_its_value_and_a_hidden_one_not_at_all(aws, stacks, unique):
    name, image = unique("stack"), f"/{unique('image')}"
    aws("ssm").put_parameter(Name=image, Value="ami-1", Type="String")
    template = {
        "Parameters": {
            "Image": {"Type": "AWS::SSM::Parameter::Value<String>"},
            "Secret": {"Type": "String", "NoEcho": True},
        },
        "Resources": value("Image"),
    }
    asked = {"Parameters": given(Image=image, Secret="hidden")}
    shown = [
        {"ParameterKey": "Image", "ParameterValue": image, "ResolvedValue": "ami-1"},
        {"ParameterKey": "Secret", "ParameterValue": "****"},
    ]

    change_set = stacks.change_set(name, template, ChangeSetType="CREATE", **asked)
    assert change_set["Parameters"] == shown
    aws("cloudformation").execute_change_set(ChangeSetName=change_set["ChangeSetId"])
    assert stacks.settled(name)["Parameters"] == shown

    aws("ssm").put_parameter(Name=image, Value="ami-2", Type="String", Overwrite=True)
    previous = [{"ParameterKey": key, "UsePreviousValue": True} for key in ("Image", "Secret")]
    again = stacks.change_set(name, template, Parameters=previous)
    assert again["Parameters"][0]["ResolvedValue"] == "ami-2"
    assert again["Status"] == "CREATE_COMPLETE"


def test_a_stack_without_parameters_is_described(engine: EmbeddedEngine, stacks, unique):
    stack = stacks.create(unique("stack"), {"Topic": {"Type": "AWS::SNS::Topic"}})

    assert stack.get("Parameters", []) == []
