"""The text that on-call engineers read, word for word.

The expected texts are in ``golden/``, one file per message; a change of wording is a change of that file.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from sample_messages import CAUSE, MESSAGES, ORDERS, SSH, STACK_ID, THREAD

from belay.notify.deployment import Deployment
from belay.notify.message import MessageKind, in_thread
from belay.notify.releases import deployment_started, release_ended
from belay.notify.thread import Thread
from belay.release.left_to_do import LeftToDo
from belay.release.reason import FoundInStages, PolicyFindings, StackFailure, Statement, Why
from belay.release.records import Outcome
from belay.stack.cause import first_cause
from belay.stack.command_line import failed_events_command

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_reads_like_this(name: str) -> None:
    message = MESSAGES[name]
    assert f"Subject: {message.subject}\n\n{message.text}" == (GOLDEN / f"{name}.txt").read_text()


def test_there_is_a_text_for_every_message_and_no_other() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(MESSAGES)


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("started", {"severity": "info", "kind": "deployment-started", "state": "open"}),
        ("recovery_started", {"severity": "warning", "kind": "recovery-started", "state": "open"}),
        ("deployed", {"outcome": "DEPLOYED", "severity": "info", "kind": "release-ended", "state": "closed"}),
        ("aborted", {"outcome": "ABORTED", "severity": "warning", "kind": "release-ended", "state": "closed"}),
        (
            "rolled_back",
            {"outcome": "ROLLED_BACK", "severity": "warning", "kind": "release-ended", "state": "closed"},
        ),
        (
            "needs_operator",
            {"outcome": "NEEDS_OPERATOR", "severity": "critical", "kind": "release-ended", "state": "open"},
        ),
        ("person_needed", {"severity": "critical", "kind": "person-needed", "state": "open"}),
        ("approval", {"severity": "warning", "kind": "approval-requested", "state": "open"}),
    ],
)
def test_subscribers_filter_by_these_attributes(name: str, attributes: dict[str, str]) -> None:
    of_all = {"application": "orders", "stage": "production", "thread": THREAD}
    assert MESSAGES[name].attributes == of_all | attributes


def test_a_message_about_no_stage_has_no_stage_to_filter_by() -> None:
    assert MESSAGES["rejected"].attributes == {
        "application": "orders",
        "outcome": "REJECTED",
        "severity": "warning",
        "kind": "release-ended",
        "thread": "orders",
        "state": "closed",
    }


@pytest.mark.parametrize(
    ("name", "severity", "state"), [("foreign_recovered", "warning", "closed"), ("foreign_left", "critical", "open")]
)
def test_a_foreign_failure_is_open_while_it_needs_a_person(name: str, severity: str, state: str) -> None:
    attributes = MESSAGES[name].attributes
    assert (attributes["kind"], attributes["severity"], attributes["state"]) == (
        "foreign-stack-failed",
        severity,
        state,
    )


@pytest.mark.parametrize("name", MESSAGES)
def test_only_what_cannot_wait_is_critical_and_its_first_line_says_what_to_do(name: str) -> None:
    message = MESSAGES[name]
    first = message.text.splitlines()[0]
    assert first.startswith("Do this now: ") == (message.data["severity"] == "critical")
    assert first.startswith(("Do this now: ", "To do: ", "Nothing "))


def test_no_text_is_turned_round() -> None:
    turned = "approve \u202eevil\u2066"
    reason, todo = Statement(Why.SUPERSEDED, turned), LeftToDo("", turned)
    message = release_ended(Outcome.ABORTED, ORDERS, reason=reason, left_to_do=[todo])
    assert not set(turned) & set("\u202e\u2066") & set(str(message.data["left_to_do"]))
    assert not set(turned) & set("\u202e\u2066") & set(message.text)
    assert "approve evil" in message.text


def test_the_first_line_is_one_line_however_much_is_left_to_do() -> None:
    todos = [LeftToDo("", each) for each in ("x" * 3000, "second", "third")]
    message = release_ended(Outcome.NEEDS_OPERATOR, ORDERS, left_to_do=todos)
    first = message.text.splitlines()[0]
    assert first.endswith("... (2 more below)")
    assert len(first) < 450


def test_an_outcome_closes_what_its_thread_opened() -> None:
    started, failed, ended = (MESSAGES[name] for name in ("started", "recovery_started", "rolled_back"))
    thread = Thread((started.key, failed.key, ended.key))
    numbered = in_thread(ended, thread)
    assert numbered.data["sequence"] == 3
    assert numbered.data["id"] == f"{THREAD}/3"
    assert numbered.data["closes"] == [1, 2]
    assert numbered.text.endswith(f"\nMessage 3 of the thread {THREAD}, closes 1, 2\n")
    assert in_thread(started, thread).data["closes"] == []


def test_numbers_go_on_where_the_first_messages_of_a_thread_are_forgotten() -> None:
    failed, ended = (MESSAGES[name] for name in ("recovery_started", "rolled_back"))
    numbered = in_thread(ended, Thread((failed.key, ended.key), forgotten=40))
    assert (numbered.data["sequence"], numbered.data["closes"]) == (42, [41])


def test_a_message_has_one_key_and_others_of_its_thread_have_others() -> None:
    keys = {name: message.key for name, message in MESSAGES.items() if message.thread == THREAD}
    ended = {name for name, key in keys.items() if key == "release-ended/ended"}
    outcomes = {"deployed", "aborted", "rolled_back", "needs_operator"}
    assert ended == outcomes | {
        *("needs_operator_unknown", "rolled_back_by_a_person", "rolled_back_elsewhere", "wave", "wave_refused"),
        "deployed_together",
    }
    again = {
        "started",
        "started_first",
        "started_together",
        "stopped_by_a_person",
        "closed_while_mixed",
        "stage_of_a_wave",
    }
    others = [key for name, key in keys.items() if name not in ended | again]
    assert len(others) == len(set(others))
    assert deployment_started(ORDERS, changes=["other"], replaces={}).key != MESSAGES["started"].key


def test_programs_get_what_people_read_part_by_part() -> None:
    data = MESSAGES["needs_operator"].data
    assert data["kind"] == "release-ended"
    assert data["version"] == "1.3.0"
    assert data["cause"] == {
        "kind": "stack-failure",
        "what": "orders-service-production is UPDATE_ROLLBACK_IN_PROGRESS",
        "why": CAUSE.in_words(),
        "command": failed_events_command(STACK_ID),
        "stack_id": STACK_ID,
        "status": "UPDATE_ROLLBACK_IN_PROGRESS",
        "resource": "Tasks/Service",
        "resource_type": "AWS::ECS::Service",
        "resource_status": "UPDATE_FAILED",
        "at": "2026-03-02T09:23:11+00:00",
    }
    assert data["left_to_do"] == [
        {
            "subject": "service",
            "what": "decide how its rollback ends",
            "why": "continuing its rollback was tried 2 times, and it is still UPDATE_ROLLBACK_FAILED.",
            "command": None,
            "look": "aws cloudformation describe-stack-events --stack-name orders-service-production",
            "choices": [
                {
                    "what": "fix the cause, then continue the rollback",
                    "loses": "nothing is lost",
                    "command": "aws cloudformation continue-update-rollback --stack-name orders-service-production",
                },
                {
                    "what": "leave it",
                    "loses": "nothing is lost, but no release can update the stack until then",
                    "command": None,
                },
            ],
        }
    ]
    assert MESSAGES["rolled_back"].data["left_to_do"] == []
    assert MESSAGES["foreign_left"].data["stack_id"] == STACK_ID


def test_the_longest_reason_of_a_stack_is_told_as_the_ledger_has_it() -> None:
    failed = {
        "StackId": STACK_ID,
        "LogicalResourceId": "Service",
        "PhysicalResourceId": "orders-service",
        "ResourceType": "AWS::ECS::Service",
        "ResourceStatus": "UPDATE_FAILED",
        "ResourceStatusReason": "It is too long. " * 1_000,
        "Timestamp": "2026-01-01T10:00:00+00:00",
    }
    cause = first_cause([failed])
    assert cause is not None
    reason = StackFailure(STACK_ID, "UPDATE_ROLLBACK_IN_PROGRESS", cause)
    message = release_ended(Outcome.ROLLED_BACK, ORDERS, reason=reason)
    assert message.data["cause"]["why"] == cause.in_words()
    assert cause.in_words() in message.text


def test_a_long_list_says_how_much_of_it_is_not_shown() -> None:
    found = tuple(FoundInStages(replace(SSH, message=f"finding {n}: " + "x" * 500)) for n in range(100))
    message = release_ended(Outcome.REJECTED, ORDERS, reason=PolicyFindings(found))
    assert "... and 88 more" in message.text
    assert (len(message.data["findings"]), message.data["left_out"]["findings"]) == (15, 85)


def test_a_version_of_any_length_leaves_a_readable_subject() -> None:
    message = release_ended(Outcome.ROLLED_BACK, Deployment("orders", "1.0.0+" + "é" * 300, "production"))
    assert message.subject.startswith("ROLLED_BACK: orders 1.0.0+???")
    assert message.subject.endswith("...")
    assert len(message.subject) == 99


def test_names_in_commands_cannot_break_out_of_them() -> None:
    message = release_ended(Outcome.DEPLOYED, Deployment("orders", "1.0.0", "production", "arn; rm -rf $HOME"))
    assert "--execution-arn 'arn; rm -rf $HOME'" in message.text


def test_every_kind_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text()
    assert [kind.value for kind in MessageKind if f"`{kind.value}`" not in page] == []
