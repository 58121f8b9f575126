"""The input of Amazon Q Developer in chat applications: the custom notification format, within limits."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_messages import APPROVAL, MESSAGES, TOPIC

from belay.errors import InvalidEvent
from belay.events.sns import Notification
from belay.notify.approvals import approval_requested
from belay.notify.chat import chat_message
from belay.notify.deployment import Deployment
from belay.notify.message import Message, in_thread
from belay.notify.publication import publish_arguments
from belay.notify.releases import release_ended
from belay.notify.thread import Thread
from belay.release.left_to_do import LeftToDo
from belay.release.reason import PipelineFailure, ReleaseProblems
from belay.release.records import Outcome

SAMPLE = json.loads((Path(__file__).parents[3] / "events" / "aws.sns" / "notification.json").read_text())
TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["version", "source", "content"],
    "additionalProperties": False,
    "properties": {
        "version": {"const": "1.0"},
        "source": {"const": "custom"},
        "id": TEXT,
        "content": {
            "type": "object",
            "required": ["description"],
            "additionalProperties": False,
            "properties": {
                "textType": {"const": "client-markdown"},
                "title": {"type": "string", "maxLength": 200},
                "description": {"type": "string", "minLength": 1, "maxLength": 2400},
                "nextSteps": {"type": "array", "maxItems": 5, "items": {"type": "string", "maxLength": 1500}},
                "keywords": TEXTS,
            },
        },
        "metadata": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "threadId": TEXT,
                "summary": {"type": "string", "maxLength": 300},
                "eventType": TEXT,
                "relatedResources": TEXTS,
                "additionalContext": {"type": "object", "additionalProperties": TEXT},
            },
        },
    },
}
"""The format's names and types (https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html)."""


def relayed(message: Message) -> dict[str, Any]:
    body = json.loads(publish_arguments(in_thread(message, Thread((message.key,))), TOPIC)["Message"])["lambda"]
    read: dict[str, Any] = json.loads(chat_message(body))
    jsonschema.validate(read, SCHEMA)
    return read


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_fits_the_format(name: str) -> None:
    told = relayed(MESSAGES[name])
    assert told["metadata"]["threadId"] == MESSAGES[name].thread
    assert told["metadata"]["eventType"] == MESSAGES[name].data["kind"]
    assert told["content"]["title"].endswith(MESSAGES[name].subject)


def test_a_failure_reads_like_this() -> None:
    told = relayed(MESSAGES["needs_operator"])
    assert told["content"]["title"] == ":rotating_light: NEEDS_OPERATOR: orders 1.3.0 in production"
    left = "service: decide how its rollback ends: continuing its rollback was tried 2 times, and it is still "
    left += "UPDATE_ROLLBACK_FAILED."
    assert told["content"]["description"].splitlines()[0].startswith(f"*Do this now: {left}")
    assert "• orders-service-production is UPDATE_ROLLBACK_IN_PROGRESS: Tasks/" in told["content"]["description"]
    command = "aws cloudformation continue-update-rollback --stack-name orders-service-production"
    assert told["content"]["nextSteps"][:4] == [
        left,
        f"fix the cause, then continue the rollback; nothing is lost: `{command}`",
        "leave it; nothing is lost, but no release can update the stack until then",
        "`belay show orders/1.3.0`",
    ]
    assert told["content"]["keywords"] == ["orders", "production"]
    assert told["metadata"]["additionalContext"]["outcome"] == "NEEDS_OPERATOR"
    assert told["id"].endswith("/1")


def test_messages_of_one_release_stand_in_one_thread() -> None:
    names = ("started", "recovery_started", "rolled_back")
    assert len({relayed(MESSAGES[name])["metadata"]["threadId"] for name in names}) == 1
    foreign = MESSAGES["foreign_left"]
    assert relayed(foreign)["metadata"]["relatedResources"] == [foreign.data["stack_id"]]


def test_nobody_can_mention_a_channel_through_a_message() -> None:
    message = release_ended(
        Outcome.REJECTED, Deployment("orders", "<!channel>"), reason=ReleaseProblems(("<@U123> & <!here>",))
    )
    told = json.dumps(relayed(message))
    assert "<!" not in told
    assert "<@" not in told
    assert "&lt;!here&gt;" in told


@pytest.mark.parametrize(
    "body", ['{"AlarmName": "belay-DeadLetters", "NewStateValue": "ALARM"}', "no JSON", "[1]", '"text"', "null", ""]
)
def test_what_is_not_ours_is_handed_on_as_it_is(body: str) -> None:
    assert chat_message(body) == body


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=4000), st.lists(st.text(max_size=2000), max_size=40))
def test_whatever_is_in_a_message_fits(text: str, lines: list[str]) -> None:
    deployment = Deployment("orders", text or "x", "production", thread=text)
    todos = [LeftToDo(line, line, line, line, line) for line in lines]
    reason = PipelineFailure(text, tuple(lines))
    relayed(release_ended(Outcome.NEEDS_OPERATOR, deployment, reason=reason, done=lines, left_to_do=todos))
    relayed(release_ended(Outcome.REJECTED, deployment, reason=ReleaseProblems(tuple(lines))))


def test_the_sample_is_what_sns_hands_over() -> None:
    notification = Notification.from_event(SAMPLE)
    assert notification.subject == "ROLLED_BACK: orders 1.3.0 in production"
    assert json.loads(chat_message(notification.message))["metadata"]["threadId"] == "orders-0f1e2d3c4b5a"


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Records": ["x"]}, {"Records": [{"Sns": {"Message": 1}}]}])
def test_what_sns_does_not_hand_over_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent, match=r"Records|Sns"):
        Notification.from_event(event)


def test_a_link_that_answers_arrives_whole() -> None:
    link = f"https://{'a' * 32}.lambda-url.eu-west-1.on.aws/?token={'b' * 700}.{'c' * 43}"
    asked = {**APPROVAL, "answers": [*APPROVAL["answers"], LeftToDo("", f"Without the command: open {link}")]}
    told = relayed(approval_requested(Deployment("orders", "1.3.0", "production"), **asked))
    assert any(step.endswith(link) for step in told["content"]["nextSteps"])
