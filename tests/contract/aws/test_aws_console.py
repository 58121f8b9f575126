"""What is on the console's pages, on an AWS that moto plays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from asked_console import AskedConsole
from simulated_ledger import bring, end_stage
from test_aws_command import Office
from test_aws_unfinished import INCIDENT, NOW, RELEASE, STAGE

from belay.release.life import State
from belay.release.reason import from_document
from belay.release.records import Outcome
from belay.subject.incident import Incident
from belay.subject.subjects import ReleaseAttempt
from cli.account import Account, Where
from cli.console.app import console

ASKED_AT = datetime.fromisoformat(NOW).replace(hour=12)


@pytest.fixture
def office(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.delenv("BELAY_STACK", raising=False)
    return Office(simulated)


@pytest.fixture
def asked(office: Office) -> AskedConsole:
    belay = Account.of(Where(region="eu-west-1"))
    return AskedConsole(lambda keys: console(belay, keys, lambda: ASKED_AT))


# -- the overview ------------------------------------------------------------------------------------------------------


def test_a_quiet_account_says_so(asked: AskedConsole) -> None:
    said = asked.get("/").said
    assert "Nothing needs a person now." in said
    assert "orders" in said
    assert "production" in said
    assert "nothing yet" in said


def test_what_a_stage_runs_and_what_comes_next(office: Office, asked: AskedConsole) -> None:
    office.accept()
    end_stage(office.ledger, RELEASE, "test", now="2026-01-01T10:00:00.000+00:00")
    bring(office.ledger, RELEASE, "production", State.EXECUTING, about="network", now="2026-01-01T11:00:00.000+00:00")
    said = asked.get("/").said
    assert "1.0.0 2 h" in said
    assert "1.0.0 executing network" in said


def test_an_approval_is_red(office: Office, asked: AskedConsole) -> None:
    office.accept()
    office.ask()
    page = asked.get("/")
    assert "An approval is asked for in orders / production" in page.said
    assert 'href="/approve/orders/1.0.0/production"' in page.text
    assert 'class="stage call"' in page.text


def incident(office: Office) -> Incident:
    found = Incident(INCIDENT, ReleaseAttempt(RELEASE, "production", None), from_document("it failed"), "role")
    assert office.ledger.incidents.open(found, NOW)
    return found


def test_an_open_incident_asks(office: Office, asked: AskedConsole) -> None:
    office.in_stage()
    incident(office)
    assert 'class="stage back"' in asked.get("/").text
    office.ledger.decisions.ask("orders", INCIDENT, "restore", "may it be restored?", NOW)
    page = asked.get("/")
    assert "A rollback waits for an answer in orders / production may it be restored?" in page.said
    assert 'class="stage call"' in page.text


def test_what_a_rollback_left_is_red_until_something_else_is_deployed(office: Office, asked: AskedConsole) -> None:
    office.in_stage()
    found = incident(office)
    office.lock("execution-1", INCIDENT)
    office.ledger.incidents.close(
        found, Outcome.NEEDS_OPERATOR, from_document("stuck"), "2026-01-01T10:30:00.000+00:00"
    )
    office.ledger.incidents.announced(found)
    assert "A rollback needs a person" not in asked.get("/").said  # it still holds the lock
    office.ledger.locks.release("orders", "production", 1)
    assert "A rollback needs a person in orders / production stuck" in asked.get("/").said
    end_stage(office.ledger, RELEASE, "production", now="2026-01-01T11:00:00.000+00:00")
    assert "Nothing needs a person now." in asked.get("/").said


def test_a_frozen_stage_says_until_when(office: Office, asked: AskedConsole) -> None:
    freeze = STAGE + "freezes: [{from: 2026-01-01, until: 2026-01-03, reason: Stocktaking}]\n"
    office.ssm.put_parameter(Name="/belay/applications/orders/production", Value=freeze, Type="String", Overwrite=True)
    page = asked.get("/")
    assert "until 2026-01-03 00:00 UTC" in page.said
    assert "Stocktaking" in page.text


def test_a_pause_and_what_it_holds_is_said(office: Office, asked: AskedConsole) -> None:
    office.ssm.put_parameter(Name="/belay/paused", Value="true", Type="String", Overwrite=True)
    assert "Releases are paused: 0 held." in asked.get("/").said


def test_an_account_that_does_not_answer_is_no_quiet_one(office: Office, asked: AskedConsole) -> None:
    office.dynamodb.delete_table(TableName="ledger")
    answer = asked.get("/")
    assert answer.status == 502
    assert "ResourceNotFound" in answer.said
    assert "Nothing needs" not in answer.said


def test_a_page_that_is_none_is_said(asked: AskedConsole) -> None:
    answer = asked.get("/nothing")
    assert (answer.status, "there is no page /nothing" in answer.said) == (404, True)
