"""Every policy about database changes against its fixtures: bad-* must FAIL, good-* PASS, review-* REVIEW.

A fixture's name ends in its engine. A line ``-- applied above`` (or below) separates what was already applied from what
the release would apply; ``, edited since`` says that the release's text differs from what was applied.
"""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from belay.policy.applied import policies_in
from belay.policy.database_gate import check_database_changes
from belay.policy.rules import database_change
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report, Verdict
from belay.sql.changes import DatabaseChange, Engine
from belay.sql.reading import read_files

FIXTURES = Path(__file__).parents[2] / "fixtures" / "policies" / "database_change"
KINDS = {"bad": Verdict.FAIL, "good": Verdict.PASS, "review": Verdict.REVIEW}
TODAY = date(2026, 1, 1)
CASES = sorted(FIXTURES.glob("*/*.sql"))
POLICIES = [one.slug for one in policies_in(database_change)]
MARK = re.compile(r"^-- applied(?P<how> above, edited since| above| below|, and no longer here)$", re.MULTILINE)
ONLY_UNDECIDED = "not-understood"
"""The policy that reports what is not understood on behalf of all."""
IMPOSSIBLE = {(ONLY_UNDECIDED, "bad"), ("rollback-missing", "review")}


def read(path: str, text: str, engine: Engine) -> DatabaseChange:
    (change,) = read_files({path: text.encode()}, engine)
    return change


def check(fixture: Path) -> Report:
    engine, text = Engine(fixture.name.split(".")[-2]), fixture.read_text()
    mark = MARK.search(text)
    if mark is None:
        return check_database_changes([read(fixture.name, text, engine)], engine, PolicySettings(), TODAY)
    above = replace(read("above.sql", text[: mark.start()], engine), id="above")
    lines = "\n" * text[: mark.end()].count("\n")
    below = replace(read(fixture.name, lines + text[mark.end() :], engine), id="below")
    changes = [above, below]
    applied = {
        " above": {"above": above.digest},
        " above, edited since": {"above": "0" * 64},
        " below": {"below": below.digest},
        ", and no longer here": {"missing": "0" * 64},
    }[mark["how"]]
    return check_database_changes(changes, engine, PolicySettings(), TODAY, applied=applied)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_policy_has_fixtures_of_each_kind(policy: str, kind: str) -> None:
    if (policy, kind) not in IMPOSSIBLE:
        assert list((FIXTURES / policy).glob(f"{kind}-*.sql")), f"{policy} needs a fixture {kind}-*.<engine>.sql"


def test_every_fixture_belongs_to_a_policy() -> None:
    assert {path.parent.name for path in CASES} == set(POLICIES)


@pytest.mark.parametrize("fixture", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_policy_gives_the_verdict_its_fixture_is_named_for(fixture: Path) -> None:
    kind, slug = fixture.name.partition("-")[0], fixture.parent.name
    found = [one for one in check(fixture).findings if one.policy in (slug, ONLY_UNDECIDED)]
    verdicts = {one.verdict for one in found if one.policy == slug or kind != "bad"}

    assert verdicts == ({KINDS[kind]} if kind != "good" else set()), [one.message for one in found]


@pytest.mark.parametrize("fixture", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_findings_say_where_and_what_to_do(fixture: Path) -> None:
    lines = fixture.read_text().splitlines()
    for finding in check(fixture).findings:
        assert finding.message.endswith(".")
        assert finding.fix.endswith(".")
        assert finding.resource
        if finding.line and finding.path == fixture.name:
            assert lines[finding.line - 1][finding.column - 1].strip() or finding.policy == "rollback-missing"


@pytest.mark.parametrize(
    ("engine", "text"),
    [
        (Engine.POSTGRESQL, "CREATE ROLE orders LOGIN PASSWORD 'hunter2';"),
        (Engine.MYSQL, "CREATE USER orders IDENTIFIED BY 'hunter2';"),
        (Engine.ORACLE, "CREATE USER orders IDENTIFIED BY hunter2;"),
        (Engine.SQLSERVER, "CREATE LOGIN orders WITH PASSWORD = 'hunter2';"),
    ],
)
def test_a_finding_about_a_user_shows_no_password(engine: Engine, text: str) -> None:
    report = check_database_changes([read("0001.sql", text, engine)], engine, PolicySettings(), TODAY)

    assert [one.policy for one in report.findings if "orders" in one.message]
    assert "hunter2" not in repr(report)
