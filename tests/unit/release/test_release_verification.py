"""Verifying what is deployed: alarms over a bake time, a verify function that responds, fails or returns nonsense."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from belay.release.origin import Origin
from belay.release.registration import Stage, Verify
from belay.release.verification import (
    COMPOSITE,
    MOST_ASKED,
    VERIFY_FUNCTION,
    AlarmSeen,
    Checked,
    DeployedStage,
    FunctionAnswer,
    Occasion,
    Verification,
    Verified,
    alarms_checked,
    answer_checked,
    answer_due,
    answer_of,
    rollback_triggers,
)

BEGAN = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
FRESH = Verification(since=BEGAN.isoformat())
OK = AlarmSeen("errors", "OK", arn="arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors")
RED = AlarmSeen("errors", "ALARM", "3 > 1")
GONE = AlarmSeen("latency", None)
SILENT = AlarmSeen("orders", "INSUFFICIENT_DATA")
DEPLOYED = DeployedStage(
    Origin("orders", "1.3.0", "a1b2c3"),
    Stage("orders", "production", "arn:role", {}),
    Occasion.DEPLOYED,
    {"first": "arn:stack"},
    "artifacts",
    BEGAN.date(),
)


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
    assert alarms_checked(alarms, occasion, over=over).verdict is verdict


def test_what_is_wrong_is_told_and_what_is_silent_too() -> None:
    bad = alarms_checked((OK, RED, GONE), Occasion.DEPLOYED, over=False)
    assert bad.reasons == (
        "the alarm latency does not exist, so nothing watches what it should",
        "the alarm errors is in ALARM (3 > 1)",
    )
    passed = alarms_checked((OK, SILENT), Occasion.DEPLOYED, over=True)
    assert passed.reasons == ("the alarm orders is in INSUFFICIENT_DATA",)


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
    assert answer_due({"asked": asked}, replace(DEPLOYED, occasion=occasion, over=over)) is due


def test_an_answer_decides_once_the_bake_is_over() -> None:
    assert answer_checked(FunctionAnswer(Verified.PASS), {}, over=True) == Checked(Verified.PASS, noted={"asked": True})
    assert answer_checked(FunctionAnswer(Verified.PASS), {}, over=False) == Checked(
        Verified.AGAIN, noted={"asked": True}
    )
    failed = answer_checked(FunctionAnswer(Verified.FAIL, "checkout answers 500"), {}, over=False)
    assert failed == Checked(Verified.FAIL, ("the verify function says: checkout answers 500",))
    assert "without a reason" in answer_checked(FunctionAnswer(Verified.FAIL), {}, over=True).reasons[0]


def test_a_function_that_never_answers_is_a_bad_deployment_and_one_that_does_at_last_is_not() -> None:
    nothing = FunctionAnswer(None, "it failed with KeyError: 'url'")
    noted: Mapping[str, Any] = {"asked": True}
    for _ in range(MOST_ASKED - 1):
        checked = answer_checked(nothing, noted, over=True)
        assert checked.verdict is Verified.AGAIN
        noted = checked.noted

    assert answer_checked(FunctionAnswer(Verified.PASS), noted, over=True) == Checked(
        Verified.PASS, noted={"asked": True}
    )
    assert answer_checked(nothing, noted, over=True) == Checked(
        Verified.FAIL, ("the verify function gave no verdict, asked 3 times: it failed with KeyError: 'url'",)
    )


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        ((), Verified.PASS),
        ((Verified.PASS, Verified.PASS), Verified.PASS),
        ((Verified.PASS, Verified.REVIEW), Verified.REVIEW),
        ((Verified.REVIEW, Verified.AGAIN), Verified.AGAIN),
        ((Verified.AGAIN, Verified.FAIL), Verified.FAIL),
    ],
)
def test_the_gravest_verdict_counts_with_its_reasons(verdicts: tuple[Verified, ...], verdict: Verified) -> None:
    found = {str(number): Checked(each, (f"{each}!",), {"n": number}) for number, each in enumerate(verdicts)}
    standing = FRESH.with_found(found)

    assert (standing.verdict, standing.since) == (verdict, FRESH.since)
    assert set(standing.reason.split("; ")) == ({f"{verdict}!"} if verdicts else {""})
    assert standing.noted == {name: {"n": int(name)} for name in found}


def test_what_a_check_noted_stays_until_it_looks_again() -> None:
    standing = FRESH.with_found({"one": Checked(Verified.AGAIN, noted={"n": 1})})
    assert standing.with_found({"other": Checked(Verified.FAIL)}).noted == {"one": {"n": 1}, "other": {}}


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        ({"verdict": "PASS"}, FunctionAnswer(Verified.PASS)),
        ({"verdict": "FAIL", "reason": "a\n b"}, FunctionAnswer(Verified.FAIL, "a b")),
        ({"verdict": "FAIL", "reason": 7}, FunctionAnswer(Verified.FAIL)),
        ({"verdict": "AGAIN"}, FunctionAnswer(None, "expected a verdict of PASS or FAIL, found {'verdict': 'AGAIN'}")),
        (True, FunctionAnswer(None, "expected a verdict of PASS or FAIL, found True")),
        ([], FunctionAnswer(None, "expected a verdict of PASS or FAIL, found []")),
        ("", FunctionAnswer(None, "expected a verdict of PASS or FAIL, found nothing")),
        (
            {"verdict": ["PASS"]},
            FunctionAnswer(None, "expected a verdict of PASS or FAIL, found {'verdict': ['PASS']}"),
        ),
    ],
)
def test_only_a_verdict_is_an_answer(payload: Any, answer: FunctionAnswer) -> None:
    assert answer_of(payload) == answer


def test_a_reason_is_bounded() -> None:
    assert len(answer_of({"verdict": "FAIL", "reason": "x" * 9_999}).reason) < 1_100


def test_it_survives_being_kept() -> None:
    standing = FRESH.with_found({"one": Checked(Verified.FAIL, ("it is bad",), {"n": 1})})

    assert Verification.from_dict(json.loads(json.dumps(standing.to_dict()))) == standing


def test_what_version_0_1_kept_goes_on_where_it_was() -> None:
    kept = {"since": FRESH.since, "asked": True, "unanswered": 2, "verdict": "AGAIN", "reason": ""}

    assert Verification.from_dict(kept) == replace(FRESH, noted={VERIFY_FUNCTION: {"asked": True, "unanswered": 2}})


def test_what_a_function_is_given() -> None:
    assert replace(DEPLOYED, occasion=Occasion.ROLLED_BACK).question() == {
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
