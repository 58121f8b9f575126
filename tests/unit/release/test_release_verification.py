"""Verifying what is deployed: alarms over a bake time, a verify function that answers, fails or says nonsense."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from belay.release.records import ReleaseReference
from belay.release.registration import Verify
from belay.release.verification import (
    COMPOSITE,
    MOST_ASKED,
    AlarmSeen,
    Answer,
    Occasion,
    Verification,
    Verified,
    answer_of,
    question,
    rollback_triggers,
)

BEGAN = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
FRESH = Verification(since=BEGAN.isoformat())
OK = AlarmSeen("errors", "OK", arn="arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors")
RED = AlarmSeen("errors", "ALARM", "3 > 1")
GONE = AlarmSeen("latency", None)
SILENT = AlarmSeen("orders", "INSUFFICIENT_DATA")
HOOK = Verify(function="arn:aws:lambda:eu-west-1:123456789012:function:verify", bake_minutes=10)


@pytest.mark.parametrize(
    ("minutes", "passed", "over"),
    [(0, 0, True), (10, 9.99, False), (10, 10, True), (0.5, 0.4, False), (0.5, 0.6, True)],
)
def test_the_bake_is_over_when_its_time_has_passed(minutes: float, passed: float, over: bool) -> None:
    assert FRESH.over(Verify(bake_minutes=minutes), BEGAN + timedelta(minutes=passed)) is over


@pytest.mark.parametrize(
    ("alarms", "occasion", "over", "verdict"),
    [
        ((OK,), Occasion.DEPLOYED, False, Verified.AGAIN),
        ((OK,), Occasion.DEPLOYED, True, Verified.PASS),
        ((OK, RED), Occasion.DEPLOYED, False, Verified.FAIL),
        ((OK, RED), Occasion.DEPLOYED, True, Verified.FAIL),
        ((RED,), Occasion.ROLLED_BACK, False, Verified.AGAIN),
        ((RED,), Occasion.ROLLED_BACK, True, Verified.FAIL),
        ((GONE,), Occasion.DEPLOYED, False, Verified.FAIL),
        ((GONE,), Occasion.ROLLED_BACK, False, Verified.FAIL),
        ((SILENT,), Occasion.DEPLOYED, False, Verified.AGAIN),
        ((SILENT,), Occasion.DEPLOYED, True, Verified.PASS),
        ((), Occasion.DEPLOYED, True, Verified.PASS),
    ],
)
def test_alarms(alarms: tuple[AlarmSeen, ...], occasion: Occasion, over: bool, verdict: Verified) -> None:
    assert FRESH.with_alarms(alarms, occasion, over=over).verdict is verdict


def test_what_is_wrong_is_told_and_what_is_silent_too() -> None:
    bad = FRESH.with_alarms((OK, RED, GONE), Occasion.DEPLOYED, over=False)
    assert bad.reason == (
        "the alarm latency does not exist, so nothing watches what it should; the alarm errors is in ALARM (3 > 1)"
    )
    passed = FRESH.with_alarms((OK, SILENT), Occasion.DEPLOYED, over=True)
    assert passed.reason == "the alarm orders is in INSUFFICIENT_DATA"


@pytest.mark.parametrize(
    ("asked", "occasion", "over", "due"),
    [
        (False, Occasion.DEPLOYED, False, True),
        (True, Occasion.DEPLOYED, False, False),
        (True, Occasion.DEPLOYED, True, True),
        (False, Occasion.ROLLED_BACK, False, False),
        (False, Occasion.ROLLED_BACK, True, True),
    ],
)
def test_when_the_function_is_asked(asked: bool, occasion: Occasion, over: bool, due: bool) -> None:
    assert Verification(FRESH.since, asked=asked).due(HOOK, occasion, over=over) is due
    assert not Verification(FRESH.since, asked=asked).due(Verify(), occasion, over=over)


def test_nobody_is_asked_about_what_is_known_to_be_bad() -> None:
    assert not FRESH.with_alarms((RED,), Occasion.DEPLOYED, over=True).due(HOOK, Occasion.DEPLOYED, over=True)


def test_an_answer_decides_where_the_alarms_do_not() -> None:
    passing = FRESH.with_alarms((OK,), Occasion.DEPLOYED, over=True)

    assert passing.with_answer(Answer(Verified.PASS)).verdict is Verified.PASS
    assert FRESH.with_answer(Answer(Verified.PASS)) == Verification(FRESH.since, asked=True)
    failed = passing.with_answer(Answer(Verified.FAIL, "checkout answers 500"))
    assert (failed.verdict, failed.reason) == (Verified.FAIL, "the verify function says: checkout answers 500")
    assert "without a reason" in passing.with_answer(Answer(Verified.FAIL)).reason


def test_a_function_that_never_answers_is_a_bad_deployment_and_one_that_does_at_last_is_not() -> None:
    standing = FRESH.with_alarms((OK,), Occasion.DEPLOYED, over=True)
    for _ in range(MOST_ASKED - 1):
        standing = standing.with_answer(Answer(None, "it failed with KeyError: 'url'"))
        assert standing.verdict is Verified.AGAIN

    late = standing.with_alarms((OK,), Occasion.DEPLOYED, over=True).with_answer(Answer(Verified.PASS))
    assert (late.verdict, late.unanswered) == (Verified.PASS, 0)
    never = standing.with_answer(Answer(None, "it failed with KeyError: 'url'"))
    assert never.verdict is Verified.FAIL
    assert never.reason == "the verify function gave no verdict, asked 3 times: it failed with KeyError: 'url'"


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        ({"verdict": "PASS"}, Answer(Verified.PASS)),
        ({"verdict": "FAIL", "reason": "a\n b"}, Answer(Verified.FAIL, "a b")),
        ({"verdict": "FAIL", "reason": 7}, Answer(Verified.FAIL)),
        ({"verdict": "AGAIN"}, Answer(None, "expected a verdict of PASS or FAIL, found {'verdict': 'AGAIN'}")),
        (True, Answer(None, "expected a verdict of PASS or FAIL, found True")),
        ([], Answer(None, "expected a verdict of PASS or FAIL, found []")),
        ("", Answer(None, "expected a verdict of PASS or FAIL, found nothing")),
        ({"verdict": ["PASS"]}, Answer(None, "expected a verdict of PASS or FAIL, found {'verdict': ['PASS']}")),
    ],
)
def test_only_a_verdict_is_an_answer(payload: Any, answer: Answer) -> None:
    assert answer_of(payload) == answer


def test_a_reason_is_bounded() -> None:
    assert len(answer_of({"verdict": "FAIL", "reason": "x" * 9_999}).reason) < 1_100


def test_it_survives_being_kept() -> None:
    standing = FRESH.with_answer(Answer(None, "no")).with_alarms((RED,), Occasion.DEPLOYED, over=False)

    assert Verification.from_dict(json.loads(json.dumps(standing.to_dict()))) == standing


def test_what_a_function_is_given() -> None:
    release = ReleaseReference("orders", "1.3.0", "d" * 64, "a1b2c3")

    asked = question(release.origin, "production", Occasion.ROLLED_BACK, {"first": "arn:stack"}, "artifacts")

    assert asked == {
        "application": "orders",
        "version": "1.3.0",
        "stage": "production",
        "occasion": "ROLLED_BACK",
        "stacks": {"first": "arn:stack"},
        "plan": {"bucket": "artifacts", "key": "attempts/orders/a1b2c3/production/plan.json"},
    }


def test_triggers_are_the_alarms_that_exist() -> None:
    both = AlarmSeen("both", "OK", arn="arn:both", kind=COMPOSITE)

    assert rollback_triggers((OK, GONE, both), 5) == {
        "RollbackTriggers": [
            {"Arn": OK.arn, "Type": "AWS::CloudWatch::Alarm"},
            {"Arn": "arn:both", "Type": "AWS::CloudWatch::CompositeAlarm"},
        ],
        "MonitoringTimeInMinutes": 5,
    }


@pytest.mark.parametrize("alarms", [(), (GONE,)])
def test_without_triggers_nothing_is_monitored(alarms: tuple[AlarmSeen, ...]) -> None:
    assert rollback_triggers(alarms, 5) == {"RollbackTriggers": [], "MonitoringTimeInMinutes": 0}
