"""The operator's cfn-guard rules in our report. The answers were recorded from cfn-guard-rs 0.3.3 on Python 3.12."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from belay.errors import InvalidRegistration
from belay.policy.guard import GuardResult, guard_report, plain
from belay.policy.settings import PolicySettings, Waiver
from belay.policy.verdict import Report, Severity, Verdict
from belay.template.loader import load

FIXTURES = Path(__file__).parents[2] / "fixtures" / "guard"
TODAY = date(2026, 1, 1)
DOCUMENT = load((FIXTURES / "template.yaml").read_bytes(), "template.yaml")
LINES = (FIXTURES / "template.yaml").read_text().splitlines()
VERSIONED = "guard:S3_BUCKET_VERSIONED"


def recorded(name: str = "answers.json") -> list[GuardResult]:
    return [GuardResult(**each) for each in json.loads((FIXTURES / name).read_text())["answers"]]


def report(*answers: GuardResult, **settings: Any) -> Report:
    return guard_report(answers, {"template.yaml": DOCUMENT}, PolicySettings(**settings), TODAY)


READABLE = [answer for answer in recorded() if not answer.problem]


def test_violations_are_findings_where_they_stand() -> None:
    found = {finding.resource: finding for finding in report(*READABLE).findings if finding.policy == VERSIONED}
    assert set(found) == {"Logs", "Other", "Later"}
    assert found["Logs"].property == "Properties.VersioningConfiguration.Status"
    assert LINES[found["Logs"].line - 1][found["Logs"].column - 1 :] == "Suspended"
    assert found["Logs"].verdict is Verdict.FAIL
    assert found["Logs"].severity is Severity.HIGH
    assert found["Logs"].message == (
        "The rule S3_BUCKET_VERSIONED is broken: Violation: versioning is off Fix: set Status to Enabled."
    )


def test_a_missing_property_stands_at_its_resource() -> None:
    (other,) = [f for f in report(*READABLE).findings if (f.policy, f.resource) == (VERSIONED, "Other")]
    assert (other.verdict, other.property) == (Verdict.FAIL, "")
    assert LINES[other.line - 1].strip().startswith("Type: AWS::S3::Bucket")


def test_a_value_that_is_known_only_when_deployed_is_for_review() -> None:
    (later,) = [f for f in report(*READABLE).findings if (f.policy, f.resource) == (VERSIONED, "Later")]
    assert later.verdict is Verdict.REVIEW


def test_alternatives_are_read() -> None:
    tagged = {f.resource for f in report(*READABLE).findings if f.policy == "guard:S3_BUCKET_TAGGED"}
    assert {"Logs", "Other"} <= tagged


def test_every_rule_is_in_the_summary() -> None:
    policies = report(*READABLE).summary()["template.yaml"]["policies"]
    assert policies == {
        VERSIONED: "FAIL",
        "guard:S3_BUCKET_NAMED_BY_AWS": "PASS",
        "guard:RDS_ENCRYPTED": "PASS",
        "guard:S3_BUCKET_TAGGED": "FAIL",
    }


def test_an_answer_that_the_binding_cut_off_still_fails() -> None:
    (answer,) = [replace(each, template="template.yaml") for each in recorded("cut.json")]
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(answer.output)
    (finding,) = report(answer).findings
    assert (finding.verdict, finding.policy) == (Verdict.FAIL, "guard:rules/rules.guard")
    assert "Logs11" in finding.resource
    assert "not every violation is listed" in finding.message


def test_an_answer_without_anything_to_read_is_for_review() -> None:
    (finding,) = report(GuardResult("rules/long.guard", "template.yaml", '"A_RULE"\n  ]\n}')).findings
    assert finding.verdict is Verdict.REVIEW


def test_rules_that_cannot_be_read_are_the_operator_s() -> None:
    with pytest.raises(InvalidRegistration, match=r"rules/bad\.guard: Parser Error"):
        report(*recorded())


def test_rules_that_are_wrong_are_told_once_and_in_one_line() -> None:
    wrong = [GuardResult("long.guard", f"{number}.yaml", problem="expected\n" + "x" * 1000) for number in range(3)]
    with pytest.raises(InvalidRegistration) as refused:
        guard_report(wrong, {}, PolicySettings(), TODAY)
    (line,) = refused.value.problems
    assert line.startswith("long.guard: expected xxx")
    assert line.endswith(" ... (with 0.yaml)")


def test_settings_hold_for_rules_too() -> None:
    waiver = Waiver(VERSIONED, "*", "known", "ops", date(2026, 2, 1))
    waived = report(*READABLE, waivers=(waiver,))
    assert {f.waiver for f in waived.findings if f.policy == VERSIONED} == {"known (ops, until 2026-02-01)"}
    lenient = report(*READABLE, blocking=Severity.CRITICAL)
    assert lenient.verdict is Verdict.PASS
    assert lenient.findings


def test_no_answers_are_an_empty_report() -> None:
    assert report() == Report()


def test_a_template_is_read_as_cfn_guard_reads_it() -> None:
    text = b"""
Resources:
  A:
    Type: X
    Properties:
      Text: "22"
      Number: 22
      Share: 0.5
      Octal: 010
      On: true
      Nothing: ~
      List: [!Ref B, !GetAtt C.Arn.More, !Sub "${D}"]
"""
    assert plain(load(text, "a.yaml").root)["Resources"]["A"]["Properties"] == {
        "Text": "22",
        "Number": 22,
        "Share": 0.5,
        "Octal": "010",
        "On": True,
        "Nothing": None,
        "List": [{"Ref": "B"}, {"Fn::GetAtt": ["C", "Arn.More"]}, {"Fn::Sub": "${D}"}],
    }
