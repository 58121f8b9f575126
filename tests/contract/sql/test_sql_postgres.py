"""The model against a real PostgreSQL: random histories, run on a server and replayed, end in the same tables.

``BELAY_HISTORIES`` says how many (30 by default), ``BELAY_SEED`` the first seed (0 by default, so that ``make test``
runs the same histories every time; ``make test-long`` gives another each time).
"""

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace

import pg8000.native
import pytest
from sql_catalog import differences
from sql_histories import Generator
from untraced import untraced

from belay.sql.changes import DatabaseChange, Engine, SourcePlace, SqlStatement
from belay.sql.model import Model
from belay.sql.replay import replay
from local.postgres import Address, connect

HISTORIES = int(os.environ.get("BELAY_HISTORIES", "30"))
FIRST = int(os.environ.get("BELAY_SEED", "0"))
PLACE = SourcePlace("history.sql", 1)


@pytest.fixture
def connection(empty_database: Address) -> Iterator[pg8000.native.Connection]:
    with closing(connect(empty_database)) as opened:
        yield opened


def accepted(statements: list[str], connection: pg8000.native.Connection) -> list[str]:
    """Run a history on an empty schema; return what the server accepted."""
    connection.run("DISCARD ALL")
    for schema in ("public", "app"):
        connection.run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    connection.run("CREATE SCHEMA public")
    found = []
    for statement in statements:
        try:
            connection.run(statement)
        except pg8000.native.DatabaseError:
            with suppress(pg8000.native.DatabaseError):
                connection.run("ROLLBACK")
            if _open(found):
                found.append("ROLLBACK")
        else:
            found.append(statement)
    connection.run("COMMIT")
    return found


def _open(statements: list[str]) -> bool:
    """Whether a transaction is open."""
    words = [statement.split()[0].upper() for statement in statements]
    ends = [number for number, word in enumerate(words) if word in ("BEGIN", "START", "COMMIT", "ROLLBACK")]
    return bool(ends) and words[ends[-1]] in ("BEGIN", "START")


def replayed(statements: list[str]) -> Model:
    """The model after a history. Procedural code, which makes everything unsure, is known to do nothing here."""
    change = DatabaseChange("1", "", PLACE, "0" * 64, tuple(SqlStatement(each, PLACE) for each in statements))
    model = Model(complete=True)
    for step in replay([change], Engine.POSTGRESQL, model):
        model = step.after
    return replace(model, unsure=())


def difference(statements: list[str], connection: pg8000.native.Connection) -> list[str]:
    """Where the model differs from the server after a history."""
    return differences(replayed(accepted(statements, connection)), connection)


def shrunken(statements: list[str], connection: pg8000.native.Connection) -> list[str]:
    """The history without parts that are not needed for a difference."""
    at = 0
    while at < len(statements):
        fewer = statements[:at] + statements[at + 1 :]
        if difference(fewer, connection):
            statements = fewer
        else:
            at += 1
    return statements


@untraced
def test_random_histories_end_in_the_same_tables(connection: pg8000.native.Connection) -> None:
    sure = 0
    for seed in range(FIRST, FIRST + HISTORIES):
        statements = Generator(seed).statements()
        if difference(statements, connection):
            fewest = accepted(shrunken(statements, connection), connection)
            found = "\n".join(differences(replayed(fewest), connection))
            pytest.fail(f"BELAY_SEED={seed}\n" + ";\n".join(fewest) + f"\n\n{found}")
        sure += sum(not table.unsure for table in replayed(accepted(statements, connection)).tables.values())
    assert sure > HISTORIES, "the model is unsure of nearly everything"
