import json

import pytest
from botocore.exceptions import ClientError

TOPIC = {"Topic": {"Type": "AWS::SNS::Topic"}}
NOWHERE = {"GroupId": "sg-nowhere", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "192.0.2.0/24"}
BROKEN = {"Broken": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": NOWHERE, "DependsOn": "Topic"}}
STACK_EVENT = {"source": ["aws.cloudformation"], "detail-type": ["CloudFormation Stack Status Change"]}


def parameter(name, value, **properties):
    return {name: {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **properties}}}


def statuses(events, stack_id):
    return [event["detail"]["status-details"]["status"] for event in events if event["detail"]["stack-id"] == stack_id]


def test_a_stack_says_each_status_with_the_token_of_the_operation(aws, stacks, caught, until, unique):
    name = unique("stack")
    events = caught(STACK_EVENT)

    stack_id = stacks.create(name, TOPIC, ClientRequestToken="create-1")["StackId"]
    aws("cloudformation").delete_stack(StackName=stack_id, ClientRequestToken="delete-1")

    seen = until(events, lambda found: "DELETE_COMPLETE" in statuses(found, stack_id))
    assert [
        (event["detail"]["status-details"]["status"], event["detail"]["client-request-token"], event["resources"])
        for event in seen
        if event["detail"]["stack-id"] == stack_id
    ] == [
        ("CREATE_IN_PROGRESS", "create-1", [stack_id]),
        ("CREATE_COMPLETE", "create-1", [stack_id]),
        ("DELETE_IN_PROGRESS", "delete-1", [stack_id]),
        ("DELETE_COMPLETE", "delete-1", [stack_id]),
    ]


def test_resources_say_their_status_too(stacks, caught, until, unique):
    events = caught({"source": ["aws.cloudformation"], "detail-type": ["CloudFormation Resource Status Change"]})

    stack_id = stacks.create(unique("stack"), TOPIC, ClientRequestToken="token-2")["StackId"]

    seen = until(events, lambda found: "CREATE_COMPLETE" in statuses(found, stack_id))
    last = next(event["detail"] for event in reversed(seen) if event["detail"]["stack-id"] == stack_id)
    assert (last["logical-resource-id"], last["resource-type"]) == ("Topic", "AWS::SNS::Topic")
    assert last["physical-resource-id"].startswith("arn:aws:sns:")
    assert last["client-request-token"] == "token-2"


def test_a_change_set_for_a_name_that_is_taken_fails_early_and_its_events_name_it(aws, stacks, unique):
    name, taken, cloudformation = unique("stack"), unique("bucket"), aws("cloudformation")
    aws("s3").create_bucket(Bucket=taken)
    bucket = {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": taken}}}

    change_set = stacks.change_set(name, {**TOPIC, **bucket}, ChangeSetType="CREATE")

    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "[AWS::EarlyValidation::ResourceExistenceCheck]" in change_set["StatusReason"]
    (event,) = cloudformation.describe_events(ChangeSetName=change_set["ChangeSetId"], Filters={"FailedEvents": True})[
        "OperationEvents"
    ]
    assert (event["EventType"], event["LogicalResourceId"]) == ("VALIDATION_ERROR", "Bucket")
    assert taken in event["ValidationStatusReason"]


def test_executing_a_change_set_carries_its_token_into_events_and_describes(aws, stacks, caught, until, unique):
    name, cloudformation = unique("stack"), aws("cloudformation")
    events = caught({**STACK_EVENT, "detail": {"status-details": {"status": ["CREATE_COMPLETE"]}}})
    change_set = stacks.change_set(name, TOPIC, ChangeSetType="CREATE")

    cloudformation.execute_change_set(ChangeSetName=change_set["ChangeSetId"], ClientRequestToken="execute-3")

    stack_id = stacks.settled(name)["StackId"]
    seen = until(events, lambda found: any(event["detail"]["stack-id"] == stack_id for event in found))
    assert [e["detail"]["client-request-token"] for e in seen if e["detail"]["stack-id"] == stack_id] == ["execute-3"]
    described = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    tokens = {event["ResourceStatus"]: event.get("ClientRequestToken") for event in reversed(described)}
    assert tokens["CREATE_COMPLETE"] == "execute-3"


def test_a_failed_create_rolls_back_and_names_the_resource(aws, stacks, unique, until):
    name = unique("stack")

    stack = stacks.create(name, TOPIC | BROKEN)

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    events = aws("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert [event["LogicalResourceId"] for event in failed] == ["Broken"]
    assert failed[0]["ResourceStatusReason"]


def test_an_update_of_a_stack_in_rollback_complete_is_refused(aws, stacks, unique):
    name = unique("stack")
    stacks.create(name, TOPIC | BROKEN)

    with pytest.raises(ClientError, match="ROLLBACK_COMPLETE state and can not be updated") as refused:
        aws("cloudformation").create_change_set(
            StackName=name, ChangeSetName="again", ChangeSetType="UPDATE", TemplateBody=json.dumps({"Resources": TOPIC})
        )

    assert refused.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="ROLLBACK_COMPLETE state and can not be updated"):
        aws("cloudformation").update_stack(StackName=name, TemplateBody=json.dumps({"Resources": TOPIC}))


def test_a_create_change_set_for_a_stack_in_rollback_complete_is_refused(aws, stacks, unique):
    name = unique("stack")
    stacks.create(name, TOPIC | BROKEN)

    with pytest.raises(ClientError, match="already exists"):
        aws("cloudformation").create_change_set(
            StackName=name, ChangeSetName="again", ChangeSetType="CREATE", TemplateBody=json.dumps({"Resources": TOPIC})
        )
    with pytest.raises(ClientError, match="already exists"):
        aws("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps({"Resources": TOPIC}))


def test_an_empty_change_set_is_failed_with_awss_reason(stacks, unique):
    name = unique("stack")
    stacks.create(name, TOPIC)

    change_set = stacks.change_set(name, TOPIC)

    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert change_set["StatusReason"].startswith("The submitted information didn't contain changes.")


@pytest.mark.parametrize("changed", ["Outputs", "export"])
def test_a_change_of_outputs_alone_is_a_change(aws, stacks, unique, changed):
    name = unique("stack")
    stacks.create(name, {"Resources": TOPIC, "Outputs": {"Arn": {"Value": {"Ref": "Topic"}}}})
    export = {"Export": {"Name": unique("export")}} if changed == "export" else {}
    outputs = {"Arn": {"Value": {"Fn::Sub": "${Topic}!"}, **export}}

    change_set = stacks.change_set(name, {"Resources": TOPIC, "Outputs": outputs})
    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    aws("cloudformation").execute_change_set(ChangeSetName=change_set["ChangeSetId"])

    assert stacks.settled(name)["Outputs"][0]["OutputValue"].endswith("!")


def test_a_missing_export_fails_the_change_set(stacks, unique):
    export = unique("missing")

    change_set = stacks.change_set(
        unique("stack"), parameter("Value", {"Fn::ImportValue": export}), ChangeSetType="CREATE"
    )

    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert change_set["StatusReason"] == f"No export named {export} found"


def test_a_missing_export_behind_a_parameter_fails_and_a_present_one_resolves(stacks, unique):
    export = unique("export")
    importing = {
        "Parameters": {"Export": {"Type": "String"}},
        "Resources": parameter("Value", {"Fn::ImportValue": {"Ref": "Export"}}),
    }
    asked = {"ChangeSetType": "CREATE", "Parameters": [{"ParameterKey": "Export", "ParameterValue": export}]}

    assert stacks.change_set(unique("stack"), importing, **asked)["Status"] == "FAILED"
    stacks.create(
        unique("stack"), {"Resources": TOPIC, "Outputs": {"Out": {"Value": "there", "Export": {"Name": export}}}}
    )
    assert stacks.change_set(unique("stack"), importing, **asked)["Status"] == "CREATE_COMPLETE"


def test_a_change_set_may_be_described_after_its_execution_and_the_stacks_others_are_gone(aws, stacks, unique):
    name, cloudformation = unique("stack"), aws("cloudformation")
    stacks.create(name, TOPIC)
    other = stacks.change_set(name, TOPIC | parameter("Other", "1"))
    chosen = stacks.change_set(name, TOPIC | parameter("Chosen", "1"))

    cloudformation.execute_change_set(ChangeSetName=chosen["ChangeSetId"])
    stacks.settled(name)

    described = cloudformation.describe_change_set(ChangeSetName=chosen["ChangeSetId"])
    assert described["ExecutionStatus"] == "EXECUTE_COMPLETE"
    assert described["Changes"][0]["ResourceChange"]["LogicalResourceId"] == "Chosen"
    with pytest.raises(cloudformation.exceptions.ChangeSetNotFoundException):
        cloudformation.describe_change_set(ChangeSetName=other["ChangeSetId"])


def test_a_change_set_is_described_with_what_it_was_made_with(stacks, unique):
    role = "arn:aws:iam::000000000000:role/deployer"
    triggers = {
        "RollbackTriggers": [
            {"Arn": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a", "Type": "AWS::CloudWatch::Alarm"}
        ],
        "MonitoringTimeInMinutes": 0,
    }
    template = {"Parameters": {"Size": {"Type": "String"}}, "Resources": parameter("Value", {"Ref": "Size"})}

    change_set = stacks.change_set(
        unique("stack"),
        template,
        ChangeSetType="CREATE",
        RoleARN=role,
        RollbackConfiguration=triggers,
        Description="why",
        Tags=[{"Key": "application", "Value": "orders"}],
        Parameters=[{"ParameterKey": "Size", "ParameterValue": "2"}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )

    assert change_set["RollbackConfiguration"] == triggers
    assert change_set["Description"] == "why"
    assert change_set["Tags"] == [{"Key": "application", "Value": "orders"}]
    assert change_set["Parameters"] == [{"ParameterKey": "Size", "ParameterValue": "2"}]
    assert change_set["Capabilities"] == ["CAPABILITY_NAMED_IAM"]


def test_a_stack_reports_the_role_and_triggers_it_was_deployed_with_and_keeps_them(aws, stacks, unique, alarm):
    name, cloudformation = unique("stack"), aws("cloudformation")
    role = "arn:aws:iam::000000000000:role/deployer"
    triggers = {
        "RollbackTriggers": [{"Arn": alarm("OK"), "Type": "AWS::CloudWatch::Alarm"}],
        "MonitoringTimeInMinutes": 1,
    }
    change_set = stacks.change_set(name, TOPIC, ChangeSetType="CREATE", RoleARN=role, RollbackConfiguration=triggers)
    cloudformation.execute_change_set(ChangeSetName=change_set["ChangeSetId"])

    stack = stacks.settled(name)
    assert (stack["RoleARN"], stack["RollbackConfiguration"]) == (role, triggers)
    stack = stacks.update(name, TOPIC | parameter("More", "1"))
    assert (stack["RoleARN"], stack["RollbackConfiguration"]) == (role, triggers)
    stack = stacks.update(name, TOPIC | parameter("More", "2"), RollbackConfiguration={"RollbackTriggers": []})
    assert stack["RollbackConfiguration"] == {"RollbackTriggers": []}


def test_templates_come_back_as_sent_and_as_processed(aws, stacks, unique):
    name, cloudformation = unique("stack"), aws("cloudformation")
    sent = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {"Table": {"Type": "AWS::Serverless::SimpleTable"}},
    }
    stacks.create(name, sent, Capabilities=["CAPABILITY_AUTO_EXPAND"])

    original = cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    processed = cloudformation.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]

    assert json.loads(original) if isinstance(original, str) else original == sent
    assert dict(processed)["Resources"]["Table"]["Type"] == "AWS::DynamoDB::Table"


def test_nested_stacks_are_transformed_and_their_resources_found(aws, stacks, unique):
    s3, bucket = aws("s3"), unique("templates")
    s3.create_bucket(Bucket=bucket)
    child = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {"Table": {"Type": "AWS::Serverless::SimpleTable"}},
        "Outputs": {"Name": {"Value": {"Ref": "Table"}}},
    }
    s3.put_object(Bucket=bucket, Key="child.json", Body=json.dumps(child).encode())
    url = f"{s3.meta.endpoint_url}/{bucket}/child.json"
    nested = {"Child": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}}
    outputs = {"Table": {"Value": {"Fn::GetAtt": ["Child", "Outputs.Name"]}}}

    stack = stacks.create(unique("stack"), {"Resources": nested, "Outputs": outputs})

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    cloudformation = aws("cloudformation")
    found = cloudformation.describe_stack_resources(StackName=stack["StackName"])["StackResources"]
    inner = cloudformation.describe_stack_resources(StackName=found[0]["PhysicalResourceId"])["StackResources"]
    assert [(each["LogicalResourceId"], each["ResourceType"]) for each in inner] == [("Table", "AWS::DynamoDB::Table")]
    assert (
        aws("dynamodb").describe_table(TableName=stack["Outputs"][0]["OutputValue"])["Table"]["TableStatus"] == "ACTIVE"
    )


RESPONDING = """
import json, urllib.request

def handler(event, context):
    properties = event["ResourceProperties"]
    failing = properties.get("FailOn") == event["RequestType"]
    answer = {
        "Status": "FAILED" if failing else "SUCCESS",
        "Reason": "as asked",
        "PhysicalResourceId": event.get("PhysicalResourceId", "made-" + event["LogicalResourceId"]),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Value": properties.get("Value", "")},
    }
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request)
"""


def custom(token, **properties):
    return {"Custom": {"Type": "Custom::Thing", "Properties": {"ServiceToken": token, **properties}}}


def test_a_custom_resource_is_made_changed_and_deleted_by_its_function(aws, stacks, function, unique):
    name, token = unique("stack"), function(RESPONDING)
    outputs = {"Outputs": {"Value": {"Value": {"Fn::GetAtt": ["Custom", "Value"]}}}}

    assert stacks.create(name, {"Resources": custom(token, Value="1"), **outputs})["Outputs"][0]["OutputValue"] == "1"
    assert stacks.update(name, {"Resources": custom(token, Value="2"), **outputs})["Outputs"][0]["OutputValue"] == "2"
    aws("cloudformation").delete_stack(StackName=name)


def test_a_custom_resource_that_fails_fails_its_stack_with_its_reason(aws, stacks, function, unique):
    name = unique("stack")

    stack = stacks.create(name, custom(function(RESPONDING), FailOn="Create"))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    events = aws("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    reason = next(event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED")
    assert "as asked" in reason


def test_a_stack_whose_resource_cannot_be_deleted_ends_delete_failed(aws, stacks, function, unique):
    name, cloudformation = unique("stack"), aws("cloudformation")
    stack_id = stacks.create(name, TOPIC | custom(function(RESPONDING), FailOn="Delete"))["StackId"]

    cloudformation.delete_stack(StackName=name)

    assert stacks.settled(name)["StackStatus"] == "DELETE_FAILED"
    cloudformation.delete_stack(StackName=name, RetainResources=["Custom"])
    assert stacks.settled(stack_id)["StackStatus"] == "DELETE_COMPLETE"


def test_ecs_clusters_task_definitions_and_services_come_from_stacks(aws, stacks, unique):
    container = {"Name": "web", "Image": "orders:1", "Memory": 128}
    template = {
        "Cluster": {"Type": "AWS::ECS::Cluster"},
        "Task": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {"Family": unique("web"), "ContainerDefinitions": [container]},
        },
        "Service": {
            "Type": "AWS::ECS::Service",
            "Properties": {"Cluster": {"Ref": "Cluster"}, "TaskDefinition": {"Ref": "Task"}, "DesiredCount": 0},
        },
    }
    name = unique("stack")

    assert stacks.create(name, template)["StackStatus"] == "CREATE_COMPLETE"

    made = {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for each in aws("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
    }
    service = aws("ecs").describe_services(cluster=made["Cluster"], services=[made["Service"]])["services"][0]
    assert (service["status"], service["taskDefinition"]) == ("ACTIVE", made["Task"])


def exporting(export, value):
    return {"Resources": TOPIC, "Outputs": {"Out": {"Value": value, "Export": {"Name": export}}}}


def test_an_export_in_use_is_neither_changed_nor_removed_nor_deleted(aws, stacks, unique):
    exporter, importer, export = unique("exporter"), unique("importer"), unique("export")
    stacks.create(exporter, exporting(export, "1"))
    stacks.create(importer, parameter("Value", {"Fn::ImportValue": export}))
    unexported = {"Resources": TOPIC, "Outputs": {"Out": {"Value": "1"}}}

    for template in (exporting(export, "2"), unexported):
        assert stacks.update(exporter, template)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        events = aws("cloudformation").describe_stack_events(StackName=exporter)["StackEvents"]
        reason = next(event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "UPDATE_FAILED")
        assert reason.startswith(f"Export {export} cannot be ")
        assert reason.endswith(f"as it is in use by {importer}")
    with pytest.raises(ClientError, match=f"Export {export} cannot be deleted as it is in use by {importer}"):
        aws("cloudformation").delete_stack(StackName=exporter)

    aws("cloudformation").delete_stack(StackName=importer)
    assert stacks.update(exporter, unexported)["StackStatus"] == "UPDATE_COMPLETE"
    assert not [each for each in aws("cloudformation").list_exports()["Exports"] if each["Name"] == export]


def test_a_name_is_exported_by_one_stack(stacks, unique):
    export = unique("export")
    stacks.create(unique("stack"), exporting(export, "1"))

    assert stacks.create(unique("stack"), exporting(export, "1"))["StackStatus"] == "ROLLBACK_COMPLETE"


def test_a_change_sets_values_are_shown_before_and_after(aws, stacks, unique):
    name = unique("stack")
    stacks.create(name, TOPIC | parameter("Value", "1", Description="<same>"))
    changed = TOPIC | parameter("Value", "2", Description="<same>") | parameter("New", {"Ref": "Other"})
    changed["Other"] = {"Type": "AWS::SNS::Topic"}
    change_set = stacks.change_set(name, changed)

    described = aws("cloudformation").describe_change_set(
        ChangeSetName=change_set["ChangeSetId"], IncludePropertyValues=True
    )

    assert "BeforeContext" not in json.dumps(change_set["Changes"])
    changes = {each["ResourceChange"]["LogicalResourceId"]: each["ResourceChange"] for each in described["Changes"]}
    before, after = (json.loads(changes["Value"][f"{when}Context"]) for when in ("Before", "After"))
    assert before == {"Properties": {"Type": "String", "Value": "1", "Description": "<same>"}}
    assert after == {"Properties": {"Type": "String", "Value": "2", "Description": "<same>"}}
    target = changes["Value"]["Details"][0]["Target"]
    assert (target["Path"], target["BeforeValue"], target["AfterValue"]) == ("/Properties/Value", "1", "2")
    assert "BeforeContext" not in changes["New"]
    made_later = json.loads(changes["New"]["AfterContext"])["Properties"]["Value"]
    assert made_later == "{{changeSet:KNOWN_AFTER_APPLY}}"


def test_change_sets_are_found_by_the_stacks_id_too(aws, stacks, unique):
    name, cloudformation = unique("stack"), aws("cloudformation")
    stack_id = stacks.create(name, TOPIC)["StackId"]
    made = stacks.change_set(stack_id, TOPIC | parameter("More", "1"), ChangeSetName="more")

    assert made["StackName"] == name
    listed = cloudformation.list_change_sets(StackName=stack_id)["Summaries"]
    assert [each["ChangeSetId"] for each in listed] == [made["ChangeSetId"]]
    cloudformation.execute_change_set(StackName=stack_id, ChangeSetName="more")
    assert stacks.settled(stack_id)["StackStatus"] == "UPDATE_COMPLETE"


def test_a_deleted_stack_is_found_by_its_id_after_its_name_was_used_again(aws, stacks, unique):
    name, cloudformation = unique("stack"), aws("cloudformation")
    first = stacks.create(name, TOPIC)["StackId"]
    cloudformation.delete_stack(StackName=name)
    stacks.settled(first)

    second = stacks.create(name, TOPIC)["StackId"]

    assert stacks.describe(first)["StackStatus"] == "DELETE_COMPLETE"
    assert stacks.describe(name)["StackId"] == second
    assert cloudformation.describe_stack_events(StackName=first)["StackEvents"][0]["StackId"] == first
    listed = [each["StackId"] for each in cloudformation.describe_stacks()["Stacks"]]
    assert second in listed
    assert first not in listed


def test_a_second_change_set_of_a_stack_under_review_belongs_to_the_same_stack(aws, stacks, unique):
    name, cloudformation = unique("stack"), aws("cloudformation")
    first = stacks.change_set(name, TOPIC, ChangeSetType="CREATE")
    second = stacks.change_set(name, TOPIC | parameter("More", "1"), ChangeSetType="CREATE")

    assert first["StackId"] == second["StackId"] == stacks.describe(name)["StackId"]
    cloudformation.execute_change_set(ChangeSetName=second["ChangeSetId"])
    assert stacks.settled(name)["StackStatus"] == "CREATE_COMPLETE"


def test_a_template_in_yaml_has_short_functions_and_keeps_dates(aws, stacks, unique):
    name = unique("stack")
    template = """Resources:
  Date: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: 2026-11-30}}
Outputs:
  Value: {Value: !Join [":", [!GetAtt Date.Value, !Sub "${AWS::StackName}"]]}
"""

    aws("cloudformation").create_stack(StackName=name, TemplateBody=template)

    assert [each["OutputValue"] for each in stacks.settled(name)["Outputs"]] == [f"2026-11-30:{name}"]


def test_a_template_that_is_no_yaml_is_refused_with_the_place(aws, unique):
    with pytest.raises(ClientError) as refused:
        aws("cloudformation").create_stack(StackName=unique("stack"), TemplateBody="Resources:\n  Topic: a: b\n")

    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert "mapping values are not allowed here" in str(refused.value)
    assert "Topic: a: b" in str(refused.value)
