import json

import pytest

FAIL = """
class NotYours(Exception):
    pass

def handler(event, context):
    raise NotYours("locked")
"""
SLOW = """
import time
def handler(event, context):
    time.sleep(event.get("seconds", 0))
    return {"got": event}
"""
ENDED = {"source": ["aws.states"], "detail-type": ["Step Functions Execution Status Change"]}


def task(resource, arguments, **more):
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": arguments, **more}


def one(state, **more):
    return {"StartAt": "Only", "States": {"Only": state}, **more}


def test_succeed_makes_its_output_with_jsonata(machines):
    done = machines.run(
        one({"Type": "Succeed", "Output": {"outcome": "{% $states.input.name & '!' %}"}}), {"name": "x"}
    )

    assert json.loads(done["output"]) == {"outcome": "x!"}


def test_a_task_is_caught_by_the_functions_exception_class(machines, function):
    done = machines.run(
        {
            "StartAt": "Lock",
            "States": {
                "Lock": task(
                    "lambda:invoke",
                    {"FunctionName": function(FAIL), "Payload": "{% $states.input %}"},
                    End=True,
                    Catch=[
                        {
                            "ErrorEquals": ["NotYours"],
                            "Assign": {"why": "{% $states.errorOutput.Error %}"},
                            "Output": "{% $parse($states.errorOutput.Cause).errorMessage %}",
                            "Next": "Caught",
                        }
                    ],
                ),
                "Caught": {"Type": "Succeed", "Output": {"error": "{% $why %}", "message": "{% $states.input %}"}},
            },
        }
    )

    assert json.loads(done["output"]) == {"error": "NotYours", "message": "locked"}


def test_lambda_invoke_takes_jsonata_arguments_and_gives_payload_assign_and_output(machines, function):
    state = task(
        "lambda:invoke",
        {"FunctionName": function(SLOW), "Payload": {"sum": "{% $states.input.a + 1 %}"}},
        Assign={"status": "{% $states.result.StatusCode %}"},
        Output="{% $states.result.Payload.got %}",
        Next="End",
    )

    done = machines.run(
        {
            "StartAt": "Add",
            "States": {
                "Add": state,
                "End": {"Type": "Succeed", "Output": "{% $merge([$states.input, {'status': $status}]) %}"},
            },
        },
        {"a": 1},
    )

    assert json.loads(done["output"]) == {"sum": 2, "status": 200}


def test_a_task_without_a_heartbeat_fails_in_time(machines, aws, unique):
    queue = aws("sqs").create_queue(QueueName=unique("tasks"))["QueueUrl"]
    waiting = task(
        "sqs:sendMessage.waitForTaskToken",
        {"QueueUrl": queue, "MessageBody": {"token": "{% $states.context.Task.Token %}"}},
        HeartbeatSeconds=1,
        TimeoutSeconds=60,
        End=True,
    )

    done = machines.run(one(waiting))

    assert (done["status"], done["error"]) == ("FAILED", "States.HeartbeatTimeout")


def test_a_task_ends_with_its_token(machines, aws, unique, until):
    sqs, states = aws("sqs"), aws("stepfunctions")
    queue = sqs.create_queue(QueueName=unique("tasks"))["QueueUrl"]
    waiting = task(
        "sqs:sendMessage.waitForTaskToken",
        {"QueueUrl": queue, "MessageBody": {"token": "{% $states.context.Task.Token %}"}},
        HeartbeatSeconds=20,
        Output="{% $states.result %}",
        End=True,
    )
    execution = states.start_execution(stateMachineArn=machines.create(one(waiting)))["executionArn"]
    received = until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"), bool)

    states.send_task_success(taskToken=json.loads(received[0]["Body"])["token"], output='{"approved": true}')

    assert json.loads(machines.ended(execution)["output"]) == {"approved": True}


def test_an_execution_that_outlives_its_machines_timeout_is_timed_out_and_says_so(machines, caught, until):
    events = caught({**ENDED, "detail": {"status": ["TIMED_OUT"]}})

    done = machines.run(one({"Type": "Wait", "Seconds": 20, "End": True}, TimeoutSeconds=1))

    assert done["status"] == "TIMED_OUT"
    seen = until(events, lambda found: any(event["detail"]["executionArn"] == done["executionArn"] for event in found))
    assert seen[-1]["detail"]["status"] == "TIMED_OUT"


@pytest.mark.parametrize("status", ["FAILED", "ABORTED"])
def test_an_execution_that_fails_or_is_stopped_says_so(machines, caught, until, aws, status):
    events = caught({**ENDED, "detail": {"status": [status]}})
    state = {"Type": "Fail", "Error": "Broken"} if status == "FAILED" else {"Type": "Wait", "Seconds": 20, "End": True}
    execution = aws("stepfunctions").start_execution(stateMachineArn=machines.create(one(state)))["executionArn"]
    if status == "ABORTED":
        aws("stepfunctions").stop_execution(executionArn=execution, cause="superseded")

    assert machines.ended(execution)["status"] == status
    until(events, lambda found: any(event["detail"]["executionArn"] == execution for event in found))


def test_a_stopped_execution_stays_aborted_when_its_task_fails_later(*, engine, machines, aws, function, until):
    states, arn = aws("stepfunctions"), function("def handler(event, context):\n    raise ValueError('late')\n")
    machine = machines.create(one(task("lambda:invoke", {"FunctionName": arn, "Payload": {}}, End=True)))

    def history():
        return [event["type"] for event in states.get_execution_history(executionArn=execution)["events"]]

    with engine.hold("lambda", "Invoke", only_if={"FunctionName": arn}) as call:
        execution = states.start_execution(stateMachineArn=machine)["executionArn"]
        call.reached()
        states.stop_execution(executionArn=execution)
    until(history, lambda types: "TaskFailed" in types)

    assert states.describe_execution(executionArn=execution)["status"] == "ABORTED"


def test_a_stopped_execution_does_not_go_on_inside_a_map(engine, machines, aws, function):
    states, arn = aws("stepfunctions"), function("def handler(event, context):\n    raise ValueError('late')\n")
    called = task("lambda:invoke", {"FunctionName": arn, "Payload": {}}, End=True)
    called["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": "After"}]
    inner = {"StartAt": "Called", "States": {"Called": called, "After": {"Type": "Pass", "End": True}}}
    machine = machines.create(one({"Type": "Map", "Items": [1], "ItemProcessor": inner, "End": True}))

    def entered(arn):
        events = states.get_execution_history(executionArn=arn)["events"]
        return [each["stateEnteredEventDetails"]["name"] for each in events if "stateEnteredEventDetails" in each]

    with engine.hold("lambda", "Invoke", only_if={"FunctionName": arn}) as call:
        execution = states.start_execution(stateMachineArn=machine)["executionArn"]
        call.reached()
        states.stop_execution(executionArn=execution)
    other = machines.ended(states.start_execution(stateMachineArn=machine)["executionArn"])

    assert "After" in entered(other["executionArn"]), "one that was not stopped has gone on by now"
    assert "After" not in entered(execution)
    assert states.describe_execution(executionArn=execution)["status"] == "ABORTED"


def test_starting_again_under_the_same_name_and_input_answers_the_running_execution(machines, aws, unique):
    states, name = aws("stepfunctions"), unique("once")
    machine = machines.create(one({"Type": "Wait", "Seconds": 20, "End": True}))
    first = states.start_execution(stateMachineArn=machine, name=name, input="{}")

    again = states.start_execution(stateMachineArn=machine, name=name, input="{}")

    assert again["executionArn"] == first["executionArn"]
    with pytest.raises(states.exceptions.ExecutionAlreadyExists):
        states.start_execution(stateMachineArn=machine, name=name, input='{"other": 1}')
    states.stop_execution(executionArn=first["executionArn"])
    with pytest.raises(states.exceptions.ExecutionAlreadyExists):
        states.start_execution(stateMachineArn=machine, name=name, input="{}")


def nested(child, data, **more):
    return task("states:startExecution.sync:2", {"StateMachineArn": child, "Input": data}, End=True, **more)


def test_a_nested_execution_gives_its_output_as_json(machines):
    child = machines.create(one({"Type": "Succeed", "Output": {"stage": "{% $states.input.stage %}"}}))

    done = machines.run(one(nested(child, {"stage": "test"}, Output="{% $states.result.Output %}")))

    assert json.loads(done["output"]) == {"stage": "test"}


def test_a_nested_execution_that_fails_fails_its_task_with_states_taskfailed(machines, caught, until):
    events = caught({**ENDED, "detail": {"status": ["FAILED"]}})
    child = machines.create(one({"Type": "Fail", "Error": "ChangeSetFailed", "Cause": "no"}))

    done = machines.run(one(nested(child, {})))

    cause = json.loads(done["cause"])
    assert (done["status"], done["error"]) == ("FAILED", "States.TaskFailed")
    assert (cause["Status"], cause["Error"], cause["Cause"]) == ("FAILED", "ChangeSetFailed", "no")
    until(
        events,
        lambda found: {cause["ExecutionArn"], done["executionArn"]} <= {e["detail"]["executionArn"] for e in found},
    )


def test_a_nested_execution_is_stopped_with_its_parent(machines, aws, until):
    states = aws("stepfunctions")
    child = machines.create(one({"Type": "Wait", "Seconds": 60, "End": True}))
    parent = states.start_execution(stateMachineArn=machines.create(one(nested(child, {}))))["executionArn"]
    until(lambda: states.list_executions(stateMachineArn=child)["executions"], bool)

    states.stop_execution(executionArn=parent)

    until(
        lambda: states.list_executions(stateMachineArn=child)["executions"][0]["status"], lambda seen: seen == "ABORTED"
    )


def test_a_nested_execution_whose_name_is_taken_fails_its_task(machines, aws, unique):
    name = unique("taken")
    child = machines.create(one({"Type": "Succeed"}))
    machines.ended(aws("stepfunctions").start_execution(stateMachineArn=child, name=name)["executionArn"])
    arguments = {"StateMachineArn": child, "Name": name, "Input": {}}

    done = machines.run(one(task("states:startExecution.sync:2", arguments, End=True)))

    assert done["error"] == "StepFunctions.ExecutionAlreadyExistsException"


def test_a_task_that_runs_too_long_times_out(machines, function):
    slow = task(
        "lambda:invoke", {"FunctionName": function(SLOW), "Payload": {"seconds": 5}}, TimeoutSeconds=1, End=True
    )

    done = machines.run(one(slow))

    assert (done["status"], done["error"]) == ("FAILED", "States.Timeout")


def test_map_and_parallel_run_jsonata_children(machines):
    double = {
        "StartAt": "Double",
        "States": {"Double": {"Type": "Pass", "Output": "{% $states.input * 2 %}", "End": True}},
    }
    mapped = {
        "Type": "Map",
        "Items": "{% $states.input.numbers %}",
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **double},
        "End": True,
    }

    done = machines.run(one(mapped), {"numbers": [1, 2, 3]})

    assert json.loads(done["output"]) == [2, 4, 6]


def test_dynamodb_conditions_fail_with_dynamodbs_error(machines, aws, unique):
    table = unique("table")
    aws("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    put = {"TableName": table, "Item": {"pk": {"S": "lock"}}, "ConditionExpression": "attribute_not_exists(pk)"}
    machine = one(task("dynamodb:putItem", put, End=True))

    assert machines.run(machine)["status"] == "SUCCEEDED"
    assert machines.run(machine)["error"] == "DynamoDB.ConditionalCheckFailedException"


def test_a_message_is_published_with_attributes_and_a_body_a_protocol(machines, aws, unique, until):
    sns, sqs = aws("sns"), aws("sqs")
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    queue = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    filtered = {"FilterPolicy": json.dumps({"outcome": ["DEPLOYED"]})}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=filtered)
    publish = task(
        "sns:publish",
        {
            "TopicArn": topic,
            "Subject": "{% 'orders ' & $states.input.version %}",
            "MessageStructure": "json",
            "Message": {"default": "text", "sqs": "{% $string($states.input) %}"},
            "MessageAttributes": {"outcome": {"DataType": "String", "StringValue": "DEPLOYED"}},
        },
        Output="{% $exists($states.result.MessageId) %}",
        End=True,
    )

    done = machines.run(one(publish), {"version": "1.0.0"})

    assert done.get("output") == "true", done
    message = json.loads(until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"), bool)[0]["Body"])
    assert message["Subject"] == "orders 1.0.0"
    assert json.loads(message["Message"]) == {"version": "1.0.0"}
    assert message["MessageAttributes"]["outcome"]["Value"] == "DEPLOYED"


def test_publishing_to_a_missing_topic_fails_with_snss_error(machines):
    missing = "arn:aws:sns:us-east-1:000000000000:nobody"

    done = machines.run(one(task("sns:publish", {"TopicArn": missing, "Message": "text"}, End=True)))

    assert done["error"] == "SNS.NotFoundException"


def test_events_are_put(machines, caught, until, unique):
    source = unique("belay")
    events = caught({"source": [source]})
    entry = {
        "Source": source,
        "DetailType": "Release",
        "Detail": {"version": "{% $states.input.version %}"},
        "EventBusName": "default",
    }

    machines.run(one(task("events:putEvents", {"Entries": [entry]}, End=True)), {"version": "1.0.0"})

    assert until(events, bool)[0]["detail"] == {"version": "1.0.0"}


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_an_item_is_updated_and_returned(machines, aws, unique, language):
    table = unique("table")
    aws("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    update = {
        "TableName": table,
        "Key": {"pk": {"S": "release"}},
        "UpdateExpression": "SET outcome = :outcome",
        "ExpressionAttributeValues": {":outcome": {"S": "DEPLOYED"}},
        "ReturnValues": "ALL_NEW",
    }
    state = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:updateItem", "End": True, "QueryLanguage": language}

    done = machines.run(one({**state, ("Arguments" if language == "JSONata" else "Parameters"): update}))

    assert json.loads(done["output"])["Attributes"]["outcome"] == {"S": "DEPLOYED"}


def test_a_machines_history_names_its_states_inside_map_and_parallel_too(machines, aws):
    inner = {"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": True}}}
    both = {"Type": "Parallel", "Branches": [inner], "Next": "Each"}
    each = {
        "Type": "Map",
        "Items": [1],
        "ItemProcessor": {"StartAt": "Item", "States": {"Item": {"Type": "Pass", "End": True}}},
        "End": True,
    }

    done = machines.run({"StartAt": "Both", "States": {"Both": both, "Each": each}})

    events = aws("stepfunctions").get_execution_history(executionArn=done["executionArn"])["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    assert entered == ["Both", "Inner", "Each", "Item"]


def test_an_execution_that_fails_names_its_error_and_cause(machines):
    done = machines.run(
        one({"Type": "Fail", "Error": "{% 'Broken' %}", "Cause": "{% $states.input.why %}"}), {"why": "so"}
    )

    assert (done["status"], done["error"], done["cause"]) == ("FAILED", "Broken", "so")


def test_a_state_may_not_hand_on_more_than_256_kib(machines):
    done = machines.run(
        one(
            {
                "Type": "Pass",
                "Output": "{% $join($map([1..12000], function($i) {'twenty-nine characters at all'})) %}",
                "End": True,
            }
        )
    )

    assert (done["status"], done["error"]) == ("FAILED", "States.DataLimitExceeded")


def machine_resource(definition):
    return {
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {"RoleArn": "arn:aws:iam::000000000000:role/contract", "DefinitionString": definition},
        }
    }


def test_a_stacks_machine_may_be_defined_in_yaml(machines, stacks, aws, unique):
    definition = "QueryLanguage: JSONata\nStartAt: End\nStates:\n  End: {Type: Succeed, Output: '{% 1 + 1 %}'}\n"
    outputs = {"Arn": {"Value": {"Ref": "Machine"}}}
    stack = stacks.create(unique("stack"), {"Resources": machine_resource(definition), "Outputs": outputs})

    execution = aws("stepfunctions").start_execution(stateMachineArn=stack["Outputs"][0]["OutputValue"])["executionArn"]

    assert machines.ended(execution)["output"] == "2"


def test_a_definition_with_a_yaml_alias_is_refused(stacks, unique):
    definition = "StartAt: End\nStates:\n  End: &end {Type: Succeed}\n  Other: *end\n"

    assert stacks.create(unique("stack"), machine_resource(definition))["StackStatus"] == "ROLLBACK_COMPLETE"
