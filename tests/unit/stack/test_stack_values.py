"""Which values a stack does not get back in a rollback: changed and unknown ones."""

import pytest

from belay.stack.baseline import Baseline, baseline_of
from belay.stack.values import KnownValues, kept_hidden, kept_references, kept_resolved, same_hidden

REFERENCE = "{{resolve:secretsmanager:orders:SecretString:pin}}"


def baseline(**known: str) -> Baseline:
    return Baseline("orders", True, hidden=("Pin",), known=known)


@pytest.mark.parametrize(
    ("before", "now", "same", "kept"),
    [
        ("aa", "aa", True, ""),
        ("aa", "bb", False, "whose value the release changed"),
        (None, "bb", False, "not known"),
        ("aa", None, False, "not known"),
        (None, None, False, "not known"),
        (REFERENCE, "bb", False, ""),
        (REFERENCE, REFERENCE, True, ""),
        ("aa", REFERENCE, False, "whose value the release changed"),
    ],
)
def test_a_hidden_value_is_known_by_its_digest(before: str | None, now: str | None, same: bool, kept: str) -> None:
    """A reference is restored, so it does not stay changed."""
    then = baseline(**({} if before is None else {"Pin": before}))
    found = None if now is None else KnownValues("token", {"Pin": now})
    assert same_hidden(then, found) is same
    assert [kept in each.in_words() for each in kept_hidden(then, found)] == ([True] if kept else [])


def test_a_change_set_back_gives_a_reference_and_the_previous_value_otherwise() -> None:
    hidden = Baseline(
        "orders", True, parameters={"Size": "2"}, hidden=("Pin", "Word"), known={"Pin": REFERENCE, "Word": "aa"}
    )
    assert hidden.update_parameters(["Size", "Word"]) == [
        {"ParameterKey": "Pin", "ParameterValue": REFERENCE},
        {"ParameterKey": "Size", "ParameterValue": "2"},
        {"ParameterKey": "Word", "UsePreviousValue": True},
    ]
    assert hidden.lost(["Size"]) == ("Word",)


def test_an_ssm_parameter_s_value_is_compared() -> None:
    then = Baseline("orders", True, resolved={"Vpc": "vpc-1"})
    assert [*kept_resolved(then, {"Vpc": "vpc-1"})] == []
    (kept,) = kept_resolved(then, {"Vpc": "vpc-2"})
    assert kept.in_words() == "the parameter Vpc, whose SSM parameter has another value than before"


def test_a_reference_is_compared_by_the_version_of_what_it_names() -> None:
    then = Baseline("orders", True, versions={"{{resolve:ssm:/a}}": "1", REFERENCE: None})
    assert [each.in_words() for each in kept_references(then, {"{{resolve:ssm:/a}}": "1", REFERENCE: "x"})] == [
        f"{REFERENCE}, whose value is not known to be the earlier one"
    ]
    changed = [each.why for each in kept_references(then, {"{{resolve:ssm:/a}}": "2"})]
    assert changed == ["whose value was changed since", "whose value is not known to be the earlier one"]


def test_what_is_known_is_read_as_it_was_written() -> None:
    known = KnownValues("token", {"Pin": "aa"}, {REFERENCE: None})
    assert KnownValues.from_dict(known.to_dict()) == known


def test_a_hidden_parameter_of_an_ssm_type_keeps_no_value() -> None:
    hidden = {"ParameterKey": "Pin", "ParameterValue": "****", "ResolvedValue": "****"}
    description = {"StackName": "orders", "StackId": "id", "StackStatus": "UPDATE_COMPLETE", "Parameters": [hidden]}
    found = baseline_of(description, None)
    assert (found.hidden, found.resolved) == (("Pin",), {})
