import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.approval.asked import AskedApproval, GivenAnswer
from belay.approval.decision import (
    Decision,
    Refusal,
    parse_decision,
    refuse_approval,
    refuse_override,
    refuse_question,
)
from belay.approval.principal import Principal
from belay.approval.seal import Seal
from belay.release.attempt import Attempt
from belay.release.records import Outcome, Upload
from belay.rollback.question import AskedQuestion

MARIA = Principal("arn:aws:iam::111122223333:user/maria", "AIDA1")
JO = Principal("arn:aws:iam::111122223333:user/jo", "AIDA2")
STAGE = {"decision": "approve", "application": "orders", "version": "1.2.0", "stage": "production"}
QUESTION = {"decision": "reject", "application": "orders", "incident": "orders-production-1", "question": "restore"}
ATTEMPT, OTHER = (
    Attempt(Upload("orders", "b", "releases/orders/1.2.0.zip", each, 7), "e1", "2026-03-01T10:00:00.000+00:00")
    for each in ("v1", "v2")
)
NOW, EARLIER, LATER = "2026-03-02T12:00:00.000+00:00", "2026-03-01T12:00:00.000+00:00", "2026-03-03T12:00:00.000+00:00"


def test_a_decision_about_a_stage_is_read() -> None:
    body = json.dumps({**STAGE, "comment": " looks\n\tright\u202e ", "seal": "0123456789ab"})
    expected = Decision("approve", "orders", "1.2.0", "production", comment="looks right", seal="0123456789ab")
    assert parse_decision(body) == expected


def test_a_decision_about_an_incident_is_read() -> None:
    read = parse_decision(json.dumps(QUESTION))
    assert read == Decision("reject", "orders", incident="orders-production-1", question="restore")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "JSON object"),
        ("[]", "JSON object"),
        ("{" * 10_000, "JSON object"),
        (json.dumps({**STAGE, "comment": "x" * 17_000}), "16384 bytes"),
        (json.dumps({**STAGE, "comment": ["x"]}), "JSON object of strings"),
        (json.dumps({**STAGE, "decision": "approved"}), "decision: expected one of approve, reject, override"),
        (json.dumps({**STAGE, "attempt": "x"}), "unknown key 'attempt'"),
        (json.dumps({**STAGE, "version": "latest"}), "version: expected a semantic version"),
        (json.dumps({**STAGE, "stage": "../production"}), "stage: expected a name"),
        (json.dumps({**STAGE, "application": "orders#1"}), "application: expected a name"),
        (json.dumps({key: STAGE[key] for key in ("decision", "version", "stage")}), "application: expected a name"),
        (json.dumps({**STAGE, "seal": "not a digest"}), "seal: expected"),
        (json.dumps({**STAGE, "comment": "x" * 1_025}), "comment: expected at most 1024"),
        (json.dumps({**STAGE, "decision": "override"}), "comment: expected the reason"),
        (json.dumps({**STAGE, "decision": "override", "comment": " "}), "comment: expected the reason"),
        (json.dumps({**QUESTION, "incident": "a b"}), "incident: expected"),
        (json.dumps({**QUESTION, "question": ""}), "question: expected"),
    ],
)
def test_what_is_no_decision_is_refused_in_words(body: str, said: str) -> None:
    refused = parse_decision(body)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.error) == (400, "InvalidRequest")
    assert said in refused.message


@given(st.text() | st.builds(json.dumps, st.dictionaries(st.sampled_from([*STAGE, "seal", "incident"]), st.text())))
def test_whatever_is_sent_is_read_or_refused(body: str) -> None:
    assert isinstance(parse_decision(body), Decision | Refusal)


def judged(
    *,
    caller: Principal = JO,
    uploader: Principal | None = MARIA,
    decision: str = "approve",
    seal: str = "",
    attempt: Attempt = ATTEMPT,
    **approval: Any,
) -> Refusal | None:
    known: dict[str, Any] = {
        "attempt": ATTEMPT.id,
        "expires_at": LATER,
        "four_eyes": False,
        "digest": "0123456789abcdef",
    }
    asked = AskedApproval("production", task_token="t", requested_at=EARLIER, seal=Seal({}), **{**known, **approval})
    read = parse_decision(json.dumps({**STAGE, "decision": decision, "seal": seal}))
    assert isinstance(read, Decision)
    return refuse_approval(read, asked, attempt, uploader=uploader, caller=caller, now=NOW)


def test_an_approval_that_is_waited_for_is_taken() -> None:
    assert judged() is None
    assert judged(decision="reject") is None
    assert judged(seal="0123456789ab") is None
    assert judged(four_eyes=True) is None


def test_what_was_never_asked_is_unknown() -> None:
    decision = Decision("approve", "orders", "1.2.0", "production")
    refused = refuse_approval(decision, None, ATTEMPT, uploader=None, caller=JO, now=NOW)
    assert refused == Refusal(404, "Unknown", "orders 1.2.0 in production is not waiting for an approval")


@pytest.mark.parametrize(
    ("given", "status", "error", "said"),
    [
        ({"attempt": OTHER}, 404, "Unknown", "is not waiting"),
        ({"attempt": replace(ATTEMPT, outcome=Outcome.ABORTED)}, 410, "Ended", "has already ended"),
        ({"expires_at": EARLIER}, 410, "Expired", f"the request expired at {EARLIER}"),
        ({"expires_at": NOW}, 410, "Expired", "upload the release again"),
        (
            {"answer": GivenAnswer("reject", "arn:jo", EARLIER)},
            409,
            "AlreadyAnswered",
            f"was rejected by arn:jo at {EARLIER}",
        ),
        ({"seal": "fedcba987654"}, 409, "SealMismatch", "0123456789abcdef"),
        ({"four_eyes": True, "caller": MARIA}, 403, "FourEyes", "the uploader cannot approve"),
        ({"four_eyes": True, "uploader": None}, 403, "UploaderUnknown", "UploaderTrail"),
        (
            {"four_eyes": True, "caller": Principal("arn:aws:iam::111122223333:root")},
            403,
            "ApproverUnknown",
            "in a session with your own name",
        ),
    ],
)
def test_an_approval_is_refused_in_words(given: dict[str, Any], status: int, error: str, said: str) -> None:
    refused = judged(**{**given, "seal": given["seal"]} if "seal" in given else given)
    assert refused is not None
    assert (refused.status, refused.error) == (status, error)
    assert said in refused.message


def test_whoever_uploaded_may_reject() -> None:
    assert judged(four_eyes=True, caller=MARIA, decision="reject") is None
    assert judged(four_eyes=True, uploader=None, decision="reject") is None


@pytest.mark.parametrize(
    ("incident", "asked", "status", "said"),
    [
        (None, {}, 404, "has no incident"),
        ({}, {}, 404, "it has no questions"),
        ({}, {"delete": AskedQuestion("delete")}, 404, "its questions are delete"),
        ({}, {"restore": AskedQuestion("restore", approved=False, by="arn:jo", at=NOW)}, 409, "was denied by arn:jo"),
        ({"outcome": "ROLLED_BACK"}, {"restore": AskedQuestion("restore")}, 410, "has already ended: ROLLED_BACK"),
    ],
)
def test_an_incident_s_question_is_refused_in_words(incident: Any, asked: Any, status: int, said: str) -> None:
    decision = Decision("approve", "orders", incident="i", question="restore")
    refused = refuse_question(decision, asked, known=incident is not None, outcome=(incident or {}).get("outcome"))
    assert refused is not None
    assert refused.status == status
    assert said in refused.message


def test_an_incident_s_question_is_answered() -> None:
    decision = Decision("approve", "orders", incident="i", question="restore")
    assert (
        refuse_question(decision, {"restore": AskedQuestion("restore", "Restore?")}, known=True, outcome=None) is None
    )


def test_a_release_is_let_through_once_an_attempt() -> None:
    decision = Decision("override", "orders", "1.2.0", "production", comment="hotfix")
    before = GivenAnswer("override", "arn:jo", EARLIER)
    assert refuse_override(decision, ATTEMPT, None) is None
    refusals = [
        refuse_override(decision, None, None),
        refuse_override(decision, replace(ATTEMPT, outcome=Outcome.DEPLOYED), None),
        refuse_override(decision, ATTEMPT, before),
    ]
    assert [refusal.status if refusal else None for refusal in refusals] == [404, 410, 409]


def test_what_is_said_about_a_whole_incident_is_read() -> None:
    said = {"application": "orders", "incident": "orders-production-1"}
    read = parse_decision(json.dumps({**said, "decision": "acknowledge"}))
    assert read == Decision("acknowledge", "orders", incident="orders-production-1")
    read = parse_decision(json.dumps({**said, "decision": "close", "comment": "restored\u202e by hand"}))
    assert read == Decision("close", "orders", incident="orders-production-1", comment="restored by hand")
    assert read.about == "the incident orders-production-1"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"decision": "close"}, "comment: expected the reason for the closing"),
        ({"decision": "close", "comment": "done", "question": "restore"}, "question: expected none"),
        ({"decision": "acknowledge", "incident": "../1"}, "incident: expected"),
        ({"decision": "acknowledge", "application": "a#b"}, "application: expected a name"),
    ],
)
def test_what_is_said_about_a_whole_incident_names_it_alone(more: dict[str, str], said: str) -> None:
    read = parse_decision(json.dumps({"application": "orders", "incident": "orders-production-1", **more}))
    assert isinstance(read, Refusal)
    assert said in read.message
