"""Why something ended: a state machine's caught error is read, and stored reasons survive a round trip."""

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from belay import errors
from belay.notify.told import in_words
from belay.policy.verdict import Finding, Severity, Verdict
from belay.release import reason
from belay.release.reason import (
    ABORTED,
    Fault,
    FoundInStages,
    PersonDecided,
    PipelineFailure,
    PolicyFindings,
    Reason,
    ReleaseProblems,
    StackFailure,
    StageEnd,
    Statement,
    WaveEnd,
    Why,
    abort_cause,
    caught,
    from_document,
    kept_as,
    to_dict,
)
from belay.release.records import Outcome
from belay.stack.cause import Cause


def cause(message: str) -> str:
    return json.dumps({"errorMessage": message, "errorType": "X", "stackTrace": ["  File ..."]})


@pytest.mark.parametrize(
    ("output", "words"),
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
def test_what_a_machine_caught_is_said_in_words(output: Any, words: str) -> None:
    assert in_words(caught(output)) == words


DENIED = PersonDecided("arn:aws:iam::1:user/ann", "rejected it", "not on a Friday")


@pytest.mark.parametrize(
    ("cause", "why"),
    [
        (json.dumps(to_dict(DENIED)), DENIED),
        ("not today", Statement(Why.NOT_APPROVED, "not today")),
        ("", Statement(Why.NOT_APPROVED, "no cause was given")),
    ],
)
def test_who_denied_an_approval_is_read_from_the_answer(cause: str, why: Reason) -> None:
    assert caught({"Error": "ApprovalDenied", "Cause": cause}) == why


@pytest.mark.parametrize(
    "cause",
    [
        "{no JSON",
        "{}",
        '{"kind": []}',
        '{"by": 1, "what": "no"}',
        json.dumps(to_dict(DENIED) | {"schema": 3}),
        json.dumps(to_dict(Fault("X", "y"))),
        '{"document": "attempts/orders/0123456789ab/reason.json"}',
        "{" * 100_000,
        json.dumps({"errorMessage": '{"by":'}),
    ],
)
def test_an_approval_that_was_denied_by_hand_is_denied_whatever_its_cause(cause: str) -> None:
    denied = {"Error": "ApprovalDenied", "Cause": cause}
    why = caught(denied)
    assert isinstance(why, Statement)
    assert why.about is Why.NOT_APPROVED
    assert why.what.startswith("denied, the answer could not be read: ")
    assert kept_as(denied) is None, "no step names a document with it"


def test_what_a_person_sends_names_no_document() -> None:
    sent = {"Error": "ReleaseSuperseded", "Cause": '{"document": "another"}'}
    assert kept_as(sent) is None
    assert caught(sent) == Statement(Why.SUPERSEDED, '{"document": "another"}')
    assert kept_as({**sent, "Error": "StackFailed"}) == "another"


ARN = "arn:aws:states:eu-west-1:111122223333:execution:belay-deploy-stage:a-production"


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ({"Status": "ABORTED"}, "its execution was stopped, but not by belay abort"),
        ({"Status": "ABORTED", "Cause": "wrong one"}, "its execution was stopped, but not by belay abort: wrong one"),
        (
            {"Status": "ABORTED", "Error": ABORTED, "Cause": abort_cause("arn:aws:iam::1:user/ann", "stop: now")},
            "arn:aws:iam::1:user/ann stopped it: stop: now",
        ),
        ({"Status": "ABORTED", "Error": ABORTED, "Cause": abort_cause("arn:ann", "")}, "arn:ann stopped it"),
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
    assert in_words(caught({"Error": "States.TaskFailed", "Cause": described})) == words


def test_the_errors_that_are_verdicts_are_names_of_ours() -> None:
    for name in (*reason._REFUSALS, *reason._STATEMENTS.keys() - {"ApprovalDenied", "WaitedTooLong"}):
        assert issubclass(getattr(errors, name), errors.BelayError)


FINDING = Finding("network.yaml", "Web", "ssh-open", Verdict.FAIL, Severity.HIGH, 41, 9, "P", "Found.", "Mend it.")
CAUSE = Cause(("Tasks", "Service"), "AWS::ECS::Service", "UPDATE_FAILED", "no", datetime(2026, 3, 2, tzinfo=UTC), "id")
REASONS: list[Reason] = [
    ReleaseProblems(("one", "two"), by_registration=True),
    PolicyFindings((FoundInStages(FINDING, ("test", "production")),), left_out=3),
    StackFailure("arn:stack/orders/1", "UPDATE_FAILED", CAUSE),
    StackFailure("arn:stack/orders/1", "UPDATE_FAILED", said="no event"),
    PipelineFailure("Build failed", ("line",), "Mend it.", "https://docs.aws.amazon.com/", ("aws codebuild",)),
    PersonDecided("arn:aws:iam::111122223333:user/ann", "denied it", "too slow"),
    Statement(Why.PLAN_CHANGED, "it changed"),
    Fault("AccessDenied", "no"),
    WaveEnd((StageEnd("eu", Outcome.ROLLED_BACK, Statement(Why.NOT_VERIFIED, "no")), StageEnd("us", Outcome.DEPLOYED))),
    WaveEnd((StageEnd("eu", Outcome.REJECTED, PolicyFindings((FoundInStages(FINDING),))),)),
]


def test_there_is_a_sample_of_every_kind() -> None:
    assert {type(each) for each in REASONS} == set(get_args(Reason))


@pytest.mark.parametrize("why", REASONS)
def test_a_reason_is_read_back_from_its_document(why: Reason) -> None:
    assert from_document(json.loads(json.dumps(to_dict(why)))) == why


def test_text_of_an_earlier_version_is_read_as_what_it_is() -> None:
    assert from_document("it failed\nbadly") == Statement(Why.TOLD, "it failed\nbadly")


def test_what_a_newer_version_wrote_is_refused() -> None:
    with pytest.raises(errors.UnknownSchema):
        from_document(to_dict(Fault("X", "y")) | {"schema": 3})


def test_what_is_no_reason_is_refused() -> None:
    with pytest.raises(errors.UnreadableRecord):
        from_document({"schema": 2, "kind": "other"})


@pytest.mark.parametrize(
    "error", ["Throttled", "ServiceUnavailable", "States.Timeout", "Lambda.TooManyRequestsException"]
)
def test_a_fault_may_say_nothing_but_that_nobody_could_look(error: str) -> None:
    assert Fault(error, "").blind
    assert not Fault("LockLost", "").blind
    assert not Fault("States.TaskFailed", "the execution was stopped").blind
