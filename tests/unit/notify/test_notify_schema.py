"""docs/message.schema.json is what programs receive, without fields that are never sent."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sample_messages import MESSAGES, TOPIC

from belay.notify.message import MessageKind, in_thread
from belay.notify.publication import publish_arguments
from belay.notify.thread import Thread
from belay.release.reason import Why

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parents[3] / "docs" / "message.schema.json").read_text())


def document(name: str) -> dict[str, Any]:
    message = MESSAGES[name]
    body = json.loads(publish_arguments(in_thread(message, Thread((message.key,))), TOPIC)["Message"])["sqs"]
    read: dict[str, Any] = json.loads(body)
    return read


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_is_what_the_schema_says(name: str) -> None:
    jsonschema.validate(document(name), SCHEMA, format_checker=jsonschema.FormatChecker())


def named(value: Any, where: str) -> Iterator[str]:
    """The names in a document, each with the part of the schema that describes it."""
    parts = {"cause": "cause", "findings": "finding", "left_to_do": "left_to_do"}
    for name, inner in value.items():
        yield f"{where}.{name}"
        for each in inner if isinstance(inner, list) else [inner]:
            if name in parts and isinstance(each, dict):
                yield from named(each, parts[name])


def test_every_name_of_the_schema_is_in_some_message() -> None:
    sent = {name for message in MESSAGES for name in named(document(message), "message")}
    described = {"message": SCHEMA} | {part: SCHEMA["$defs"][part] for part in ("cause", "finding", "left_to_do")}
    listed = {f"{part}.{name}" for part, schema in described.items() for name in schema["properties"]}
    assert listed == sent


def test_every_kind_of_message_and_of_cause_is_listed() -> None:
    documents = [document(name) for name in MESSAGES]
    assert SCHEMA["properties"]["kind"]["enum"] == list(MessageKind)
    assert {each["kind"] for each in documents} == set(MessageKind)
    cause = SCHEMA["$defs"]["cause"]["properties"]
    assert {each["cause"]["kind"] for each in documents if each["cause"]} == set(cause["kind"]["enum"])
    assert cause["about"]["enum"] == list(Why)
