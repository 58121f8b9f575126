"""What on-call engineers read, word for word, and what SNS accepts, whatever is put into a message.

The expected texts are in ``golden/``, one file a message; a change of wording is a change of that file.
"""

import json
from collections.abc import Mapping
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
    Kind,
    Message,
    Severity,
    approval_requested,
    deployment_started,
    findings_appeared,
    findings_gone,
    foreign_stack_failed,
    healthy_again,
    in_thread,
    person_needed,
    pipeline_failed,
    pipeline_notice,
    pipeline_recovered,
    publish_arguments,
    recovery_started,
    release_ended,
    release_held,
)
from belay.release.records import Outcome, ReleaseReference
from belay.stack.cause import Cause

GOLDEN = Path(__file__).parent / "golden"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:belay"
STACK_ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service-production/6a7e8fe0"
EXECUTION = "arn:aws:states:eu-west-1:111122223333:execution:belay-deploy-release:orders-1-3-0"
THREAD = ReleaseReference("orders", "1.3.0", "", "0f1e2d3c4b5a").thread
ORDERS = Deployment("orders", "1.3.0", "production", EXECUTION, THREAD)
CAUSE = Cause(
    path=("Tasks", "Service"),
    resource_type="AWS::ECS::Service",
    status="UPDATE_FAILED",
    reason="Resource handler returned message: ECS Deployment Circuit Breaker was triggered (HandlerErrorCode: 1)",
    time=datetime(2026, 3, 2, 9, 23, 11, tzinfo=UTC),
    stack_id=STACK_ID,
)

APPROVAL: Mapping[str, Any] = {
    "what": "orders 1.3.0 wants to go to production and would delete 1, add 2 of its resources. DATA MAY BE LOST. "
    "production runs 1.2.4.",
    "until": "2026-03-09 12:00 UTC",
    "changes": [
        "service: DELETES Orders (AWS::DynamoDB::Table); ITS DATA IS LOST",
        "service: adds Alarm (AWS::CloudWatch::Alarm)",
        "reports: its changes are known only once service is deployed",
    ],
    "more": {
        "Policies": [
            "REVIEW of the templates, PASS of the change sets",
            "REVIEW, which is yours to decide: network.yaml:41 Web: ssh-open: Who may reach TCP 22 is not known.",
        ],
        "Databases": ["the release declares no database changes"],
        "Way back": ["Rollback ready. Checked: baselines, alarms."],
        "What it costs to wait": ["nothing is locked before the approval", "no other release is on its way"],
    },
    "answers": [
        "Approve: belay approve orders/1.3.0 --stage production",
        "Reject: belay reject orders/1.3.0 --stage production --comment WHY",
    ],
    "report": "belay show orders/1.3.0 --report",
}

PIPELINE: dict[str, Any] = {
    "pipeline": "orders-pipeline",
    "execution": "12345678-1234-5678-abcd-12345678abcd",
    "thread": THREAD,
}
BUILD: dict[str, Any] = {
    "failure": "47f821c5",
    "cause": "Build/Test: in the build of orders, the phase BUILD is FAILED: COMMAND_EXECUTION_ERROR: exit status 127",
    "evidence": ["/codebuild/output/tmp/script.sh: line 4: sam: command not found"],
    "left_to_do": ["Likely fix: Install the program in the buildspec's install phase. https://docs.aws.amazon.com/"],
    "look": ["aws codebuild batch-get-builds --ids orders:8745a7a9"],
}
DEPLOYMENT = "Deploy/Service: in the stack orders-service-production, Service could not be updated: no steady state"

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
    "started_first": deployment_started(ORDERS, changes=["stack network: new, from templates/network.yaml"]),
    "held": release_held(
        Deployment("orders", "orders-1.3.0.zip", None, EXECUTION, THREAD),
        why="releases are paused",
        until="when `belay resume` ends the pause",
    ),
    "recovery_started": recovery_started(
        ORDERS, cause="service is UPDATE_ROLLBACK_IN_PROGRESS: no capacity", steps=["service: wait", "network: update"]
    ),
    "deployed": release_ended(
        Outcome.DEPLOYED,
        ORDERS,
        runs_now="1.3.0",
        changed=["network (orders-network-production):", "  modifies Subnet (AWS::EC2::Subnet): Tags"],
    ),
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
    "held_window": release_held(
        ORDERS,
        why="there is a freeze until 2027-01-07 08:00 (Europe/Berlin): year-end closing",
        until="at 2027-01-07 08:00 (Europe/Berlin)",
        let_through="belay override orders/1.3.0 --stage production --comment WHY",
    ),
    "approval": approval_requested(ORDERS, **APPROVAL),
    "approval_reminder": approval_requested(ORDERS, **APPROVAL, reminder=True),
    "findings_appeared": findings_appeared(
        ORDERS,
        findings=[
            "production sg-0c2f IpPermissions[3]: ssh-open: SSH is reachable from the whole Internet: TCP 22 from "
            "0.0.0.0/0. Let only a bastion or a VPN's network in.",
        ],
        known=2,
        grave=True,
        seen_at="2026-03-02T12:00:00.000+00:00",
    ),
    "findings_gone": findings_gone(
        ORDERS,
        gone=["sg-0c2f: ssh-open: SSH is reachable from the whole Internet: TCP 22 from 0.0.0.0/0"],
        left=0,
        seen_at="2026-03-03T12:00:00.000+00:00",
    ),
    "healthy_again": healthy_again(
        "orders",
        "production",
        thread="orders-service-production-0a1b",
        stacks=["orders-service-production is UPDATE_ROLLBACK_COMPLETE"],
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
    "pipeline_failed": pipeline_failed("orders", "production", **PIPELINE, **BUILD),
    "pipeline_failed_deploying": pipeline_failed(
        "orders", "production", **PIPELINE, failure="9a1b", cause=DEPLOYMENT, taken_back=["network", "service"]
    ),
    "pipeline_failed_rolling_back": pipeline_failed(
        "orders", "production", **PIPELINE, failure="9a1c", cause=DEPLOYMENT, by_codepipeline=True
    ),
    "pipeline_recovered": pipeline_recovered(
        "orders",
        "production",
        **PIPELINE,
        incident="orders-production-0f1e2d3c4b5a-5d41ab",
        outcome=Outcome.ROLLED_BACK,
        cause=DEPLOYMENT,
        done=["service: bring the stack back by a change set to its template and parameters of before"],
    ),
    "pipeline_left": pipeline_recovered(
        "orders",
        "production",
        **PIPELINE,
        incident="orders-production-0f1e2d3c4b5a-77aa01",
        outcome=Outcome.NEEDS_OPERATOR,
        cause=DEPLOYMENT,
        left_to_do=["service: the release changed it, and no record says what it was before."],
    ),
    "pipeline_notice": pipeline_notice(
        "orders",
        "production",
        text="The source version 3sL4kqtJlcpXroDTDmJ is in production.",
        severity=Severity.INFO,
        job="11111111-abcd-1111-abcd-111111abcdef",
        execution="12345678-1234-5678-abcd-12345678abcd",
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
    message = release_ended(Outcome.REJECTED, ORDERS, cause=turned, left_to_do=[turned])
    assert not set(turned) & set("\u202e\u2066") & set(message.text)
    assert "approve evil" in message.text


def test_the_first_line_is_one_line_however_much_is_left_to_do() -> None:
    message = release_ended(Outcome.NEEDS_OPERATOR, ORDERS, left_to_do=["x" * 3000, "second", "third"])
    first = message.text.splitlines()[0]
    assert first.endswith("... (2 more below)")
    assert len(first) < 450


def test_an_outcome_closes_what_its_thread_opened() -> None:
    started, failed, ended = (MESSAGES[name] for name in ("started", "recovery_started", "rolled_back"))
    told = [started.key, failed.key, ended.key]
    numbered = in_thread(ended, 3, told)
    assert numbered.data["sequence"] == 3
    assert numbered.data["id"] == f"{THREAD}/3"
    assert numbered.data["closes"] == [1, 2]
    assert numbered.text.endswith(f"\nMessage 3 of the thread {THREAD}, closes 1, 2\n")
    assert in_thread(started, 1, told).data["closes"] == []


def test_a_message_has_one_key_and_others_of_its_thread_have_others() -> None:
    keys = {name: message.key for name, message in MESSAGES.items() if message.thread == THREAD}
    ended = {name for name, key in keys.items() if key == "release-ended/ended"}
    assert ended == {"deployed", "aborted", "rolled_back", "needs_operator", "needs_operator_unknown"}
    others = [key for name, key in keys.items() if name not in ended | {"started", "started_first"}]
    assert len(others) == len(set(others))
    assert deployment_started(ORDERS, changes=["other"]).key != MESSAGES["started"].key


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
    accepted_by_sns(findings_appeared(deployment, findings=findings, known=len(done), grave=True, seen_at=cause))
    accepted_by_sns(in_thread(release_held(deployment, why=cause, until=version), 1, ["release-held/held"]))


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


def test_every_kind_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text()
    assert [kind.value for kind in Kind if f"`{kind.value}`" not in page] == []
