"""cloudformation-validate's findings in templates, in Belay's report."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from belay.errors import InvalidRegistration
from belay.policy.settings import PolicySettings, Waiver
from belay.policy.template_checks import Diagnostic, TemplateAnswer, known_parameters, templates_report
from belay.policy.verdict import Finding, Report, Severity, Verdict
from belay.template.loader import load

TODAY = date(2026, 1, 1)
TEMPLATE = b"""Parameters:
  Versioning: {Type: String}
  Password: {Type: String, NoEcho: true}
Resources:
  Logs:
    Type: AWS::S3::Bucket
    Properties:
      VersioningConfiguration: {Status: !Ref Versioning}
      BucketName: logs
"""
STATUS = "Properties.VersioningConfiguration.Status"
UNKNOWN = Diagnostic("F3006", "FATAL", False, "Unknown", "Logs", "AWS::S3::Bucke", "", 5, 3, "")
BROKEN = Diagnostic("VERSIONED", "ERROR", True, "versioning\n is; off.", "Logs", "AWS::S3::Bucket", STATUS, 1, 1, "")


def report(*found: Diagnostic, template: bytes = TEMPLATE, **settings: Any) -> Report:
    answer = TemplateAnswer("t.yaml", found, ("VERSIONED", "OTHER"))
    return templates_report([answer], {"t.yaml": load(template, "t.yaml")}, PolicySettings(**settings), TODAY)


def finding(*found: Diagnostic, template: bytes = TEMPLATE, **settings: Any) -> Finding:
    (one,) = report(*found, template=template, **settings).findings
    return one


def test_what_cannot_be_deployed_refuses_a_release() -> None:
    found = report(UNKNOWN)

    assert found.verdict is Verdict.FAIL
    (one,) = found.findings
    assert (one.policy, one.severity, one.blocking) == ("template:F3006", Severity.HIGH, True)
    assert (one.resource, one.line, one.column) == ("Logs", 5, 3)
    assert one.message == "CloudFormation refuses this template: Unknown."


@pytest.mark.parametrize(("severity", "ours"), [("ERROR", Severity.MEDIUM), ("WARN", Severity.LOW)])
def test_errors_and_warnings_are_advice_unless_the_registration_raises_them(severity: str, ours: Severity) -> None:
    doubtful = replace(UNKNOWN, rule="E3530", severity=severity)

    assert (report(doubtful).verdict, finding(doubtful).severity) == (Verdict.PASS, ours)
    assert report(doubtful, advice=False).findings == ()
    assert report(doubtful, severities={"template:E3530": Severity.HIGH}).verdict is Verdict.FAIL
    assert report(doubtful, blocking=ours).verdict is Verdict.FAIL


def test_a_type_of_the_accounts_own_registry_is_not_unknown() -> None:
    assert report(replace(UNKNOWN, resource_type="Acme::Web::Site")).findings == ()


def test_security_groups_are_left_to_belays_own_policies_but_not_what_they_refer_to() -> None:
    group = replace(UNKNOWN, resource_type="AWS::EC2::SecurityGroup")

    assert report(replace(group, rule="W2508", severity="WARN")).findings == ()
    assert report(replace(group, rule="F3021")).findings == ()
    assert report(replace(group, rule="F1020")).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("transform", "verdict"),
    [
        (b"Transform: AWS::LanguageExtensions\n", Verdict.FAIL),
        (b"Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]\n", Verdict.FAIL),
        (b"Transform: [AWS::LanguageExtensions, Ours]\n", Verdict.REVIEW),
        (b"Transform: Ours\n", Verdict.REVIEW),
    ],
)
def test_what_a_macro_of_the_account_may_mend_is_for_review(transform: bytes, verdict: Verdict) -> None:
    assert finding(UNKNOWN, template=transform + TEMPLATE).verdict is verdict


def test_a_value_that_is_known_only_when_deployed_is_for_review_by_an_operators_rule() -> None:
    one = finding(BROKEN)

    assert (one.policy, one.severity, one.verdict) == ("guard:VERSIONED", Severity.HIGH, Verdict.REVIEW)
    assert (one.line, one.column) == (8, 41)
    assert one.message.endswith("The rule VERSIONED is broken: versioning is off.")
    assert finding(replace(BROKEN, property="Properties.BucketName")).verdict is Verdict.FAIL


def test_every_rule_is_in_the_summary() -> None:
    assert report(BROKEN).summary()["t.yaml"]["policies"] == {"guard:VERSIONED": "REVIEW", "guard:OTHER": "PASS"}


def test_rules_that_cannot_be_read_are_the_operators_and_told_once_in_one_line() -> None:
    wrong = [TemplateAnswer(f"{number}.yaml", problem="bad.guard: expected\n" + "x" * 1000) for number in range(3)]

    with pytest.raises(InvalidRegistration) as refused:
        templates_report(wrong, {}, PolicySettings(), TODAY)

    (line,) = refused.value.problems
    assert line.startswith("bad.guard: expected xxx")
    assert line.endswith(" ...")


def test_settings_hold_for_these_rules_too() -> None:
    waiver = Waiver("template:F3006", "Logs", "known", "ops", date(2026, 2, 1))

    assert finding(UNKNOWN, waivers=(waiver,)).waiver == "known (ops, until 2026-02-01)"
    assert report(UNKNOWN, disabled=frozenset({"template:F3006"})).findings == ()


def test_a_template_that_was_not_examined_whole_is_told_but_stops_nothing() -> None:
    answer = TemplateAnswer("t.yaml", unexamined="it is too large")
    found = templates_report([answer], {"t.yaml": load(TEMPLATE, "t.yaml")}, PolicySettings(), TODAY)

    assert [(each.policy, each.verdict, each.blocking) for each in found.findings] == [
        ("template:unfinished", Verdict.REVIEW, False)
    ]
    assert found.verdict is Verdict.PASS


def test_a_secret_value_is_not_handed_to_what_quotes_values() -> None:
    values = {"Versioning": "Enabled", "Password": "hunter2"}
    assert known_parameters(load(TEMPLATE, "t.yaml"), values) == {"Versioning": "Enabled"}


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        (["rules/a.guard"], "guard_rules: expected an object"),
        ({"other/a.guard": "0" * 64}, "a key below rules/"),
        ({"rules/a.guard": "latest"}, "guard_rules.rules/a.guard: expected a SHA-256"),
    ],
)
def test_the_registration_names_rules_by_key_and_digest(rules: object, problem: str) -> None:
    with pytest.raises(InvalidRegistration, match=problem):
        PolicySettings.from_registration({"guard_rules": rules})

    right = {"rules/a.guard": "0" * 64}
    assert PolicySettings.from_registration({"guard_rules": right}).guard_rules == right
