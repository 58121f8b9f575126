"""Flyway's migrations: names, order, placeholders, and the configuration of one script."""

from hashlib import sha256

import pytest

from belay.errors import UnreadableChanges
from belay.sql.changes import DatabaseChange, Engine, Format
from belay.sql.operations import NotUnderstood
from belay.sql.reading import format_of, read_changes


def read(files: dict[str, str], **placeholders: str) -> tuple[DatabaseChange, ...]:
    encoded = {f"db/{name}": text.encode() for name, text in files.items()}
    return read_changes(encoded, "db", Engine.POSTGRESQL, placeholders=placeholders)


def texts(change: DatabaseChange) -> list[str]:
    return [each.text for each in change.statements]


def reasons(change: DatabaseChange) -> list[str]:
    return [
        each.reason for one in change.statements for each in one.operations or () if isinstance(each, NotUnderstood)
    ]


def test_versions_come_by_their_numbers_and_repeatable_ones_last_by_their_descriptions() -> None:
    names = ["R__b.sql", "V1.10__x.sql", "V1.9__x.sql", "V2__x.sql", "sub/V1_9_1__x.sql", "R__a.sql", "V0001__x.sql"]
    changes = read(dict.fromkeys(names, "a"))
    assert [each.id for each in changes] == ["0001", "1.9", "1.9.1", "1.10", "2", "R__a", "R__b"]
    assert [each.repeatable for each in changes] == [False] * 5 + [True] * 2


def test_other_names_are_passed_over_as_flyway_does() -> None:
    assert [each.id for each in read({"V1__x.sql": "a", "rollback/1.0__x.sql": "'", "helpers.sql": "'"})] == ["1"]


def test_an_undo_belongs_to_its_version() -> None:
    first, second = read({"V1__x.sql": "a", "V2.0__x.sql": "b", "U2__y.sql": "undo b;"})
    assert first.undo is None
    assert [each.text for each in second.undo or ()] == ["undo b"]


def test_placeholders_are_put_in_before_the_text_is_split_and_places_stay() -> None:
    (change,) = read(
        {"V1__x.sql": "a ${Table};\n'${text}' ${two} c; d ${flyway:filename}"}, table="t", text="it''s;", two="x;\ny"
    )
    assert texts(change) == ["a t", "'it''s;' x", "y c", "d V1__x.sql"]
    assert [(each.place.line, each.place.column) for each in change.statements] == [(1, 1), (2, 1), (2, 11), (2, 21)]


def test_the_values_of_placeholders_decide_the_digest() -> None:
    (one,), (other,) = (read({"V1__x.sql": "a ${t}"}, t=value, unused="x") for value in ("b", "c"))
    assert one.digest != other.digest
    (plain,) = read({"V1__x.sql": "a"}, t="x")
    assert plain.digest == sha256(b"a").hexdigest()


def test_a_placeholder_without_a_value_is_not_understood() -> None:
    (change,) = read({"V1__x.sql": "a; b ${x}; c"})
    assert [bool(each.operations) for each in change.statements] == [False, True, False]
    assert reasons(change) == ["${x} has no value"]


def test_a_script_is_configured_beside_it() -> None:
    files = {
        "V1__x.sql": "a ${b}",
        "V1__x.sql.conf": "# why\nexecuteInTransaction=false\nplaceholderReplacement=false\n",
    }
    (change,) = read(files)
    assert (change.transactional, reasons(change)) == (False, [])
    (other,) = read({**files, "V1__x.sql.conf": "executeInTransaction=true"})
    assert other.digest != change.digest


def test_what_is_not_known_of_a_configuration_is_not_understood() -> None:
    (change,) = read({"V1__x.sql": "a", "V1__x.sql.conf": "encoding=UTF-8\nencoding=latin1\nshouldExecute=false"})
    assert reasons(change) == [
        "the script's configuration says 'encoding=latin1'",
        "the script's configuration says 'shouldExecute=false'",
    ]


def test_a_migration_that_is_a_program_is_not_understood() -> None:
    _, change = read({"V1__x.sql": "a", "V2__y.java": "class V2__y {}"})
    assert reasons(change) == ["it is a program, and no SQL"]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (
            ["V1__a.sql", "V1.0__b.sql"],
            "db/V1__a.sql: expected each version and description once, found db/V1.0__b",
        ),
        (["R__a.sql", "x/R__a.sql"], "db/x/R__a.sql: expected each version and description once"),
        (["V1__a.sql", "U2__b.sql"], "db/U2__b.sql: expected the migration V2 that it undoes"),
        (["V1__a.sql", "V__b.sql"], "db/V__b.sql: expected V<version>__<name>.sql"),
        (["V1__a.sql", "R1__b.sql"], "db/R1__b.sql: expected V<version>__<name>.sql"),
        (["V1__a.sql", "v2__b.sql"], "db/v2__b.sql: expected V<version>__<name>.sql"),
        (["V1__a.sql", "afterMigrate.sql"], "db/afterMigrate.sql: expected V<version>__<name>.sql"),
        (["V1__a.sql", "B2__b.sql"], "db/B2__b.sql: expected V<version>__<name>.sql"),
        (["V1__a.sql", "V3__b.sql.conf"], "db/V3__b.sql.conf: expected V<version>__<name>.sql"),
    ],
)
def test_what_cannot_be_read_is_refused(files: list[str], problem: str) -> None:
    with pytest.raises(UnreadableChanges) as refused:
        read(dict.fromkeys(files, "a"))
    assert refused.value.problems[0].startswith(problem)


@pytest.mark.parametrize(("name", "expected"), [("0001-a.sql", Format.PLAIN), ("V1__a.sql", Format.FLYWAY)])
def test_names_tell_the_format(name: str, expected: Format) -> None:
    assert format_of({f"db/{name}": b""}, "db") is expected
