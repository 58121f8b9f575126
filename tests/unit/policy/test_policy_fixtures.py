"""Every policy against its fixtures, found by path: bad-* must FAIL, good-* PASS, review-* REVIEW."""

import json
from datetime import date
from pathlib import Path

import pytest

from belay.policy.applied import security_group_policies
from belay.policy.gate import check_groups, check_template
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report, Verdict

FIXTURES = Path(__file__).parents[2] / "fixtures" / "policies" / "security_group"
KINDS = {"bad": Verdict.FAIL, "good": Verdict.PASS, "review": Verdict.REVIEW}
SETTINGS = PolicySettings(trusted_networks=("10.0.0.0/8",))
TODAY = date(2026, 1, 1)
CASES = sorted(FIXTURES.glob("*/*.*"))


def check(fixture: Path) -> Report:
    if fixture.suffix == ".json":
        return check_groups([json.loads(fixture.read_text())], {}, SETTINGS, TODAY, path=fixture.name)
    files = {fixture.name: fixture.read_bytes()}
    return check_template(files, fixture.name, {}, SETTINGS, TODAY, defaults_apply=False)


@pytest.mark.parametrize("policy", [one.slug for one in security_group_policies()])
@pytest.mark.parametrize("kind", KINDS)
def test_every_policy_has_fixtures_of_each_kind(policy: str, kind: str) -> None:
    assert list((FIXTURES / policy).glob(f"{kind}-*")), f"{policy} needs a fixture {kind}-*.yaml"


def test_every_fixture_belongs_to_a_policy() -> None:
    assert {path.parent.name for path in CASES} == {one.slug for one in security_group_policies()}


@pytest.mark.parametrize("fixture", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_policy_gives_the_verdict_its_fixture_is_named_for(fixture: Path) -> None:
    report = check(fixture)
    expected = KINDS[fixture.name.partition("-")[0]]
    assert report.summary()[fixture.name]["policies"][fixture.parent.name] == expected.value


@pytest.mark.parametrize("fixture", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_findings_say_where_and_what_to_do(fixture: Path) -> None:
    lines = fixture.read_text().splitlines()
    for finding in check(fixture).findings:
        assert finding.message.endswith(".")
        assert finding.fix.endswith(".")
        assert finding.resource
        if fixture.suffix == ".yaml":
            assert lines[finding.line - 1][finding.column - 1].strip()
