"""The executor of any engine: the tools' output, how operations are stored, and the protocol's suite."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from postgres_world import BUCKET, Objects, change, document

from belay.database.executor import (
    Ask,
    Begin,
    ChangeDocument,
    ChangeError,
    DatabaseAddress,
    Look,
    OperationAnswer,
    ReleaseFile,
    StoredDocument,
    encoded,
    read_answer,
    written,
)
from belay.sql.changes import Engine, Format
from local.postgres import Address
from packs.any_engine import jdbc
from packs.any_engine.app import environment, made, run_tool, write_files
from packs.any_engine.executor import MOST_BUILDS, ToolExecutor
from packs.any_engine.operations import Operations
from packs.any_engine.tools import Applied, Flyway, Liquibase, Problem, Tool, ToolFault, ToolOutput
from packs.executors.serving import ChangeDocuments, RefusedRequest, answered
from packs.executors.suite import Suite, checks

STAND_IN = Path(__file__).with_name("stand_in_liquibase.py")
REAL = os.environ.get("BELAY_LIQUIBASE", "")
"""The real Liquibase's command, with which the suite is then run on PostgreSQL."""

DATABASE = DatabaseAddress(Engine.POSTGRESQL, "instance", "orders-db", "orders-db.example.com", 5432, "orders")


@pytest.fixture
def operations(monkeypatch: pytest.MonkeyPatch) -> Iterator[Operations]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        client.create_table(
            TableName="operations",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        )
        yield Operations(client, "operations")


@dataclass
class World:
    """The executor, and its builds, which are held until released."""

    operations: Operations
    tool: Callable[[ChangeDocument | None, Path], Tool]
    directory: Path
    database: DatabaseAddress = DATABASE
    objects: Objects = field(default_factory=Objects)
    builds: dict[str, str] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    full: bool = False

    def executor(self, *, undoes: bool = True) -> ToolExecutor:
        return ToolExecutor(
            self.operations, self.documents, undoes, self.start, lambda build_id: build_id in self.running
        )

    @property
    def documents(self) -> ChangeDocuments:
        return ChangeDocuments(lambda: self.objects, BUCKET)

    def start(self, operation: str) -> str:
        if self.full:
            return ""
        name = f"build-{len(self.builds)}"
        self.builds[name] = operation
        self.running.add(name)
        return name

    def make(self, asked: Begin, handed: ChangeDocument | None) -> Tool:
        if handed is not None:
            write_files(self.documents, handed, self.directory)
        return self.tool(handed, self.directory)

    def work(self) -> None:
        """Let the builds do their work."""
        for build in sorted(self.running):
            self.running.discard(build)
            self.executor().work(self.builds[build], self.make, "liquibase")

    def ask(self, asked: Begin | Look, *, undoes: bool = True) -> OperationAnswer:
        return read_answer(answered(written(asked), self.executor(undoes=undoes), self.documents))

    def begin(self, ask: Ask, handed: ChangeDocument | None, token: str) -> OperationAnswer:
        stored = None if handed is None else self.objects.put(encoded(handed))
        return self.ask(Begin(ask, token, self.database, stored))

    def run(self, ask: Ask, handed: ChangeDocument | None, token: str) -> OperationAnswer:
        self.begin(ask, handed, token)
        self.work()
        return self.ask(Look(token, self.database))


def liquibase(command: str, url: str, user: str = "", password: str = "", **variables: str) -> Any:
    def tool(handed: ChangeDocument | None, directory: Path) -> Tool:
        known = {**environment("liquibase", url, user, password), **variables}
        return made("liquibase", partial(run_tool, command, directory, known), handed)

    return tool


@pytest.fixture
def world(operations: Operations, tmp_path: Path) -> World:
    return World(operations, liquibase(str(STAND_IN), f"jdbc:file:{tmp_path / 'table'}"), tmp_path / "release")


def suite(world: World) -> Suite:
    def send(request: Any) -> Any:
        return json.loads(json.dumps(answered(request, world.executor(), world.documents)))

    def put(name: str, data: bytes) -> StoredDocument:
        return world.objects.put(data)

    return Suite(send, put, world.database, Format.LIQUIBASE, world.work, "abc123")


def test_it_holds_the_protocol_with_a_stand_in(world: World) -> None:
    for check in checks(suite(world)).values():
        check()


@pytest.mark.skipif(not REAL, reason="BELAY_LIQUIBASE does not name the command of a real Liquibase")
def test_it_holds_the_protocol_with_liquibase(operations: Operations, empty_database: Address, tmp_path: Path) -> None:
    to = empty_database
    url = f"jdbc:postgresql://{to.host}:{to.port}/{to.database}"
    for check in checks(suite(World(operations, liquibase(REAL, url, to.user, to.password), tmp_path))).values():
        check()


# -- kills -----------------------------------------------------------------------------------------------------------


def handed(world: World, *names: str, attempt: str = "a") -> ChangeDocument:
    text = "--liquibase formatted sql\n" + "".join(
        f"--changeset ada:{name}\nCREATE TABLE t_{name} ();\n" for name in names
    )
    file = ReleaseFile("db/changelog.sql", world.objects.put(text.encode()))
    changes = [
        replace(change(f"db/changelog.sql::{name}::ada", f"CREATE TABLE t_{name} ()", undo=("DROP",)), author="ada")
        for name in names
    ]
    return replace(document(*changes, attempt=attempt), directory="db/changelog.sql", files=(file,))


@pytest.mark.parametrize("dies", ["history", "update", "between"])
def test_a_build_that_is_killed_is_followed_by_another(world: World, tmp_path: Path, dies: str) -> None:
    alive, whole = world.tool, handed(world, "1", "2")
    world.tool = liquibase(str(STAND_IN), f"jdbc:file:{tmp_path / 'table'}", STAND_IN_DIES=dies)
    world.begin(Ask.APPLY, whole, "t")
    if dies == "history":
        with pytest.raises(ToolFault):
            world.work()
    else:
        # The build is killed with its tool: its result is not stored.
        table = tmp_path / "table"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Operations, "end", lambda self, answer: None)
            world.work()
        assert table.exists() is (dies == "between")
    world.tool = alive
    world.ask(Look("t", DATABASE))
    world.work()
    answer = world.ask(Look("t", DATABASE))
    assert (answer.state, [each.outcome for each in answer.changes]) == ("SUCCEEDED", ["APPLIED", "APPLIED"])
    assert json.loads((tmp_path / "table").read_text()) == [
        ["db/changelog.sql", "ada", "1"],
        ["db/changelog.sql", "ada", "2"],
    ]
    assert len(world.builds) == 2


def test_a_build_that_is_at_work_is_left_alone(world: World) -> None:
    world.begin(Ask.APPLY, handed(world, "1"), "t")
    world.ask(Look("t", DATABASE))
    assert world.builds == {"build-0": "t"}


def test_without_room_for_a_build_the_next_look_tries_again(world: World) -> None:
    world.full = True
    for _ in range(MOST_BUILDS + 1):
        assert world.begin(Ask.APPLY, handed(world, "1"), "t").state == "RUNNING"
    world.full = False
    assert world.run(Ask.APPLY, handed(world, "1"), "t").state == "SUCCEEDED"


def test_builds_that_all_die_are_given_up(world: World) -> None:
    world.begin(Ask.APPLY, handed(world, "1"), "t")
    for _ in range(MOST_BUILDS):
        world.running.clear()
        answer = world.ask(Look("t", DATABASE))
    assert (answer.state, answer.changes[0].outcome, len(world.builds)) == ("FAILED", "UNKNOWN", MOST_BUILDS)


# -- undo ------------------------------------------------------------------------------------------------------------


def test_flyway_cannot_undo(world: World) -> None:
    stored = world.objects.put(encoded(handed(world, "1")))
    answer = world.ask(Begin(Ask.UNDO, "t", DATABASE, stored), undoes=False)
    assert (answer.state, answer.reason) == ("UNSUPPORTED", "the tool cannot undo")


def test_what_is_not_the_last_is_not_undone(world: World) -> None:
    first = handed(world, "1", attempt="a")
    world.run(Ask.APPLY, first, "t")
    world.run(Ask.APPLY, handed(world, "1", "2", attempt="b"), "u")
    assert world.run(Ask.UNDO, first, "v").state == "UNSUPPORTED"


def test_a_change_without_an_undo_is_not_undone(world: World) -> None:
    whole = handed(world, "1", "2")
    world.run(Ask.APPLY, whole, "t")
    first, second = whole.changes
    assert world.run(Ask.UNDO, replace(whole, changes=(first, replace(second, undo=None))), "u").state == "UNSUPPORTED"


def test_what_was_never_applied_is_left_alone(world: World) -> None:
    answer = world.run(Ask.UNDO, handed(world, "1"), "t")
    assert (answer.state, answer.changes[0].outcome) == ("SUCCEEDED", "UNCHANGED")


# -- what the tools say ----------------------------------------------------------------------------------------------


def said(code: int, out: str, err: str = "") -> Callable[[Sequence[str]], ToolOutput]:
    return lambda arguments: ToolOutput(code, out, err)


HISTORY = """Liquibase History for jdbc:postgresql://127.0.0.1:35511/postgres

+---------------+-------------------+----------------+------------------+--------------+-----+
| Deployment ID | Update Date       | Changelog Path | Changeset Author | Changeset ID | Tag |
+---------------+-------------------+----------------+------------------+--------------+-----+
| 5940288137    | 11/29/26, 8:18 AM | changelog.sql  | ada              | 1            |     |
+---------------+-------------------+----------------+------------------+--------------+-----+
"""
INVALID = """ERROR: Exception Details
Unexpected error running Liquibase: Validation Failed:
     1 changesets check sum
          changelog.sql::1::ada was: 9:6b86ace02f5af071a6efedc9a3617cd0 but is now: 9:6a412121b12b38c5e2f3fa0e36f878e4

For more information, please use the --log-level flag
"""


def test_liquibase_s_table_is_read() -> None:
    assert Liquibase(said(0, HISTORY), "c").applied() == [Applied("changelog.sql::1::ada", "ada", "changelog.sql", "")]
    assert Liquibase(said(0, "No changesets deployed"), "c").applied() == []


@pytest.mark.parametrize("output", [(1, "", "no"), (0, "", ""), (0, "| A | B |\n", "")])
def test_a_history_that_is_none_is_a_fault(output: tuple[int, str, str]) -> None:
    with pytest.raises(ToolFault):
        Liquibase(said(*output), "c").applied()


def test_an_edited_change_is_what_liquibase_says() -> None:
    problem = Liquibase(said(1, "", INVALID), "c").apply()
    assert problem is not None
    assert (problem.change, problem.error.message[:45]) == (None, "Validation Failed: 1 changesets check sum cha")


def test_a_database_that_is_not_reached_is_a_fault() -> None:
    text = "Unexpected error running Liquibase: Connection could not be created to jdbc:x"
    with pytest.raises(ToolFault):
        Liquibase(said(1, "", text), "c").apply()


def test_liquibase_gets_the_stage_s_filters() -> None:
    asked: list[Sequence[str]] = []

    def run(arguments: Sequence[str]) -> ToolOutput:
        asked.append(arguments)
        return ToolOutput(0, "")

    assert Liquibase(run, "db/c.xml", "test", "!slow").apply() is None
    assert asked == [["update", "--changelog-file=db/c.xml", "--contexts=test", "--label-filter=!slow"]]


INFO = {
    "schemaVersion": "2",
    "migrations": [
        {"version": "2", "description": "b", "state": "Pending", "filepath": "db/V2__b.sql", "installedOnUTC": ""},
        {"version": "", "description": "the view", "state": "Success", "installedOnUTC": "2026-01-02T00:00:00Z"},
        {"version": "1", "state": "Success", "installedBy": "ada", "installedOnUTC": "2026-01-01T00:00:00Z"},
    ],
}
ERROR = {
    "error": {
        "errorCode": "FAILED_VERSIONED_MIGRATION",
        "message": "relation does not exist",
        "sqlState": "42P01",
        "path": "/build/release/db/V1_2__a.sql",
        "lineNumber": 3,
    }
}


def test_flyway_s_table_is_read_in_the_order_of_its_times() -> None:
    assert [each.id for each in Flyway(said(0, json.dumps(INFO)), {}).applied()] == ["1", "R__the_view"]


def test_a_migration_that_fails_is_told_with_its_place() -> None:
    expected = ChangeError("relation does not exist", "42P01", "/build/release/db/V1_2__a.sql", 3)
    assert Flyway(said(1, json.dumps(ERROR)), {}).apply() == Problem("1.2", expected)


@pytest.mark.parametrize("output", [(0, "no json"), (0, "[]"), (1, "{}"), (1, json.dumps(ERROR))])
def test_flyway_s_output_that_is_none_is_a_fault(output: tuple[int, str]) -> None:
    with pytest.raises(ToolFault):
        Flyway(said(*output), {}).applied()


@pytest.mark.parametrize("engine", Engine)
def test_every_engine_has_a_url_without_a_login(engine: Engine) -> None:
    made_url = jdbc.url(replace(DATABASE, engine=engine), "", "ca.pem")
    assert "orders-db.example.com:5432" in made_url
    assert not re.search("user|password", made_url)
    assert (
        jdbc.url(DATABASE, "", "ca.pem", "jdbc:x://{endpoint}:{port}/{name}")
        == "jdbc:x://orders-db.example.com:5432/orders"
    )


@pytest.mark.parametrize("path", ["../up.sql", "/etc/passwd", "db/../../up.sql"])
def test_a_file_that_would_be_elsewhere_is_refused(world: World, path: str) -> None:
    file = ReleaseFile(path, world.objects.put(b"x"))
    with pytest.raises(RefusedRequest, match="expected a path within the release"):
        write_files(world.documents, replace(document(), files=(file,)), world.directory)


def test_a_file_that_is_another_is_refused(world: World) -> None:
    file = ReleaseFile("a.sql", replace(world.objects.put(b"x"), sha256="0" * 64))
    with pytest.raises(RefusedRequest, match="expected the SHA-256"):
        write_files(world.documents, replace(document(), files=(file,)), world.directory)
