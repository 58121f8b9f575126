"""Reports: verdicts, round trips, joining; and an operator's settings."""

import json
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.errors import InvalidRegistration
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Finding, Report, Severity, Verdict, combine

FINDING = Finding("t.yaml", "Group", "ssh-open", Verdict.FAIL, Severity.CRITICAL, 3, 5, "P", "It is.", "Do.", "Group")


@given(st.lists(st.sampled_from(Verdict)))
def test_the_gravest_verdict_wins(verdicts: list[Verdict]) -> None:
    expected = (
        Verdict.FAIL if Verdict.FAIL in verdicts else Verdict.REVIEW if Verdict.REVIEW in verdicts else Verdict.PASS
    )
    assert combine(verdicts) is expected


FINDINGS = st.builds(
    Finding,
    st.sampled_from(["a.yaml", "b.yaml"]),
    st.text(max_size=3),
    st.sampled_from(["ssh-open", "guard:RULE"]),
    st.sampled_from([Verdict.FAIL, Verdict.REVIEW]),
    st.sampled_from(Severity),
    st.integers(0, 9),
    st.integers(0, 9),
    st.text(max_size=3),
    st.text(max_size=3),
    st.text(max_size=3),
    st.text(max_size=3),
    st.booleans(),
    st.none() | st.text(max_size=3),
)


@given(st.lists(FINDINGS, max_size=6))
def test_reports_survive_json(findings: list[Finding]) -> None:
    report = Report(tuple(findings), (("a.yaml", ("ssh-open", "guard:RULE")), ("b.yaml", ("ssh-open", "guard:RULE"))))
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_advice_and_waived_findings_do_not_decide() -> None:
    for changed in (replace(FINDING, blocking=False), replace(FINDING, waiver="accepted")):
        assert Report((changed,)).verdict is Verdict.PASS
    assert Report((FINDING,)).verdict is Verdict.FAIL
    assert Report((replace(FINDING, verdict=Verdict.REVIEW),)).verdict is Verdict.REVIEW


def test_reports_of_several_sources_join() -> None:
    own = Report((FINDING,), (("t.yaml", ("ssh-open",)),))
    other = Report(
        (FINDING, replace(FINDING, policy="guard:S3")), (("t.yaml", ("guard:S3",)), ("u.yaml", ("guard:S3",)))
    )
    merged = own.merged(other)
    assert merged.findings == (FINDING, replace(FINDING, policy="guard:S3"))
    assert merged.checked == (("t.yaml", ("ssh-open", "guard:S3")), ("u.yaml", ("guard:S3",)))
    assert merged.summary()["u.yaml"] == {"verdict": "PASS", "findings": 0, "policies": {"guard:S3": "PASS"}}


def test_a_folder_goes_before_every_path() -> None:
    report = Report((FINDING,), (("t.yaml", ("ssh-open",)),)).under("release")
    assert report.findings[0].path == "release/t.yaml"
    assert report.paths == ("release/t.yaml",)


WAIVER = {"policy": "ssh-open", "resource": "Bastion", "reason": "r", "owner": "o", "expires": "2026-12-31"}


def test_settings_are_read_from_the_registration() -> None:
    settings = PolicySettings.from_registration(
        {
            "allowed_ports": [443],
            "severities": {"rule-description": "high"},
            "disabled": ["http80-open"],
            "blocking": "medium",
            "waivers": [WAIVER],
        },
        [ip_network("10.0.0.0/8")],
    )
    assert settings.trusted_networks == ("10.0.0.0/8",)
    assert settings.allowed_ports == {443}
    assert settings.severities == {"rule-description": Severity.HIGH}
    assert settings.disabled == {"http80-open"}
    assert settings.blocking is Severity.MEDIUM
    assert settings.waivers[0].shown == "r (o, until 2026-12-31)"
    assert PolicySettings.from_registration({}) == PolicySettings()


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ([], "policies: expected an object"),
        ({"allowed": []}, "policies.allowed: expected one of allowed_ports"),
        ({"allowed_ports": 80}, "policies.allowed_ports: expected a list"),
        ({"allowed_ports": [80, 65536]}, "policies.allowed_ports[1]: expected a port"),
        ({"allowed_ports": [True]}, "policies.allowed_ports[0]: expected a port"),
        ({"severities": []}, "policies.severities: expected an object"),
        ({"severities": {"ssh-open": "grave"}}, "policies.severities.ssh-open: expected one of critical"),
        ({"severities": {"no": "high"}}, "policies.severities.no: expected a policy"),
        ({"disabled": ["no"]}, "policies.disabled[0]: expected a policy"),
        ({"maximums": []}, "policies.maximums: expected an object of policies and numbers, found []."),
        ({"maximums": {"drop-table": 3}}, "policies.maximums: expected one of index-columns, indexes-per-table, found"),
        (
            {"maximums": {"index-columns": 0}},
            "policies.maximums.index-columns: expected a number from 1 to 1000, found 0.",
        ),
        ({"maximums": {"index-columns": True}}, "policies.maximums.index-columns: expected a number from 1 to 1000"),
        ({"blocking": 1}, "policies.blocking: expected one of"),
        ({"waivers": [{}]}, "policies.waivers[0]: expected an object of policy"),
        ({"waivers": [{**WAIVER, "more": 1}]}, "policies.waivers[0]: expected an object of policy"),
        ({"waivers": [{**WAIVER, "owner": " "}]}, "policies.waivers[0].owner: expected a text"),
        ({"waivers": [{**WAIVER, "expires": "soon"}]}, "policies.waivers[0].expires: expected a date"),
        ({"waivers": [{**WAIVER, "policy": "no"}]}, "policies.waivers[0].policy: expected a policy"),
    ],
)
def test_what_cannot_be_used_is_told_by_path(mapping: Any, problem: str) -> None:
    with pytest.raises(InvalidRegistration) as refused:
        PolicySettings.from_registration(mapping)
    assert any(one.startswith(problem) for one in refused.value.problems), refused.value.problems


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InvalidRegistration) as refused:
        PolicySettings.from_registration({"x": 1, "allowed_ports": ["a"], "blocking": "b"}, path="stage.policies")
    assert [one.partition(":")[0] for one in refused.value.problems] == [
        "stage.policies.x",
        "stage.policies.allowed_ports[0]",
        "stage.policies.blocking",
    ]
