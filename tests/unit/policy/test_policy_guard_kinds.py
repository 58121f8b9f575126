"""cfn-guard's rules of every kind, evaluated as in the gate, with the results of cfn-guard 3.1.1's own ``test``."""

from pathlib import Path

import pytest
import yaml

from benchmarks.guard_registry import fared

KINDS = Path(__file__).parents[2] / "fixtures" / "guard_kinds"
FILES = sorted(KINDS.glob("*.guard"))


def beside(rules: Path) -> Path:
    return rules.parent / "tests" / f"{rules.stem}_tests.yml"


@pytest.mark.parametrize("rules", FILES, ids=lambda path: path.stem)
def test_each_rule_fails_where_cfn_guard_s_does_and_nowhere_else(rules: Path) -> None:
    outcomes = list(fared(rules, beside(rules)))
    assert outcomes
    assert [shown for outcome, shown in outcomes if outcome != "met"] == []


def test_every_status_is_expected_of_some_rule() -> None:
    given = [each["expectations"]["rules"] for rules in FILES for each in yaml.safe_load(beside(rules).read_text())]
    assert {status for rules in given for status in rules.values()} == {"PASS", "FAIL", "SKIP"}


@pytest.mark.parametrize(
    ("expected", "outcome"),
    [
        ("{FIFO: FAIL}", "met"),
        ("{FIFO: PASS}", "false FAIL"),
        ("{KEPT: FAIL}", "missed"),
        ("{OTHER: FAIL}", "not defined"),
    ],
)
def test_a_difference_is_seen(tmp_path: Path, expected: str, outcome: str) -> None:
    (tmp_path / "r.guard").write_text(
        "rule FIFO { AWS::SQS::Queue { Properties.FifoQueue == true } }\n"
        "rule KEPT { AWS::SQS::Queue { Properties exists } }\n"
    )
    template = "{Resources: {Q: {Type: 'AWS::SQS::Queue', Properties: {DelaySeconds: 1}}}}"
    (tmp_path / "t.yml").write_text(f"- {{name: one, input: {template}, expectations: {{rules: {expected}}}}}\n")
    assert [found for found, _ in fared(tmp_path / "r.guard", tmp_path / "t.yml")] == [outcome]


def test_rules_that_cannot_be_read_are_seen(tmp_path: Path) -> None:
    (tmp_path / "r.guard").write_text("rule {")
    (tmp_path / "t.yml").write_text("- {input: {}, expectations: {rules: {R: PASS}}}\n")
    assert [found for found, _ in fared(tmp_path / "r.guard", tmp_path / "t.yml")] == ["unread"]
