"""The command's output about incidents, messages, stages and releases, and the requests it sends."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from simulated_ledger import accepted, bring, end, end_stage
from test_aws_command import Belay, Office, document
from test_aws_unfinished import INCIDENT, MANIFEST, NOW, RELEASE, STAGE, UPLOAD

from belay.approval.asked import GivenAnswer
from belay.control.recovery import Recovery
from belay.ledger.incidents import IncidentRecord
from belay.notify.sent import SentMessage
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import StackLeft
from belay.release.left_to_do import Choice, LeftToDo
from belay.release.life import State
from belay.release.reason import from_document
from belay.release.records import Outcome
from belay.rollback.plan import Action, Kind, RollbackPlan
from belay.rollback.taken import StepTaken
from belay.subject.incident import Incident
from belay.subject.subjects import ForeignOperation, ReleaseAttempt
from cli import decision
from cli.__main__ import main

ANN = "arn:aws:iam::123456789012:user/ann"
CHANGES = "database: {changes: db, engine: postgresql}\n"
ENDED, LATER = "2026-01-01T10:20:00.000+00:00", "2026-01-01T11:00:00.000+00:00"
STACK = "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders-network/6a7e8fe0"
CONTINUE = f"aws cloudformation continue-update-rollback --stack-name {STACK}"
LEFT = LeftToDo(
    "network",
    "bring it to a stable status",
    "it is UPDATE_ROLLBACK_FAILED",
    look="aws cloudformation describe-stacks",
    choices=(
        Choice("fix the cause, then continue the rollback", "nothing is lost", CONTINUE),
        Choice("leave it", "no release can update the stack until then"),
    ),
)


@pytest.fixture
def office(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.delenv("BELAY_STACK", raising=False)
    return Office(simulated)


@pytest.fixture
def belay(capsys: pytest.CaptureFixture[str]) -> Belay:
    def run(*words: str) -> tuple[int, str, str]:
        status = main(list(words))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The requests to the function URL, answered as the decision's function does."""
    requests: list[dict[str, str]] = []

    def post(url: str, body: dict[str, str], *_: object) -> tuple[int, Any]:
        requests.append(body)
        return 200, {"decision": body["decision"], "by": ANN, "at": NOW, "comment": body["comment"]}

    monkeypatch.setattr(decision, "post_signed", post)
    return requests


def opened(office: Office, why: str) -> Incident:
    """The incident of the release that failed in production."""
    incident = Incident(INCIDENT, ReleaseAttempt(RELEASE, "production", None), from_document(why), "role")
    assert office.ledger.incidents.open(incident, NOW)
    office.ledger.attempts.record(RELEASE, State.RECOVERING, NOW, stage="production", detail=why)
    return incident


def needs_operator(office: Office) -> Incident:
    """A release that ended NEEDS_OPERATOR in production, with one step taken and one stack left."""
    office.accept()
    before = accepted(office.ledger, replace(UPLOAD, key="releases/orders/0.9.0.zip"), "0.9.0")
    end_stage(office.ledger, before, now="2026-01-01T09:00:00.000+00:00")
    bring(office.ledger, RELEASE, "test", State.VALIDATED)
    end_stage(office.ledger, RELEASE, "test", now=NOW)
    bring(office.ledger, RELEASE, "production", State.EXECUTING)
    incident = opened(office, "no capacity")
    step = StepTaken(Action.WAIT, Kind.STACK, "network", "wait for its rollback", NOW, seconds=30)
    office.ledger.incidents.record_step(incident, step, 0)
    Recovery(IncidentRecord(incident, NOW), office.artifacts, office.ledger).save(RollbackPlan((), (LEFT,)))
    office.ledger.stages.leave("orders", "production", [StackLeft("network", "orders-network", "1.0.0")])
    office.ledger.incidents.leave(incident)
    end(office.ledger, RELEASE, Outcome.NEEDS_OPERATOR, "no capacity", now=ENDED)
    office.ledger.incidents.close(incident, Outcome.NEEDS_OPERATOR, from_document("no capacity"), ENDED)
    office.ledger.incidents.announced(incident)
    return incident


# -- what needs a person comes first -----------------------------------------------------------------------------------


def test_an_idle_belay_with_an_open_incident_is_not_said_to_be_idle(office: Office, belay: Belay) -> None:
    incident = needs_operator(office)
    lines = belay("status")[1].splitlines()
    assert lines[0].startswith("LEFT TO A PERSON")
    assert f"belay incident show {INCIDENT}" in lines[1]
    assert lines[3].startswith("MIXED STAGE")
    assert [each["incident"] for each in document(belay, "status")["left"]] == [INCIDENT]
    office.ledger.incidents.left_no_more(incident)
    assert belay("status")[1].startswith("MIXED STAGE")


def test_the_list_says_open_incidents_before_all_else(office: Office, belay: Belay) -> None:
    needs_operator(office)
    lines = belay("list", "orders")[1].splitlines()
    assert lines[1].split() == ["OPEN", "INCIDENT", "IN", "STATE", "LOOK", "WITH"]
    assert "NEEDS_OPERATOR, left to a person" in lines[2]
    (application,) = document(belay, "list")["applications"]
    assert [(each["incident"], each["state"]) for each in application["incidents"]] == [(INCIDENT, "LEFT TO A PERSON")]


def test_a_release_says_what_is_left_first_and_its_cause_once(office: Office, belay: Belay) -> None:
    incident = needs_operator(office)
    office.ledger.incidents.acknowledge(incident, GivenAnswer("acknowledge", ANN, NOW))
    found, text = document(belay, "show", "orders/1.0.0"), belay("show", "orders/1.0.0")[1]
    (left,) = found["left_to_do"]
    assert (left["incident"], left["subject"], left["choices"][0]["command"]) == (INCIDENT, "network", CONTINUE)
    assert found["mixed"] == ["production"]
    assert [each["stage"] for each in found["stages"]] == ["production", "test"], "what lasts comes first"
    assert text.count("no capacity") == 1
    order = ["Open incidents", "Mixed stages", "Left to do", "Reason", "Runs now", "Timeline"]
    assert sorted(order, key=text.index) == order
    assert f"production: NEEDS_OPERATOR, left to a person, {ANN} is on it: belay incident show {INCIDENT}" in text
    assert "production: 0.9.0, but network (orders-network) was not brought back from 1.0.0" in text


def test_a_release_that_was_interrupted_says_how_to_go_on(office: Office, belay: Belay) -> None:
    office.accept()
    bring(office.ledger, RELEASE, "production", State.PLANNING)
    end(office.ledger, RELEASE, Outcome.NEEDS_OPERATOR, now=ENDED)
    (left,) = document(belay, "show", "orders")["left_to_do"]
    assert (left["incident"], left["choices"][0]["command"]) == (None, "belay retry orders/1.0.0")


# -- incidents ---------------------------------------------------------------------------------------------------------


def test_open_incidents_are_listed_and_closed_ones_when_asked_for(office: Office, belay: Belay) -> None:
    assert belay("incidents")[1] == "No incident is open. `belay incidents --all` lists closed ones.\n"
    assert belay("incidents", "--all")[1] == "There has been no incident.\n"
    incident = needs_operator(office)
    (found,) = document(belay, "incidents", "orders")["incidents"]
    assert (found["incident"], found["state"], found["cause"]) == (INCIDENT, "LEFT TO A PERSON", "no capacity")
    assert document(belay, "incidents", "--stage", "test")["incidents"] == []
    office.ledger.incidents.shut(incident, GivenAnswer("close", ANN, LATER, "restored"))
    assert document(belay, "incidents")["incidents"] == []
    (found,) = document(belay, "incidents", "--all")["incidents"]
    assert (found["state"], found["closed"]["by"]) == ("CLOSED", ANN)
    assert "NEEDS_OPERATOR, closed" in belay("incidents", "--all")[1]
    assert belay("incidents", "ordres")[::2] == (1, "belay: ordres is not registered; registered: orders\n")


def test_an_incident_is_understood_from_the_command_alone(office: Office, belay: Belay) -> None:
    incident = needs_operator(office)
    text = belay("incident", "show", INCIDENT)[1]
    assert text.startswith(f"{INCIDENT}  NEEDS_OPERATOR, left to a person\n  about     orders 1.0.0 in production\n")
    assert "- network: bring it to a stable status: it is UPDATE_ROLLBACK_FAILED" in text
    assert f"1. fix the cause, then continue the rollback; nothing is lost\n       {CONTINUE}" in text
    assert f"close it, once all that is left is done: belay incident close {INCIDENT} --why TEXT" in text
    assert "once the cause is fixed: belay rollback orders production --plan" in text
    assert "done     network: wait for its rollback (30 s)" in text
    found = document(belay, "incident", "show", INCIDENT)
    assert [each["what"] for each in found["left_to_do"]] == ["bring it to a stable status"]
    assert (found["cause"], found["runs"][:10]) == (["no capacity"], "0.9.0, but")
    office.ledger.incidents.watch(incident, [STACK], more=True)
    assert "it can be closed once orders-network can be updated again" in belay("incident", "show", INCIDENT)[1]


def test_an_incident_that_asks_says_how_to_answer(office: Office, belay: Belay) -> None:
    office.in_stage()
    opened(office, "no capacity")
    office.ledger.decisions.ask("orders", INCIDENT, "restore", "may the database be restored?", NOW)
    text = belay("incident", "show", INCIDENT)[1]
    assert "It asks\n  may the database be restored?" in text
    assert f"yes: belay approve orders --incident {INCIDENT} --question restore" in text
    assert f"no:  belay reject orders --incident {INCIDENT} --question restore" in text
    office.ledger.decisions.decide("orders", INCIDENT, "restore", approved=False, by=ANN, at=NOW, comment="no")
    assert (
        f"Answered\n  may the database be restored? denied by {ANN}, 2026-01-01 10:00:00 UTC: no"
        in (belay("incident", "show", INCIDENT)[1])
    )


def test_an_incident_of_a_stack_that_failed_without_belay_is_found_by_its_name_alone(
    office: Office, belay: Belay
) -> None:
    subject = ForeignOperation("orders", "production", None, "network", STACK, None, "elsewhere-0123456789abcdef")
    incident = Incident(subject.incident, subject, from_document("by hand"), "role")
    office.ledger.incidents.open(incident, NOW)
    assert "by hand" in belay("incident", "show", incident.name)[1]
    office.ledger.incidents.close(incident, Outcome.ROLLED_BACK, incident.reason, LATER)
    office.ledger.incidents.announced(incident)
    assert document(belay, "incident", "show", incident.name)["state"] == "CLOSED"
    assert belay("incident", "show", "other")[::2] == (
        1,
        "belay: there is no incident other; see `belay incidents --all`\n",
    )


def test_a_person_takes_on_an_incident_and_closes_it(office: Office, belay: Belay, sent: list[dict[str, str]]) -> None:
    needs_operator(office)
    status, out, _ = belay("incident", "acknowledge", INCIDENT, "--comment", "looking")
    assert (status, out) == (0, f"acknowledged: {INCIDENT}, by {ANN}\n")
    found = document(belay, "incident", "close", INCIDENT, "--why", "restored")
    assert found["still_mixed"].startswith("0.9.0, but network")
    assert "belay rollback orders production --plan" in belay("incident", "close", INCIDENT, "--why", "restored")[1]
    assert sent[:2] == [
        {"decision": "acknowledge", "application": "orders", "incident": INCIDENT, "comment": "looking"},
        {"decision": "close", "application": "orders", "incident": INCIDENT, "comment": "restored"},
    ]
    assert document(belay, "incident", "acknowledge", INCIDENT)["by"] == ANN
    assert belay("incident", "close", INCIDENT)[0] == 2, "a closing needs a reason"
    assert (
        belay("incident", "close", "other", "--why", "x")[2]
        == "belay: there is no incident other; see `belay incidents`\n"
    )


def test_a_text_of_a_release_does_nothing_to_the_terminal(office: Office, belay: Belay) -> None:
    office.in_stage()
    hostile = "no\x1b[2Jcapacity\u202e"
    opened(office, hostile)
    office.ledger.messages.keep(RELEASE.thread, message(1, text=hostile))
    for words in (
        ["status"],
        ["incidents"],
        ["incident", "show", INCIDENT],
        ["show", "orders"],
        ["messages", "orders"],
    ):
        out = belay(*words)[1]
        assert "\ufffd" in out or words == ["status"]
        assert not {"\x1b", "\u202e"} & set(out)
        assert not {"\x1b", "\u202e"} & set(belay(*words, "--output", "json")[1])


# -- messages ----------------------------------------------------------------------------------------------------------


def message(number: int, text: str = "Nothing to do.\n") -> SentMessage:
    document = {"sequence": number, "subject": f"subject {number}", "text": text, "kind": "release-ended"}
    return SentMessage(NOW, "arn:aws:sns:eu-west-1:123456789012:belay", document)


def test_messages_are_shown_as_they_were_sent(office: Office, belay: Belay) -> None:
    needs_operator(office)
    assert "No message of" in belay("messages", "orders/1.0.0")[1]
    for number in (1, 2):
        office.ledger.messages.keep(RELEASE.thread, message(number))
    found = document(belay, "messages", "orders/1.0.0")
    assert found["thread"] == RELEASE.thread
    assert [(each["number"], each["subject"], each["text"]) for each in found["messages"]] == [
        (1, "subject 1", "Nothing to do.\n"),
        (2, "subject 2", "Nothing to do.\n"),
    ]
    assert found["messages"][0]["document"] == message(1).document
    for name in (INCIDENT, RELEASE.thread, "orders"):
        assert document(belay, "messages", name) == found
    assert belay("messages", INCIDENT, "--number", "2")[1] == (
        f"-- 2 of {RELEASE.thread}, 2026-01-01 10:00:00 UTC, to {message(1).topic}\nsubject 2\n\nNothing to do.\n"
    )
    assert belay("messages", "other")[::2] == (
        1,
        "belay: nothing is named other; see `belay list` and `belay incidents --all`\n",
    )


# -- a stage over time, two releases -----------------------------------------------------------------------------------


def test_the_history_of_a_stage_says_what_became_of_each(office: Office, belay: Belay) -> None:
    assert belay("history", "orders", "production")[1] == "Nothing was ever deployed to orders/production.\n"
    assert belay("history", "orders", "elsewhere")[0] == 1
    office.accept()
    before = accepted(office.ledger, replace(UPLOAD, key="releases/orders/0.9.0.zip"), "0.9.0")
    end_stage(office.ledger, before, now=NOW)
    end_stage(office.ledger, RELEASE, now=ENDED)
    office.ledger.stages.went_back("orders", "production", before, "orders-production-asked", ANN, LATER)
    found = document(belay, "history", "orders", "production")["history"]
    assert [(each["what"], each["version"], each["runs"]) for each in found] == [
        ("rollback", "0.9.0", True),
        ("deployment", "1.0.0", False),
        ("deployment", "0.9.0", False),
    ]
    assert (found[0]["by"], found[1]["taken_back"]["by"]) == (ANN, ANN)
    lines = belay("history", "orders", "production")[1].splitlines()
    assert "rolled back to 0.9.0" in lines[1]
    assert "rolled back 2026-01-01 11:00:00 UTC, incident orders-production-asked" in lines[2]


def test_two_releases_are_compared(office: Office, belay: Belay) -> None:
    office.accept()
    other = accepted(office.ledger, replace(UPLOAD, key="releases/orders/1.1.0.zip"), "1.1.0")
    text = (
        MANIFEST.replace("1.0.0", "1.1.0").replace("a" * 64 + "}", "b" * 64 + ", db/1.sql: " + "c" * 64 + "}") + CHANGES
    )
    stages = {"production": STAGE}
    newer = AcceptedRelease.of("orders", text, "stages: [production]\n", stages, {"network.yaml": {}})
    office.artifacts.put_json(other.document_key, newer.to_dict())
    for release, template in ((RELEASE, b"A: 1\nB: 2\n"), (other, b"A: 1\nB: 3\n")):
        office.s3.put_object(Bucket="artifacts", Key=release.member_key("network.yaml"), Body=template)
    office.s3.put_object(Bucket="artifacts", Key=other.member_key("db/1.sql"), Body=b"create table t (id int);\n")
    found = document(belay, "diff", "orders/1.0.0", "orders/1.1.0")
    (stack,) = found["stacks"]
    assert [line for line in stack["lines"] if line[0] in "+-"] == ["-B: 2", "+B: 3"]
    assert found["database_changes"] == [
        {"file": "db/1.sql", "lines": ["@@ -0,0 +1 @@", "+create table t (id int);"], "unread": False}
    ]
    shown = belay("diff", "orders/1.0.0", "orders/1.1.0")[1]
    assert "Stack network, network.yaml\n" in shown
    assert "database changes: not set becomes 'db'" in shown
    assert belay("diff", "orders/1.0.0", "payments/1.0.0")[0] == 1
    assert json.dumps(belay("diff", "orders/1.0.0", "orders/1.0.0")[1]).count("The same") == 1
