import json

import pytest

from belay import errors
from belay.release import reason
from belay.release.reason import in_words


def cause(message: str) -> str:
    return json.dumps({"errorMessage": message, "errorType": "X", "stackTrace": ["  File ..."]})


@pytest.mark.parametrize(
    ("caught", "words"),
    [
        (None, ""),
        ("the stage changed while the release waited", "the stage changed while the release waited"),
        ({"Error": "InvalidRelease", "Cause": cause("not a zip\nand more")}, "not a zip\nand more"),
        ({"Error": "StackFailed", "Cause": cause("network is UPDATE_FAILED")}, "network is UPDATE_FAILED"),
        (
            {"Error": "AccessDenied", "Cause": cause("S3.GetObject answered 403")},
            "AccessDenied: S3.GetObject answered 403",
        ),
        ({"Error": "States.Timeout"}, "States.Timeout: no cause was given"),
        ({"Error": "States.Timeout", "Cause": ""}, "States.Timeout: no cause was given"),
        ({"Error": "Lambda.Unknown", "Cause": "The function ended"}, "Lambda.Unknown: The function ended"),
        ({"Error": "Odd", "Cause": "[1, 2]"}, "Odd: [1, 2]"),
        ({"Error": "Odd", "Cause": '{"other": 1}'}, 'Odd: {"other": 1}'),
    ],
)
def test_what_a_machine_caught_is_said_in_words(caught: object, words: str) -> None:
    assert in_words(caught) == words


ARN = "arn:aws:states:eu-west-1:111122223333:execution:belay-deploy-stage:a-production"


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ({"Status": "ABORTED"}, f"States.TaskFailed: {ARN} ended ABORTED"),
        ({"Status": "TIMED_OUT", "Input": "{}", "Error": None}, f"States.TaskFailed: {ARN} ended TIMED_OUT"),
        (
            {"Status": "FAILED", "Error": "IncidentUnreachable", "Cause": cause("the ledger is gone")},
            f"States.TaskFailed: {ARN} ended FAILED: IncidentUnreachable: the ledger is gone",
        ),
    ],
)
def test_an_execution_that_was_waited_for_is_told_without_its_whole_description(
    description: dict[str, object], words: str
) -> None:
    described = json.dumps({"ExecutionArn": ARN, "StateMachineArn": "arn:machine", **description})
    assert in_words({"Error": "States.TaskFailed", "Cause": described}) == words


def test_our_verdicts_are_names_of_ours() -> None:
    for name in reason._OUR_VERDICTS:
        assert issubclass(getattr(errors, name), errors.BelayError)
