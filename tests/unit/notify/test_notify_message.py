"""What on-call engineers read, word for word, and what SNS accepts, whatever is put into a message.

The expected texts are in ``golden/``, one file a message; a change of wording is a change of that file.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from belay.notify.message import (
    LARGEST_MESSAGE,
    Deployment,
    Message,
    Severity,
    deployment_started,
    findings_appeared,
    foreign_stack_failed,
    person_needed,
    publish_arguments,
    release_ended,
)
from belay.release.ledger import Outcome
from belay.stack.cause import Cause

GOLDEN = Path(__file__).parent / "golden"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:belay"
STACK_ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service-production/6a7e8fe0"
EXECUTION = "arn:aws:states:eu-west-1:111122223333:execution:belay-deploy-release:orders-1-3-0"
ORDERS = Deployment("orders", "1.3.0", "production", EXECUTION)
CAUSE = Cause(
    path=("Tasks", "Service"),
    resource_type="AWS::ECS::Service",
    status="UPDATE_FAILED",
    reason="Resource handler returned message: ECS Deployment Circuit Breaker was triggered (HandlerErrorCode: 1)",
    time=datetime(2026, 3, 2, 9, 23, 11, tzinfo=UTC),
    stack_id=STACK_ID,
)

MESSAGES = {
    "started": deployment_started(
        ORDERS,
        changes=[
            "network (orders-network-production):",
            "  REPLACES Subnet (AWS::EC2::Subnet): CidrBlock",
            "service: no change",
        ],
        replaces="1.2.0",
        through=("test", "production"),
    ),
    "deployed": release_ended(Outcome.DEPLOYED, ORDERS, runs_now="1.3.0"),
    "rejected": release_ended(
        Outcome.REJECTED,
        Deployment("orders", "1.1.0"),
        what="The release was refused by the static gate, before anything was changed.",
        findings=[
            "templates/network.yaml:41 BastionGroup SecurityGroupIngress/0: SSH (22/tcp) is open to 0.0.0.0/0",
            "  Allow it from a trusted network, or use Session Manager.",
        ],
    ),
    "rejected_with_problems": release_ended(
        Outcome.REJECTED,
        Deployment("orders", "1.1.0", None, EXECUTION),
        cause="release.yaml: stacks.0.template: x.yaml is not in the archive\nrelease.yaml: unknown key 'colour'",
    ),
    "aborted": release_ended(Outcome.ABORTED, ORDERS, cause="superseded by 1.4.0", runs_now="1.2.0"),
    "rolled_back": release_ended(
        Outcome.ROLLED_BACK,
        ORDERS,
        cause=CAUSE,
        done=[
            "service: wait until CloudFormation has finished, the stack is UPDATE_ROLLBACK_IN_PROGRESS",
            "network: bring the stack back to version 1.2.0 by a change set to its template and parameters of before",
        ],
        runs_now="1.2.0",
    ),
    "needs_operator": release_ended(
        Outcome.NEEDS_OPERATOR,
        ORDERS,
        cause=CAUSE,
        done=["service: continue the rollback that got stuck, without skipping any resource"],
        left_to_do=["service: continuing its rollback was tried 2 times, and it is still UPDATE_ROLLBACK_FAILED."],
    ),
    "needs_operator_unknown": release_ended(Outcome.NEEDS_OPERATOR, ORDERS, cause="AccessDenied: no permission"),
    "person_needed": person_needed(
        ORDERS,
        why="The database cannot be restored by itself: it has two read replicas.",
        left_to_do=["Decide what becomes of orders-replica-1 and orders-replica-2."],
    ),
    "approval": person_needed(
        ORDERS,
        why="The change waits for an approval until 2026-03-02 12:00 UTC.",
        left_to_do=["Approve or deny it."],
        findings=["Two security groups could not be resolved."],
        severity=Severity.WARNING,
    ),
    "findings_appeared": findings_appeared(
        ORDERS,
        findings=[
            "production sg-0c2f IpPermissions[3]: ssh-open: SSH is reachable from the whole Internet: TCP 22 from "
            "0.0.0.0/0. Let only a bastion or a VPN's network in.",
        ],
        known=2,
        grave=True,
    ),
    "foreign_recovered": foreign_stack_failed(
        "orders",
        "production",
        stack="service",
        stack_id=STACK_ID,
        status="UPDATE_ROLLBACK_COMPLETE",
        cause=CAUSE,
        done=["service: continue the rollback that got stuck, without skipping any resource"],
    ),
    "foreign_left": foreign_stack_failed(
        "orders",
        "production",
        stack="service",
        stack_id=STACK_ID,
        status="UPDATE_FAILED",
        cause=CAUSE,
        left_to_do=["service: an operation that was not this release's left it UPDATE_FAILED."],
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_reads_like_this(name: str) -> None:
    message = MESSAGES[name]
    assert f"Subject: {message.subject}\n\n{message.text}" == (GOLDEN / f"{name}.txt").read_text()


def test_there_is_a_text_for_every_message_and_no_other() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(MESSAGES)


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("started", {"severity": "info", "kind": "deployment-started"}),
        ("deployed", {"outcome": "DEPLOYED", "severity": "info", "kind": "release-ended"}),
        ("aborted", {"outcome": "ABORTED", "severity": "warning", "kind": "release-ended"}),
        ("rolled_back", {"outcome": "ROLLED_BACK", "severity": "warning", "kind": "release-ended"}),
        ("needs_operator", {"outcome": "NEEDS_OPERATOR", "severity": "critical", "kind": "release-ended"}),
        ("person_needed", {"severity": "critical", "kind": "person-needed"}),
        ("approval", {"severity": "warning", "kind": "person-needed"}),
        ("foreign_recovered", {"severity": "warning", "kind": "foreign-stack-failed"}),
        ("foreign_left", {"severity": "critical", "kind": "foreign-stack-failed"}),
    ],
)
def test_subscribers_filter_by_these_attributes(name: str, attributes: dict[str, str]) -> None:
    assert MESSAGES[name].attributes == {"application": "orders", "stage": "production"} | attributes


def test_a_message_about_no_stage_has_no_stage_to_filter_by() -> None:
    assert MESSAGES["rejected"].attributes == {
        "application": "orders",
        "outcome": "REJECTED",
        "severity": "warning",
        "kind": "release-ended",
    }


def bodies(message: Message) -> dict[str, str]:
    read: dict[str, str] = json.loads(publish_arguments(message, TOPIC)["Message"])
    return read


def test_people_get_text_programs_get_json_and_phones_get_one_line() -> None:
    message = MESSAGES["rolled_back"]
    read = bodies(message)
    assert set(read) == {"default", "email", "sms", "sqs", "lambda", "http", "https"}
    assert read["default"] == read["email"] == message.text
    for protocol in ("sqs", "lambda", "http", "https"):
        assert json.loads(read[protocol]) == message.data | {"subject": message.subject, "text": message.text}
    assert read["sms"].startswith("ROLLED_BACK: orders 1.3.0 in production. Tasks/Service (AWS::ECS::Service)")
    assert len(read["sms"]) <= 140


def test_programs_get_what_people_read_part_by_part() -> None:
    data = MESSAGES["needs_operator"].data
    assert data["kind"] == "release-ended"
    assert data["version"] == "1.3.0"
    assert data["cause"] == CAUSE.in_words()
    assert data["left_to_do"] == [
        "service: continuing its rollback was tried 2 times, and it is still UPDATE_ROLLBACK_FAILED."
    ]
    assert MESSAGES["rolled_back"].data["left_to_do"] == []
    assert MESSAGES["foreign_left"].data["stack_id"] == STACK_ID


def test_the_arguments_are_those_of_sns_publish() -> None:
    shape = botocore.session.get_session().get_service_model("sns").operation_model("Publish").input_shape
    for message in MESSAGES.values():
        arguments = publish_arguments(message, TOPIC)
        assert not ParamValidator().validate(arguments, shape).has_errors()
        assert arguments["TopicArn"] == TOPIC
        assert all(value["StringValue"] for value in arguments["MessageAttributes"].values())


TEXT = st.text(max_size=300)
HOSTILE = st.lists(TEXT | st.sampled_from(['"' * 9000, "\\" * 9000, "\n" * 50, "\x00\x1f", "ü€😀" * 3000]), max_size=30)


def accepted_by_sns(message: Message) -> None:
    arguments = publish_arguments(message, TOPIC)
    subject = arguments["Subject"]
    assert 0 < len(subject) < 100
    assert subject.isascii()
    assert subject.isprintable()
    attributes = sum(
        len(name) + len(value["StringValue"]) + 6 for name, value in arguments["MessageAttributes"].items()
    )
    assert len(arguments["Message"].encode()) + attributes <= LARGEST_MESSAGE
    read = json.loads(arguments["Message"])
    assert isinstance(json.loads(read["sqs"]), dict)


@settings(max_examples=150, deadline=None)
@given(version=st.text(min_size=1, max_size=200), cause=TEXT, lists=st.tuples(HOSTILE, HOSTILE, HOSTILE))
def test_sns_accepts_whatever_is_put_into_a_message(version: str, cause: str, lists: Any) -> None:
    done, left_to_do, findings = lists
    deployment = Deployment("orders", version, "production", EXECUTION)
    accepted_by_sns(
        release_ended(
            Outcome.NEEDS_OPERATOR, deployment, cause=cause, done=done, left_to_do=left_to_do, findings=findings
        )
    )
    accepted_by_sns(person_needed(deployment, why=cause, left_to_do=left_to_do))
    accepted_by_sns(deployment_started(deployment, changes=findings))
    accepted_by_sns(findings_appeared(deployment, findings=findings, known=len(done), grave=True))


@pytest.mark.parametrize("filling", ['"', "\\", "€", "a"])
def test_the_largest_message_still_fits_and_keeps_the_way_to_look_closer(filling: str) -> None:
    many = [filling * 3000] * 100
    message = release_ended(
        Outcome.NEEDS_OPERATOR,
        ORDERS,
        what=filling * 3000,
        cause=filling * 3000,
        done=many,
        left_to_do=many,
        findings=many,
    )
    accepted_by_sns(message)
    assert "describe-execution" in message.text
    assert json.loads(bodies(message)["sqs"])["outcome"] == "NEEDS_OPERATOR"


def test_text_that_is_no_text_is_made_readable() -> None:
    message = release_ended(
        Outcome.REJECTED, Deployment("orders", "1\ud800\n2"), cause="a\ud800b", findings=["\x1b[31mred"]
    )
    accepted_by_sns(message)
    assert message.data["version"] == "1? 2"
    assert message.data["cause"] == "a?b"
    assert message.data["findings"] == ["[31mred"]


def test_a_long_list_says_how_much_of_it_is_not_shown() -> None:
    message = release_ended(Outcome.REJECTED, ORDERS, findings=[f"finding {n}: " + "x" * 500 for n in range(100)])
    assert "... and 85 more" in message.text
    assert len(message.data["findings"]) == 16


def test_a_version_of_any_length_leaves_a_readable_subject() -> None:
    message = release_ended(Outcome.ROLLED_BACK, Deployment("orders", "1.0.0+" + "é" * 300, "production"))
    assert message.subject.startswith("ROLLED_BACK: orders 1.0.0+???")
    assert message.subject.endswith("...")
    assert len(message.subject) == 99


def test_names_in_commands_cannot_break_out_of_them() -> None:
    message = release_ended(Outcome.DEPLOYED, Deployment("orders", "1.0.0", "production", "arn; rm -rf $HOME"))
    assert "--execution-arn 'arn; rm -rf $HOME'" in message.text
