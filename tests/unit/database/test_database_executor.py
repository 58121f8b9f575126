"""The executor's protocol: each document survives a round trip, and protocol violations are refused."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from belay.database.executor import (
    Ask,
    Begin,
    ChangeDocument,
    ChangeError,
    ChangeOutcome,
    ChangeResult,
    DatabaseAddress,
    HandedChange,
    HandedStatement,
    LockTaken,
    Look,
    OperationAnswer,
    OperationState,
    Profile,
    QueryPlanned,
    QuerySeen,
    RecordedChange,
    ReleaseFile,
    RowsTouched,
    StoredDocument,
    TableSize,
    UndoRehearsed,
    encoded,
    read_answer,
    read_changes,
    read_request,
    written,
)
from belay.errors import UnknownSchema, UnreadableRecord
from belay.sql.changes import DatabaseChange, Engine, Format, SourcePlace, SqlStatement
from belay.sql.operations import DropTable, Name

DATABASE = DatabaseAddress(Engine.POSTGRESQL, "instance", "orders-db", "orders-db.example.com", 5432, "orders")
CHANGES = ChangeDocument(
    application="orders",
    stage="test",
    release="1.4.0",
    attempt="0123456789ab",
    format=Format.PLAIN,
    directory="db",
    changes=(
        HandedChange(
            id="0001-orders",
            author="ada",
            path="db/0001-orders.sql",
            digest="0" * 64,
            statements=(HandedStatement("CREATE TABLE orders (id bigint)", "db/0001-orders.sql", 1),),
            undo=(HandedStatement("DROP TABLE orders", "db/0001-orders.undo.sql", 1),),
        ),
    ),
    files=(ReleaseFile("db/0001-orders.sql", StoredDocument("artifacts", "attempts/orders/x", "v1", "1" * 64)),),
    placeholders={"schema": "public"},
    queries=("SELECT * FROM orders WHERE id = $1",),
)


def stored(data: bytes) -> StoredDocument:
    return StoredDocument("artifacts", "attempts/orders/x/changes.json", "v1", hashlib.sha256(data).hexdigest())


BEGIN = Begin(Ask.APPLY, "orders-x-test-orders-db", DATABASE, stored(encoded(CHANGES)), expected_seconds=12)
ANSWER = OperationAnswer(
    operation="orders-x",
    state=OperationState.FAILED,
    reason="0001-orders failed",
    changes=(
        ChangeResult(
            id="0001-orders",
            digest="0" * 64,
            outcome=ChangeOutcome.FAILED,
            started="2026-01-01T00:00:00Z",
            ended="2026-01-01T00:00:01Z",
            error=ChangeError("null value in column", "23502", "db/0001-orders.sql", 1, 1),
            seconds=0.5,
            locks=(LockTaken("public.orders", "AccessExclusiveLock"),),
            rewritten=("public.orders",),
            rows=(RowsTouched("public.orders", inserted=3),),
            undo=UndoRehearsed(restored=True, seconds=0.1),
        ),
    ),
    profile=Profile(
        version="PostgreSQL 18.6",
        recorded=(
            RecordedChange(
                "0001-orders", "ada", "db/0001-orders.sql", 1, "0" * 64, "1.4.0", "x", "", "", ChangeOutcome.APPLIED
            ),
        ),
        model={"tables": []},
        sizes=(TableSize("public.orders", 3, 8192),),
        queries=(QuerySeen("SELECT $1", 4, 0.25),),
    ),
    queries=(QueryPlanned("SELECT $1", 1.5, 2.5),),
)


def through_json(document: dict[str, Any]) -> Any:
    return json.loads(json.dumps(document))


@pytest.mark.parametrize("asked", [BEGIN, replace(BEGIN, request=Ask.PROFILE, changes=None), Look("op", DATABASE)])
def test_a_request_is_read_as_it_was_written(asked: Begin | Look) -> None:
    assert read_request(through_json(written(asked))) == asked


def test_an_answer_is_read_as_it_was_written() -> None:
    assert read_answer(through_json(written(ANSWER))) == ANSWER


def test_an_answer_that_quotes_a_password_does_not_show_it() -> None:
    answered = {
        "schema": 1,
        "operation": "1",
        "state": "FAILED",
        "reason": "near \"IDENTIFIED BY 'hunter2'\"",
        "changes": [
            {"id": "1", "digest": "0", "outcome": "FAILED", "error": {"message": "at PASSWORD 'hunter2' VALID"}}
        ],
    }

    assert "hunter2" not in repr(read_answer(answered))


def test_a_change_document_is_read_as_it_was_written() -> None:
    data = encoded(CHANGES)
    assert read_changes(data, stored(data)) == CHANGES


def test_a_change_is_handed_over_with_the_places_of_its_statements() -> None:
    place = SourcePlace("db/a.sql", 3, 5)
    change = DatabaseChange("a", "ada", place, "0" * 64, (SqlStatement("SELECT 1", place),), undo=())
    assert HandedChange.of(change).statements == (HandedStatement("SELECT 1", "db/a.sql", 3, 5),)
    assert (HandedChange.of(change).undo, HandedChange.of(replace(change, undo=None)).undo) == ((), None)


def test_a_change_type_is_no_sql() -> None:
    place = SourcePlace("db/changelog.xml", 7)
    statement = SqlStatement("dropTable", place, (DropTable(Name("orders")),))
    assert HandedStatement.of(statement).text is None


def test_how_long_it_may_take_is_no_part_of_what_is_asked() -> None:
    assert replace(BEGIN, expected_seconds=None, token="another").content == BEGIN.content
    assert replace(BEGIN, request=Ask.UNDO).content != BEGIN.content
    assert replace(BEGIN, database=replace(DATABASE, identifier="copy")).content != BEGIN.content


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "request: expected an object, found list"),
        ({"request": "apply"}, "request: schema: expected 1, found None"),
        ({"schema": True, "request": "apply"}, "request: schema: expected 1, found True"),
        ({**written(BEGIN), "request": "drop"}, "request: request: expected Ask, found 'drop'"),
        ({**written(BEGIN), "token": ""}, "request: token: expected 1 to 128 characters, found 0"),
        ({**written(BEGIN), "changes": None}, "request: changes: expected a stored document with apply"),
        ({**written(BEGIN), "request": "profile"}, "request: changes: expected none with profile"),
        ({"schema": 1, "request": "status"}, "request: expected operation, found none: it is damaged"),
    ],
)
def test_a_request_that_is_none_is_refused_in_words(document: object, problem: str) -> None:
    with pytest.raises(UnreadableRecord) as refused:
        read_request(document)
    assert str(refused.value) == problem


def test_a_newer_protocol_is_refused() -> None:
    with pytest.raises(UnknownSchema, match="answer has schema 2, and this Belay reads up to 1"):
        read_answer({**written(ANSWER), "schema": 2})


def test_a_change_document_must_have_the_digest_that_was_named() -> None:
    data = encoded(CHANGES)
    with pytest.raises(UnreadableRecord, match="expected the SHA-256"):
        read_changes(data + b" ", stored(data))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\xff", "expected JSON"),
        (b"[]", "expected an object, found list"),
        (encoded(replace(CHANGES, changes=CHANGES.changes * 2)), "expected each change once, found 0001-orders twice"),
    ],
)
def test_a_change_document_that_is_none_is_refused_in_words(data: bytes, problem: str) -> None:
    with pytest.raises(UnreadableRecord, match=problem):
        read_changes(data, stored(data))
