"""The gate of database changes, on a ledger simulated by moto."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from test_aws_unfinished import MANIFEST, RELEASE, STAGE, House

from belay.aws.s3 import ReleaseFiles
from belay.control.database_gate import DatabaseGate
from belay.control.reasons import Reasons, read_reason
from belay.errors import InvalidRelease
from belay.notify.told import in_words
from belay.policy.verdict import Report, Verdict
from belay.release.accepted import AcceptedRelease
from belay.release.applied import AppliedChange, AppliedOutcome, ChangedDatabase
from belay.release.place import AccountRegion
from belay.sql.changes import Engine
from belay.sql.reading import read_changes

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:change"
ORDERS = ChangedDatabase("orders", "production", AccountRegion("aws", "123456789012", "eu-west-1"), "orders-db")
MADE = b"CREATE TABLE orders (id bigint PRIMARY KEY, state text);"
WIDE = b"SELECT 1;\nCREATE INDEX CONCURRENTLY wide ON orders (id, state, a, b);"
WAIVER = "{policy: index-columns, resource: orders, reason: agreed, owner: dba, expires: 2026-12-31}"


class Gate:
    """A release with two database changes, and the gate."""

    def __init__(self, simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, **stage: str) -> None:
        registered = f"databases: [{{instance: orders-db, executor: '{FUNCTION}', database: orders, user: belay}}]\n"
        registered += "".join(f"{name}: {value}\n" for name, value in stage.items())
        monkeypatch.setattr("test_aws_unfinished.STAGE", STAGE + registered)
        files = ", ".join(f"sql/{name}.sql: {'b' * 64}" for name in ("0001-make", "0002-wide"))
        more = MANIFEST.replace("digests: {", f"digests: {{{files}, ")
        monkeypatch.setattr("test_aws_unfinished.MANIFEST", f"{more}database: {{changes: sql, engine: postgresql}}\n")
        self.house = House(simulated)
        self.house.in_stage()
        self.write("0001-make", MADE)
        self.write("0002-wide", WIDE)

    def write(self, name: str, data: bytes) -> None:
        self.house.artifacts.put_bytes(f"{RELEASE.prefix}/sql/{name}.sql", data)

    def record(self, outcome: AppliedOutcome, database: ChangedDatabase = ORDERS) -> None:
        (change,) = read_changes({"sql/0001-make.sql": MADE}, "sql", Engine.POSTGRESQL)
        applied = AppliedChange(change.id, "", "sql/0001-make.sql", 1, change.digest, RELEASE, "", "", outcome)
        self.house.ledger.database_changes.record(database, [applied])

    def check(self) -> Report:
        artifacts = self.house.artifacts
        accepted = AcceptedRelease.from_dict(artifacts.require_json(RELEASE.document_key))
        files = ReleaseFiles(artifacts, RELEASE.prefix, accepted.manifest.digests)
        with Reasons(artifacts, RELEASE).refusing():
            return DatabaseGate(self.house.ledger, artifacts).check(accepted, files, date(2026, 1, 1))["production"]


@pytest.fixture
def gate(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(simulated, monkeypatch)


def test_an_index_that_is_too_wide_fails_with_its_file_and_line(gate: Gate) -> None:
    report = gate.check()
    assert report.verdict is Verdict.FAIL
    assert [(one.path, one.line, one.policy) for one in report.findings if one.counts] == [
        ("sql/0002-wide.sql", 2, "index-columns")
    ]
    assert report.paths == ("sql/0001-make.sql", "sql/0002-wide.sql")


@pytest.mark.parametrize(
    ("outcome", "paths"),
    [
        (AppliedOutcome.APPLIED, ("sql/0002-wide.sql",)),
        (AppliedOutcome.UNDONE, ("sql/0001-make.sql", "sql/0002-wide.sql")),
    ],
)
def test_what_stands_in_the_stage_is_not_checked_again(
    gate: Gate, outcome: AppliedOutcome, paths: tuple[str, ...]
) -> None:
    gate.record(outcome)
    assert gate.check().paths == paths


def test_what_stood_where_the_stage_was_before_it_moved_is_checked_again(gate: Gate) -> None:
    gate.record(AppliedOutcome.APPLIED, replace(ORDERS, where=replace(ORDERS.where, region="eu-central-1")))
    assert gate.check().paths == ("sql/0001-make.sql", "sql/0002-wide.sql")


def test_what_was_edited_after_it_was_applied_fails(gate: Gate) -> None:
    gate.record(AppliedOutcome.APPLIED)
    gate.write("0001-make", MADE + b" -- edited")
    found = [one.resource for one in gate.check().findings if one.policy == "applied-change-edited"]
    assert found == ["0001-make"]


def test_the_stage_s_settings_and_waivers_hold(
    simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Gate(simulated, monkeypatch, policies=f"{{waivers: [{WAIVER}]}}").check().verdict is Verdict.PASS


def test_changes_that_cannot_be_read_refuse_the_release_in_words(gate: Gate) -> None:
    gate.write("0001-make", b"SELECT 'open")
    with pytest.raises(InvalidRelease) as refused:
        gate.check()
    reason = read_reason(gate.house.artifacts, json.loads(refused.value.problems[0]))
    assert "sql/0001-make.sql:1:8" in in_words(reason)
