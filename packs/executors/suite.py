"""The protocol's test suite, which any executor can be run against (docs/database-executors.md).

It creates and drops its own tables, named ``belay_suite_...``, in a test database.
"""

import argparse
import hashlib
import json
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import boto3

from belay.database.executor import (
    Ask,
    Begin,
    ChangeDocument,
    DatabaseAddress,
    HandedChange,
    HandedStatement,
    Look,
    OperationAnswer,
    OperationState,
    ReleaseFile,
    StoredDocument,
    encoded,
    read_answer,
    written,
)
from belay.sql.changes import Engine, Format

Send = Callable[[Mapping[str, Any]], Any]
Put = Callable[[str, bytes], StoredDocument]

APPLICATION: Final = "belay-suite"
MOST_LOOKS: Final = 360
"""Polls of one operation, whose changes are small: half an hour by ``main``, time enough for a build to start."""
NEVER: Final = OperationState.UNSUPPORTED


class Broken(Exception):  # noqa: N818
    """How the executor broke the protocol."""


@dataclass(frozen=True)
class Suite:
    """The checks, each a method whose name begins with ``check_``; they are run in order.

    ``send`` passes a request to the executor and returns its response, ``put`` stores a document where the executor
    reads it, ``wait`` is called between two polls. ``run`` makes the names of one run unique.
    """

    send: Send
    put: Put
    database: DatabaseAddress
    format: Format
    wait: Callable[[], object]
    run: str

    # -- what is checked -----------------------------------------------------------------------------------------

    def check_a_profile_says_what_is_recorded(self) -> None:
        """A profile of a database that this run has not changed yet."""
        answer = self._end(self._begin(Ask.PROFILE, None, "profile-0"))
        _expect(answer.state, OperationState.SUCCEEDED, answer.reason)
        _expect([name for name in self._recorded("profile-1") if self.run in name], [])

    def check_changes_are_applied_in_order(self) -> None:
        """Two changes, and the database's record of them."""
        document = self._document("a", self._table(1), self._table(2))
        answer = self._end(self._begin(Ask.APPLY, document, "apply"))
        _expect(answer.state, OperationState.SUCCEEDED, answer.reason)
        _expect(_outcomes(answer), ["APPLIED", "APPLIED"])
        _expect(self._recorded("profile-2")[-2:], [each.id for each in document.changes])

    def check_the_same_token_is_the_same_operation(self) -> None:
        """A repeated begin does nothing twice."""
        answer = self._begin(Ask.APPLY, self._document("a", self._table(1), self._table(2)), "apply")
        _expect((answer.state, _outcomes(answer)), (OperationState.SUCCEEDED, ["APPLIED", "APPLIED"]))

    def check_another_content_under_a_token_is_refused(self) -> None:
        """The previous operation's token, with other changes."""
        answer = self._begin(Ask.APPLY, self._document("a", self._table(1)), "apply")
        _expect(answer.state, OperationState.REFUSED)

    def check_what_is_applied_is_left_alone(self) -> None:
        """The next release passes the same changes, and one more."""
        changes = self._table(1), self._table(2), self._table(3)
        answer = self._end(self._begin(Ask.APPLY, self._document("b", *changes), "apply-next"))
        _expect(answer.state, OperationState.SUCCEEDED, answer.reason)
        _expect(_outcomes(answer), ["UNCHANGED", "UNCHANGED", "APPLIED"])

    def check_an_undo_takes_back_what_its_release_did(self) -> None:
        """Only the last change, or nothing for an executor without undo."""
        changes = self._table(1), self._table(2), self._table(3)
        answer = self._end(self._begin(Ask.UNDO, self._document("b", *changes), "undo"))
        if answer.state is not NEVER:
            _expect(answer.state, OperationState.SUCCEEDED, answer.reason)
            _expect(_outcomes(answer), ["UNCHANGED", "UNCHANGED", "UNDONE"])

    def check_a_change_that_fails_ends_the_operation(self) -> None:
        """The one before it remains, the one after it is not begun, and the reason is reported."""
        broken = self._change(5, "ALTER TABLE belay_suite_nothing ADD x integer", "SELECT 1")
        changes = self._table(1), self._table(2), self._table(3), self._table(4), broken, self._table(6)
        answer = self._end(self._begin(Ask.APPLY, self._document("c", *changes), "apply-broken"))
        _expect(answer.state, OperationState.FAILED)
        _expect(_outcomes(answer)[3::2], ["APPLIED", "PENDING"])
        if _outcomes(answer)[4] not in ("FAILED", "UNKNOWN"):
            raise Broken(f"expected FAILED or UNKNOWN, found {_outcomes(answer)[4]}")
        error = answer.changes[4].error
        if error is None or "belay_suite_nothing" not in error.message:
            raise Broken(f"expected the engine's words about belay_suite_nothing, found {error}")

    def check_what_was_not_begun_is_refused(self) -> None:
        """A poll of an operation with another name."""
        answer = self._read(self.send(written(Look(f"never-{self.run}", self.database))))
        _expect(answer.state, OperationState.REFUSED)

    def check_a_document_with_another_digest_is_refused(self) -> None:
        """The object exists, but is not what was approved."""
        stored = self.put(self._key("other"), encoded(self._document("d", self._table(7))))
        begin = Begin(Ask.APPLY, self._key("other"), self.database, replace(stored, sha256="0" * 64))
        _expect(self._read(self.send(written(begin))).state, OperationState.REFUSED)

    def check_a_newer_protocol_is_refused(self) -> None:
        """The executor is older than Belay."""
        begin = written(Begin(Ask.PROFILE, self._key("newer"), self.database))
        _expect(self._read(self.send({**begin, "schema": 1_000})).state, OperationState.REFUSED)

    # -- how ---------------------------------------------------------------------------------------------------------

    def _key(self, name: str) -> str:
        return f"{self.run}-{name}"

    def _begin(self, ask: Ask, document: ChangeDocument | None, name: str) -> OperationAnswer:
        stored = None if document is None else self.put(self._key(name), encoded(document))
        answer = self._read(self.send(written(Begin(ask, self._key(name), self.database, stored))))
        if answer.state in (OperationState.REFUSED, NEVER):
            return answer
        _expect([each.id for each in answer.changes], [each.id for each in document.changes] if document else [])
        return answer

    def _end(self, answer: OperationAnswer) -> OperationAnswer:
        looks = 0
        while answer.state is OperationState.RUNNING:
            if looks == MOST_LOOKS:
                raise Broken(f"expected {answer.operation} to end within {MOST_LOOKS} looks, found RUNNING")
            self.wait()
            answer = self._read(self.send(written(Look(answer.operation, self.database))))
            looks += 1
        return answer

    def _read(self, document: Any) -> OperationAnswer:
        return read_answer(json.loads(json.dumps(document)))

    def _recorded(self, name: str) -> list[str]:
        profile = self._end(self._begin(Ask.PROFILE, None, name)).profile
        if profile is None:
            raise Broken("expected a profile, found none")
        return [each.id for each in profile.recorded if each.outcome == "APPLIED"]

    def _table(self, number: int) -> HandedChange:
        name = f"belay_suite_{self.run}_{number}"
        return self._change(number, f"CREATE TABLE {name} (id integer NOT NULL PRIMARY KEY)", f"DROP TABLE {name}")

    def _change(self, number: int, statement: str, undo: str) -> HandedChange:
        path = {
            Format.PLAIN: f"db/{number:04}-{self.run}.sql",
            Format.FLYWAY: f"db/V{int(self.run, 16)}.{number}__suite.sql",
            Format.LIQUIBASE: "db/changelog.sql",
        }[self.format]
        name = {
            Format.PLAIN: f"{number:04}-{self.run}",
            Format.FLYWAY: f"{int(self.run, 16)}.{number}",
            Format.LIQUIBASE: f"db/changelog.sql::{self.run}-{number}::suite",
        }[self.format]
        digest = hashlib.sha256(statement.encode()).hexdigest()
        statements = (HandedStatement(statement, path, 1),)
        return HandedChange(name, "suite", path, digest, statements, (HandedStatement(undo, path, 1),))

    def _document(self, attempt: str, *changes: HandedChange) -> ChangeDocument:
        files: dict[str, str] = {}
        if self.format is Format.LIQUIBASE:
            files["db/changelog.sql"] = "--liquibase formatted sql\n"
        for change in changes:
            files[change.path] = files.get(change.path, "") + self._text(change)
        stored = [ReleaseFile(path, self.put(self._key(path), text.encode())) for path, text in files.items()]
        directory = "db/changelog.sql" if self.format is Format.LIQUIBASE else "db"
        return ChangeDocument(
            APPLICATION, "test", "1.0.0", f"{self.run}{attempt}", self.format, directory, changes, tuple(stored)
        )

    def _text(self, change: HandedChange) -> str:
        (statement,), undo = change.statements, (change.undo or ())[0]
        if self.format is not Format.LIQUIBASE:
            return f"{statement.text};\n"
        name = change.id.split("::")[1]
        return f"--changeset suite:{name}\n{statement.text};\n--rollback {undo.text};\n"


def checks(suite: Suite) -> dict[str, Callable[[], None]]:
    """Return the checks by their names, in order."""
    names = [name for name in vars(type(suite)) if name.startswith("check_")]
    return {name.removeprefix("check_").replace("_", " "): getattr(suite, name) for name in names}


def _expect(found: object, expected: object, why: str = "") -> None:
    if found != expected:
        raise Broken(f"expected {expected}, found {found}{f': {why}' if why else ''}")


def _outcomes(answer: OperationAnswer) -> list[str]:
    return [each.outcome.value for each in answer.changes]


def main(arguments: list[str]) -> int:
    """Run the suite against a function in AWS; 1 if it breaks the protocol."""
    parser = argparse.ArgumentParser(prog="python -m packs.executors.suite", description=__doc__)
    parser.add_argument("--function", required=True, help="the executor's ARN")
    parser.add_argument("--bucket", required=True, help="Belay's artifact bucket, where the executor reads documents")
    parser.add_argument("--engine", required=True, choices=[each.value for each in Engine])
    parser.add_argument("--format", default="plain", choices=[each.value for each in Format])
    parser.add_argument("--kind", default="instance", choices=["instance", "cluster"])
    parser.add_argument("--identifier", required=True, help="the identifier of the instance or cluster")
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--database", required=True, help="a database for tests; the suite leaves tables in it")
    given = parser.parse_args(arguments)
    functions, s3 = boto3.client("lambda"), boto3.client("s3")

    def send(request: Mapping[str, Any]) -> Any:
        answer = functions.invoke(FunctionName=given.function, Payload=json.dumps(request).encode())
        return json.loads(answer["Payload"].read())

    def put(name: str, data: bytes) -> StoredDocument:
        key = f"attempts/{APPLICATION}/{name}"
        version = s3.put_object(Bucket=given.bucket, Key=key, Body=data)["VersionId"]
        return StoredDocument(given.bucket, key, version, hashlib.sha256(data).hexdigest())

    database = DatabaseAddress(
        Engine(given.engine), given.kind, given.identifier, given.endpoint, given.port, given.database
    )
    suite = Suite(send, put, database, Format(given.format), lambda: time.sleep(5), secrets.token_hex(3))
    broken = 0
    for name, check in checks(suite).items():
        try:
            check()
        except Exception as error:
            broken += 1
            print(f"BROKEN  {name}: {type(error).__name__}: {error}")  # noqa: T201
        else:
            print(f"holds   {name}")  # noqa: T201
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
