"""Plain changes, and files that are run by themselves."""

from hashlib import sha256

import pytest

from belay.errors import UnreadableChanges
from belay.sql.changes import DatabaseChange, Engine, SourcePlace
from belay.sql.reading import read_changes, read_files

ENGINE = Engine.POSTGRESQL


def read(files: dict[str, str]) -> tuple[DatabaseChange, ...]:
    return read_changes({f"changes/{name}": text.encode() for name, text in files.items()}, "changes", ENGINE)


def refused(files: dict[str, bytes]) -> list[str]:
    with pytest.raises(UnreadableChanges) as found:
        read_changes(files, "changes", ENGINE)
    return found.value.problems


def test_changes_come_in_the_order_of_their_numbers() -> None:
    changes = read({"0010-c.sql": "c", "2-b.sql": "b", "0001_a.sql": "a", "README.md": "words", ".gitkeep": ""})
    assert [each.id for each in changes] == ["0001_a", "2-b", "0010-c"]


def test_a_change_is_its_file() -> None:
    (change,) = read({"0001-a.sql": "-- why\na;\nb;"})
    assert change.digest == sha256(b"-- why\na;\nb;").hexdigest()
    assert change.place == SourcePlace("changes/0001-a.sql", 1)
    assert [(each.text, each.place.line) for each in change.statements] == [("a", 2), ("b", 3)]
    assert (change.undo, change.transactional, change.repeatable) == (None, True, False)


def test_what_undoes_a_change_stands_beside_it() -> None:
    first, second = read(
        {"0001-a.sql": "a", "0001-a.undo.sql": "drop a", "0002-b.sql": "b", "0002-b.undo.sql": "-- no"}
    )
    assert [each.text for each in first.undo or ()] == ["drop a"]
    assert second.undo == ()


@pytest.mark.parametrize(
    ("text", "transactional"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (a)", False),
        ("SET lock_timeout = '1s'; DROP INDEX CONCURRENTLY i;", False),
        ("VACUUM t", False),
        ("CREATE INDEX CONCURRENTLY i ON t (a); ALTER TABLE t ADD b int", True),
        ("CREATE INDEX i ON t (a)", True),
        ("", True),
    ],
)
def test_what_postgresql_refuses_in_a_transaction_is_run_outside_of_one(text: str, *, transactional: bool) -> None:
    (change,) = read({"0001-a.sql": text})
    assert change.transactional is transactional


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"changes/0001-a.sql": b"\xff"}, "changes/0001-a.sql:1:1: expected UTF-8, found the byte 0xff"),
        ({"changes/0001-a.sql": b"a\n \x80"}, "changes/0001-a.sql:2:2: expected UTF-8"),
        ({"changes/0001-a.sql": b"a\0"}, "changes/0001-a.sql:1:1: expected text, found a zero character"),
        ({"changes/0001-a.sql": b" " * 20_000_001}, "changes/0001-a.sql:1:1: expected at most 20,000,000 bytes"),
        ({"changes/0001-a.sql": b"a", "changes/1-b.sql": b"b"}, "changes/1-b.sql: expected each number once"),
        ({"changes/a.sql": b"a"}, "changes/a.sql: expected NNNN-name.sql"),
        ({"changes/x/0001-a.sql": b"a"}, "changes/x/0001-a.sql: expected NNNN-name.sql"),
        ({"changes/0001-a.undo.sql": b"a"}, "changes/0001-a.undo.sql: expected the change 0001-a.sql beside"),
        ({"changes/../0001-a.sql": b"a"}, "'changes/../0001-a.sql': expected a path without"),
        ({"changes/x\\0001-a.sql": b"a"}, "'changes/x\\\\0001-a.sql': expected a path without"),
        ({"other/0001-a.sql": b"a"}, "changes: expected files of database changes, found none"),
        (
            {f"changes/{each}-a.sql": b" " * 13_000_000 for each in range(4)},
            "changes: expected at most 50,000,000 bytes",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(files: dict[str, bytes], problem: str) -> None:
    assert refused(files)[0].startswith(problem)


def test_the_problems_of_every_file_are_told() -> None:
    problems = refused(
        {"changes/1-a.sql": b"'", "changes/2-b.sql": b"\xff", "changes/3-c.sql": b"\\q", "changes/d.sql": b""}
    )
    assert sorted(each.split(":")[0] for each in problems) == [
        "changes/1-a.sql",
        "changes/2-b.sql",
        "changes/3-c.sql",
        "changes/d.sql",
    ]


def test_files_by_themselves_are_read_in_their_order_under_any_name() -> None:
    changes = read_files({"b.sql": b"b;", "/somewhere/a.sql": b"CREATE INDEX CONCURRENTLY i ON t (a); c"}, ENGINE)
    assert [(each.id, each.transactional) for each in changes] == [("b.sql", True), ("/somewhere/a.sql", False)]


def test_a_placeholder_before_a_dot_is_a_schema_of_its_name_in_a_file_alone() -> None:
    (change,) = read_files(
        {"V1__x.sql": b"ALTER TABLE ${Sales}.orders ADD a int;\nSELECT ${other};"}, Engine.POSTGRESQL
    )
    assert [each.text for each in change.statements] == ["ALTER TABLE Sales.orders ADD a int", "SELECT ${other}"]
    assert [(each.place.line, each.place.column) for each in change.statements] == [(1, 1), (2, 1)]
