"""The rehearsal: three-valued, told in words, kept as a document, a gate where the registration says so."""

import json

import pytest

from belay.rollback.rehearsal import Check, Readiness, Rehearsal, gathered, refusal

READY = Check("alarms", Readiness.READY, "both exist")
MISSING = Check("templates", Readiness.NOT_READY, "service.yaml is gone")
UNKNOWN = Check("permissions", Readiness.NOT_KNOWN, "the simulation was refused")


@pytest.mark.parametrize(
    ("checks", "readiness"),
    [
        ((), Readiness.READY),
        ((READY,), Readiness.READY),
        ((READY, UNKNOWN), Readiness.NOT_KNOWN),
        ((UNKNOWN, MISSING, READY), Readiness.NOT_READY),
    ],
)
def test_what_is_missing_counts_more_than_what_is_not_known(checks: tuple[Check, ...], readiness: Readiness) -> None:
    assert Rehearsal(checks).readiness is readiness
    assert Rehearsal(checks).ready is (readiness is Readiness.READY)


def test_it_is_told_worst_first() -> None:
    assert Rehearsal((UNKNOWN, READY, MISSING)).describe() == [
        "NOT rollback ready. Checked: permissions, alarms, templates.",
        "not ready: templates: service.yaml is gone",
        "not known: permissions: the simulation was refused",
    ]
    assert Rehearsal((READY,)).describe() == ["Rollback ready. Checked: alarms."]


def test_it_survives_being_kept() -> None:
    rehearsal = Rehearsal((UNKNOWN, READY, MISSING))

    document = json.loads(json.dumps(rehearsal.to_dict()))

    assert document["readiness"] == "not ready"
    assert Rehearsal.from_dict(document) == rehearsal


def test_several_problems_are_one_check() -> None:
    assert gathered("alarms", ["a is red", "b is gone"], "fine") == Check(
        "alarms", Readiness.NOT_READY, "a is red; b is gone"
    )
    assert gathered("alarms", [], "fine") == Check("alarms", Readiness.READY, "fine")


@pytest.mark.parametrize(("check", "refused"), [(READY, False), (MISSING, True), (UNKNOWN, True)])
def test_a_gate_lets_through_only_what_is_ready(check: Check, refused: bool) -> None:
    rehearsal = Rehearsal((check,))

    assert refusal(rehearsal, required=False) == []
    reasons = refusal(rehearsal, required=True)
    assert bool(reasons) is refused
    assert not refused or check.in_words() in reasons
