"""docs/command-output/ describes the commands' JSON output, and stays compatible with the last release.

tests/golden/command_output holds the schemas published with the last version; each version replaces them.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from command_output import OTHER_FORMS, SCHEMAS

from cli.commands import COMMANDS, loaded

PUBLISHED = Path(__file__).parents[2] / "golden" / "command_output"
NAMES = sorted(path.name for path in SCHEMAS.iterdir())
TOLD = ("title", "description")


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def lost(before: Any, now: Any, where: str = "") -> Iterator[str]:
    """What a program may rely on that read the earlier output: names, types, required fields."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name, value in before.items():
            if name not in now:
                yield f"{where}/{name}"
            elif name not in TOLD or where.endswith("/properties"):
                yield from lost(value, now[name], f"{where}/{name}")
    elif isinstance(before, list) and isinstance(now, list) and where.endswith(("/required", "/enum")):
        yield from (f"{where}/{value}" for value in before if value not in now)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (value, other) in enumerate(zip(before, now, strict=True)):
            yield from lost(value, other, f"{where}/{number}")
    elif before != now:
        yield where


def test_each_schema_is_one_and_belongs_to_a_command_with_json() -> None:
    with_json = {"-".join(words) for words in COMMANDS if any(each.name == "output" for each in json_options(words))}
    others = {path.name for path in OTHER_FORMS.values()}
    assert {name.removesuffix(".schema.json") for name in NAMES if name not in others} == with_json
    for name in NAMES:
        jsonschema.Draft202012Validator.check_schema(read(SCHEMAS / name))


def json_options(words: tuple[str, ...]) -> list[Any]:
    return [each for each in loaded(words).params if "json" in getattr(each.type, "choices", ())]


@pytest.mark.parametrize("name", sorted(path.name for path in PUBLISHED.iterdir()))
def test_what_was_published_is_still_printed(name: str) -> None:
    assert name in NAMES
    assert list(lost(read(PUBLISHED / name), read(SCHEMAS / name))) == []


BEFORE: dict[str, Any] = {
    "type": "object",
    "required": ["stage"],
    "properties": {
        "stage": {"type": "string"},
        "since": {"type": ["string", "null"]},
        "state": {"enum": ["open", "closed"]},
        "description": {"type": "string"},
        "left": {"type": "array", "items": {"type": "object", "properties": {"stack": {"type": "string"}}}},
    },
}


def changed(**properties: Any) -> dict[str, Any]:
    return {**BEFORE, "properties": {**BEFORE["properties"], **properties}}


@pytest.mark.parametrize(
    ("now", "missing"),
    [
        (changed(more={"type": "integer"}), []),
        (changed(state={"enum": ["open", "waiting", "closed"], "description": "now told"}), []),
        ({**BEFORE, "required": ["stage", "since"]}, []),
        ({**BEFORE, "required": []}, ["/required/stage"]),
        (changed(stage={"type": ["string", "null"]}), ["/properties/stage/type"]),
        (changed(stage={"type": "integer"}), ["/properties/stage/type"]),
        (changed(description={"type": "integer"}), ["/properties/description/type"]),
        (changed(since={"type": ["integer", "null"]}), ["/properties/since/type/0"]),
        (changed(state={"enum": ["open"]}), ["/properties/state/enum/closed"]),
        (
            changed(left={"type": "array", "items": {"type": "object", "properties": {}}}),
            ["/properties/left/items/properties/stack"],
        ),
        ({"type": "object", "required": ["stage"]}, ["/properties"]),
    ],
)
def test_names_may_come_but_not_go_or_mean_something_else(now: dict[str, Any], missing: list[str]) -> None:
    assert list(lost(BEFORE, now)) == missing
