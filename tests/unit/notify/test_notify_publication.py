"""SNS's limits are met, whatever a message contains."""

import json
from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_messages import EXECUTION, MESSAGES, ORDERS, SSH, TOPIC

from belay.notify.deployment import Deployment
from belay.notify.findings import findings_appeared
from belay.notify.incidents import person_needed
from belay.notify.message import Message, in_thread
from belay.notify.publication import LARGEST_MESSAGE, publish_arguments, told_on
from belay.notify.releases import deployment_started, release_ended, release_held
from belay.notify.thread import Thread
from belay.release.left_to_do import Choice, LeftToDo
from belay.release.reason import PipelineFailure, ReleaseProblems
from belay.release.records import Outcome

TEXT = st.text(max_size=300)
HOSTILE = st.lists(TEXT | st.sampled_from(['"' * 9000, "\\" * 9000, "\n" * 50, "\x00\x1f", "ü€😀" * 3000]), max_size=30)


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
    assert read["sms"].startswith("ROLLED_BACK: orders 1.3.0 in production. orders-service-production is UPDATE_")
    assert len(read["sms"]) <= 140


def test_the_arguments_are_those_of_sns_publish() -> None:
    shape = botocore.session.get_session().get_service_model("sns").operation_model("Publish").input_shape
    for message in MESSAGES.values():
        arguments = publish_arguments(message, TOPIC)
        assert not ParamValidator().validate(arguments, shape).has_errors()
        assert arguments["TopicArn"] == TOPIC
        assert all(value["StringValue"] for value in arguments["MessageAttributes"].values())


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
    todos = [LeftToDo(each, each, each, each, each, (Choice(each, each, each),) * 2) for each in left_to_do]
    reason = PipelineFailure(cause, tuple(findings))
    accepted_by_sns(release_ended(Outcome.NEEDS_OPERATOR, deployment, reason=reason, done=done, left_to_do=todos))
    accepted_by_sns(
        release_ended(Outcome.REJECTED, deployment, reason=ReleaseProblems(tuple(findings)), changed=findings)
    )
    accepted_by_sns(person_needed(deployment, why=cause, left_to_do=todos))
    accepted_by_sns(deployment_started(deployment, changes=findings, replaces={"eu": version}))
    found = [replace(SSH, message=each, fix=each) for each in findings]
    accepted_by_sns(findings_appeared(deployment, findings=found, known=len(done), grave=True, seen_at=cause))
    accepted_by_sns(in_thread(release_held(deployment, why=cause, until=version), Thread(("release-held/held",))))


@pytest.mark.parametrize("filling", ['"', "\\", "€", "a"])
def test_the_largest_message_still_fits_and_keeps_the_way_to_look_closer(filling: str) -> None:
    many = [filling * 3000] * 100
    message = release_ended(
        Outcome.NEEDS_OPERATOR,
        ORDERS,
        what=filling * 3000,
        reason=PipelineFailure(filling * 3000, tuple(many)),
        done=many,
        left_to_do=[LeftToDo(each, each, each, choices=(Choice(each, each),) * 2) for each in many],
        changed=many,
    )
    accepted_by_sns(message)
    assert "describe-execution" in message.text
    assert json.loads(bodies(message)["sqs"])["outcome"] == "NEEDS_OPERATOR"


def test_text_that_is_no_text_is_made_readable() -> None:
    message = release_ended(
        Outcome.REJECTED, Deployment("orders", "1\ud800\n2"), reason=PipelineFailure("a\ud800b", ("\x1b[31mred",))
    )
    accepted_by_sns(message)
    assert message.data["version"] == "1? 2"
    assert message.data["cause"]["what"] == "a?b"
    assert message.data["evidence"] == ["[31mred"]


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ("arn:aws:sns:eu-west-1:111122223333:orders", "arn:aws:sns:eu-west-1:111122223333:orders"),
        ("arn:aws:sns:us-east-1:111122223333:orders", TOPIC),
        ("arn:aws:sns:eu-west-1:444455556666:orders", TOPIC),
        ("arn:aws-cn:sns:eu-west-1:111122223333:orders", TOPIC),
        (None, TOPIC),
    ],
)
def test_an_application_s_own_topic_is_told_where_belay_can_publish_to_it(own: str | None, told: str) -> None:
    assert told_on(own, TOPIC) == told
