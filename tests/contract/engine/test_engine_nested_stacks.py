import json

import pytest
from botocore.exceptions import ClientError

ROLLING_BACK = "UPDATE_ROLLBACK_IN_PROGRESS"
NOWHERE = {"GroupId": "sg-nowhere", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "192.0.2.0/24"}


def parameter(value):
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}


def broken(after):
    return {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": NOWHERE, "DependsOn": after}


@pytest.fixture
def family(aws, stacks, unique):
    """A parent whose nested stack ``Child`` has one parameter, ``Inner``; both can be changed and broken."""

    class Family:
        def __init__(self):
            self.s3, self.bucket, self.name = aws("s3"), unique("templates"), unique("parent")
            self.s3.create_bucket(Bucket=self.bucket)

        def template(self, value, **resources):
            key = unique("child")
            child = {
                "Resources": {"Inner": parameter(value), **resources},
                "Outputs": {"Name": {"Value": {"Ref": "Inner"}}},
            }
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=json.dumps(child).encode())
            url = f"{self.s3.meta.endpoint_url}/{self.bucket}/{key}"
            return {"Child": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}}

        def child(self):
            resource = aws("cloudformation").describe_stack_resource(StackName=self.name, LogicalResourceId="Child")
            return stacks.describe(resource["StackResourceDetail"]["PhysicalResourceId"])

        def inner(self):
            name = self.child()["Outputs"][0]["OutputValue"]
            return aws("ssm").get_parameter(Name=name)["Parameter"]["Value"]

    return Family()


def test_a_child_knows_its_parent_and_its_root(stacks, family):
    parent = stacks.create(family.name, family.template("1"))

    child = family.child()

    assert (child["StackStatus"], child["ParentId"], child["RootId"]) == ("CREATE_COMPLETE", *[parent["StackId"]] * 2)
    assert child["StackName"].startswith(f"{family.name}-Child-")


def test_a_child_that_cannot_be_created_fails_its_parent_and_is_deleted(aws, stacks, family):
    parent = stacks.create(family.name, family.template("1", Broken=broken("Inner")))

    assert parent["StackStatus"] == "ROLLBACK_COMPLETE"
    events = aws("cloudformation").describe_stack_events(StackName=family.name)["StackEvents"]
    failed = next(event for event in events if event["ResourceStatus"] == "CREATE_FAILED")
    assert (
        "was not successfully created: The following resource(s) failed to create: [Broken]."
        in failed["ResourceStatusReason"]
    )
    child = failed["ResourceStatusReason"].split()[2]
    assert stacks.describe(child)["StackStatus"] == "DELETE_COMPLETE"
    inner = aws("cloudformation").describe_stack_events(StackName=child)["StackEvents"]
    assert ("Inner", "DELETE_COMPLETE") in [(event["LogicalResourceId"], event["ResourceStatus"]) for event in inner]


def test_a_child_that_cannot_be_updated_rolls_back_with_its_parent(stacks, family):
    stacks.create(family.name, family.template("1"))

    parent = stacks.update(family.name, family.template("2", Broken=broken("Inner")))

    assert (parent["StackStatus"], family.child()["StackStatus"]) == ("UPDATE_ROLLBACK_COMPLETE",) * 2
    assert family.inner() == "1"


def test_an_updated_child_is_taken_back_when_its_parent_fails_elsewhere(stacks, family):
    stacks.create(family.name, family.template("1"))

    parent = stacks.update(family.name, {**family.template("2"), "Broken": broken("Child")})

    assert (parent["StackStatus"], family.child()["StackStatus"]) == ("UPDATE_ROLLBACK_COMPLETE",) * 2
    assert family.inner() == "1"


def test_a_rollback_that_failed_in_a_child_is_continued_on_the_root(engine, aws, stacks, family):
    cloudformation = aws("cloudformation")
    stacks.create(family.name, family.template("1"))
    engine.fail_resource("Inner", "update", "no rollback", times=3, stack_status=ROLLING_BACK)

    parent = stacks.update(family.name, {**family.template("2"), "Broken": broken("Child")})

    child = family.child()
    assert (parent["StackStatus"], child["StackStatus"]) == ("UPDATE_ROLLBACK_FAILED",) * 2
    with pytest.raises(ClientError, match="nested stack"):
        cloudformation.continue_update_rollback(StackName=child["StackName"])
    for wrong in ("Child", "Broken", f"{child['StackName']}.Other"):
        with pytest.raises(ClientError, match="cannot be skipped"):
            cloudformation.continue_update_rollback(StackName=family.name, ResourcesToSkip=[wrong])

    cloudformation.continue_update_rollback(StackName=family.name)
    assert stacks.settled(family.name)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    cloudformation.continue_update_rollback(StackName=family.name, ResourcesToSkip=[f"{child['StackName']}.Inner"])

    assert stacks.settled(family.name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert family.child()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert family.inner() == "2"


def test_a_child_that_cannot_be_deleted_keeps_its_parent(engine, aws, stacks, family):
    stack_id = stacks.create(family.name, family.template("1"))["StackId"]
    engine.fail_resource("Inner", "delete", "still in use")

    aws("cloudformation").delete_stack(StackName=family.name)
    assert stacks.settled(stack_id)["StackStatus"] == "DELETE_FAILED"
    assert family.child()["StackStatus"] == "DELETE_FAILED"
    aws("cloudformation").delete_stack(StackName=family.name)

    assert stacks.settled(stack_id)["StackStatus"] == "DELETE_COMPLETE"


def test_a_change_set_shows_what_it_changes_in_a_child(aws, stacks, family, unique):
    stacks.create(family.name, family.template("1"))
    client = aws("cloudformation")
    changed = family.template("2", Another=parameter("3"))
    changed["New"] = family.template("4")["Child"]
    asked = {"StackName": family.name, "TemplateBody": json.dumps({"Resources": changed})}

    made = client.create_change_set(ChangeSetName=unique("with"), IncludeNestedStacks=True, **asked)["Id"]
    without = client.create_change_set(ChangeSetName=unique("without"), **asked)["Id"]

    def inside(change_set):
        changes = client.describe_change_set(ChangeSetName=change_set)["Changes"]
        return {each["LogicalResourceId"]: each.get("ChangeSetId") for each in (c["ResourceChange"] for c in changes)}

    children = inside(made)
    assert inside(without) == {"Child": None, "New": None}
    assert inside(children["Child"]) == {"Another": None, "Inner": None}
    assert inside(children["New"]) == {"Inner": None}
    template = client.get_template(ChangeSetName=children["Child"], TemplateStage="Processed")["TemplateBody"]
    assert set(template["Resources"]) == {"Another", "Inner"}
    client.execute_change_set(ChangeSetName=made)
    stacks.settled(family.name)
    assert (family.inner(), family.child()["StackStatus"]) == ("2", "UPDATE_COMPLETE")
