"""Tasks that wait for their token: how long, and for what."""

WAITING = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "TimeoutSeconds": "{% $states.input.seconds %}",
    "End": True,
}


def waiting(function, **more):
    state = {**WAITING, "Arguments": {"FunctionName": function, "Payload": {}}, **more}
    return {"StartAt": "Waiting", "States": {"Waiting": state}}


def test_a_time_limit_may_be_an_expression(machines, function):
    quiet = function("def handler(event, context):\n    return {}\n")

    done = machines.run(waiting(quiet), {"seconds": 1})

    assert (done["status"], done["error"]) == ("FAILED", "States.Timeout")


def test_a_function_that_fails_fails_the_task_that_waits(machines, function):
    broken = function("class Refused(Exception):\n    pass\n\n\ndef handler(event, context):\n    raise Refused\n")

    done = machines.run(waiting(broken), {"seconds": 60})

    assert (done["status"], done["error"]) == ("FAILED", "Refused")
