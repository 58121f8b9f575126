"""The reference executors pass the protocol's suite, and every document matches docs/executor.schema.json."""

import ast
import contextlib
import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from enum import Enum
from typing import Any

import jsonschema
import pytest
from modules import ROOT
from postgres_world import World

from belay.database import executor as protocol
from belay.database.executor import DatabaseAddress, StoredDocument
from belay.sql.changes import Engine, Format
from local.postgres import Address
from packs.executors.serving import answered
from packs.executors.suite import MOST_LOOKS, Broken, Suite, checks

SCHEMA: dict[str, Any] = json.loads((ROOT / "docs" / "executor.schema.json").read_text())
DATABASE = DatabaseAddress(Engine.POSTGRESQL, "instance", "orders-db", "orders-db.example.com", 5432)
KINDS = {"Engine": Engine, "Format": Format}


def validated(document: Any, kind: str) -> Any:
    jsonschema.validate(document, {**SCHEMA, "anyOf": [{"$ref": f"#/$defs/{kind}"}]})
    return document


def test_postgresql_holds_the_protocol(empty_database: Address) -> None:
    world = World(empty_database)

    def send(request: Any) -> Any:
        kind = "Look" if request["request"] == "status" else "Begin"
        if request["schema"] == 1:
            validated(json.loads(json.dumps(request)), kind)
        return validated(
            json.loads(json.dumps(answered(request, world.executor(), world.documents))), "OperationAnswer"
        )

    def put(name: str, data: bytes) -> StoredDocument:
        if not name.endswith(".sql"):
            validated(json.loads(data), "ChangeDocument")
        return world.objects.put(data)

    suite = Suite(send, put, world.database, Format.PLAIN, world.work, "abc123")
    for check in checks(suite).values():
        check()
    assert world.record()[-1][1] == "FAILED"


def test_the_suite_has_checks() -> None:
    tree = ast.parse((ROOT / "packs" / "executors" / "suite.py").read_text())
    written = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name[:6] == "check_"]
    suite = Suite(print, print, None, Format.PLAIN, print, "x")  # type: ignore[arg-type]
    assert len(checks(suite)) == len(written) == 10


def dataclasses_of_the_schema() -> Iterator[tuple[str, Any]]:
    for name, described in SCHEMA["$defs"].items():
        yield name, (getattr(protocol, name, None) or KINDS[name], described)


@pytest.mark.parametrize(("name", "found"), dataclasses_of_the_schema())
def test_the_schema_says_what_the_code_reads(name: str, found: tuple[Any, dict[str, Any]]) -> None:
    kind, described = found
    if issubclass(kind, Enum):
        assert described["enum"] == [each.value for each in kind]
        return
    of_the_protocol = {"schema"} if name in ("Begin", "OperationAnswer", "ChangeDocument") else set()
    of_the_protocol |= {"schema", "request"} if name == "Look" else set()
    required = {each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING}
    assert set(described["properties"]) == {each.name for each in fields(kind)} | of_the_protocol
    assert set(described["required"]) == required | of_the_protocol


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("Begin", {"schema": 1, "request": "apply", "token": "t"}),
        ("OperationAnswer", {"schema": 1, "operation": "t", "state": "DONE"}),
        ("Look", {"schema": 2, "request": "status", "operation": "t"}),
    ],
)
def test_the_schema_refuses_what_is_no_part_of_the_protocol(kind: str, document: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validated(document, kind)


def test_an_executor_that_does_nothing_breaks_the_protocol() -> None:
    def send(request: Any) -> Any:
        return {"schema": 1, "operation": request.get("token", ""), "state": "SUCCEEDED"}

    suite = Suite(send, lambda name, data: StoredDocument("b", name, "v", "0" * 64), DATABASE, Format.PLAIN, print, "1")
    held = []
    for name, check in checks(suite).items():
        with contextlib.suppress(Broken):
            check()
            held.append(name)
    assert held == []


def test_an_executor_that_never_ends_breaks_the_protocol() -> None:
    def send(request: Any) -> Any:
        return {"schema": 1, "operation": request.get("token", request.get("operation")), "state": "RUNNING"}

    waits: list[None] = []
    suite = Suite(send, StoredDocument, DATABASE, Format.PLAIN, lambda: waits.append(None), "1")  # type: ignore[arg-type]
    with pytest.raises(Broken, match=f"expected 1-profile-0 to end within {MOST_LOOKS} looks"):
        suite.check_a_profile_says_what_is_recorded()
    assert len(waits) == MOST_LOOKS
