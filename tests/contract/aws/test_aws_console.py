"""The console's pages, on an AWS simulated by moto."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from asked_console import AskedConsole
from simulated_ledger import bring, end_stage
from test_aws_command import Office, in_a_wave, statuses
from test_aws_unfinished import INCIDENT, NOW, RELEASE, STAGE

from belay.approval.asked import GivenAnswer
from belay.notify.sent import SentMessage
from belay.release.attempt import StackLeft
from belay.release.life import State
from belay.release.place import PlaceRoles, StagePlace
from belay.release.reason import Reason, StackFailure, from_document
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


def incident(office: Office, why: Reason | None = None, place: StagePlace | None = None) -> Incident:
    reason = why or from_document("it failed")
    found = Incident(INCIDENT, ReleaseAttempt(RELEASE, "production", None), reason, "role", place=place)
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


@pytest.mark.parametrize(("account", "said"), [("123456789012", False), ("111111111111", True)])
def test_an_incident_says_whose_credentials_its_commands_need(
    office: Office, asked: AskedConsole, account: str, said: bool
) -> None:
    office.in_stage()
    stack = f"arn:aws:cloudformation:eu-central-1:{account}:stack/orders-production/1"
    place = StagePlace("aws", account, "eu-central-1", PlaceRoles.named_alike("aws", account))
    incident(office, StackFailure(stack, "UPDATE_ROLLBACK_COMPLETE", None), place)
    page = asked.get(f"/incidents/orders/{INCIDENT}").said
    assert f"--stack-name {stack}" in page
    assert ("account 111111111111: aws commands about resources there need its credentials" in page) is said


def left_to_a_person(office: Office) -> Incident:
    """An incident that ended NEEDS_OPERATOR."""
    found = incident(office)
    office.ledger.incidents.leave(found)
    office.ledger.incidents.close(found, Outcome.NEEDS_OPERATOR, from_document("stuck"), NOW)
    office.ledger.incidents.announced(found)
    return found


def test_what_a_rollback_left_is_red_until_it_is_done(office: Office, asked: AskedConsole) -> None:
    office.in_stage()
    found = left_to_a_person(office)
    assert "A rollback needs a person in orders / production stuck" in asked.get("/").said
    office.ledger.incidents.left_no_more(found)
    assert "Nothing needs a person now." in asked.get("/").said
    assert "NEEDS_OPERATOR, done since" in asked.get("/incidents").said


def test_who_is_on_an_incident_and_who_closed_it_is_said(office: Office, asked: AskedConsole) -> None:
    office.in_stage()
    found = left_to_a_person(office)
    office.ledger.incidents.acknowledge(found, GivenAnswer("acknowledge", "arn:ann", NOW, "looking"))
    assert "arn:ann is on it" in asked.get("/").said
    assert "NEEDS_OPERATOR arn:ann is on it" in asked.get("/incidents").said
    page = asked.get(f"/incidents/orders/{INCIDENT}")
    assert "arn:ann, 2026-01-01 10:00:00 UTC : looking" in page.said
    assert "What it left is done: close it" in page.said
    office.ledger.incidents.shut(found, GivenAnswer("close", "arn:jo", NOW, "restored"))
    page = asked.get(f"/incidents/orders/{INCIDENT}")
    assert "arn:jo, 2026-01-01 10:00:00 UTC : restored" in page.said
    assert "/act/close" not in page.text
    assert "Nothing needs a person now." in asked.get("/").said


def test_what_is_said_about_an_incident_is_shown_before_it_is_said(office: Office, asked: AskedConsole) -> None:
    office.in_stage()
    found = left_to_a_person(office)
    where = f"application=orders&incident={INCIDENT}"
    assert f"Take on the incident {INCIDENT}?" in asked.get(f"/act/acknowledge?{where}").said
    office.ledger.incidents.acknowledge(found, GivenAnswer("acknowledge", "arn:ann", NOW))
    assert "arn:ann is on it now: you take it over." in asked.get(f"/act/acknowledge?{where}").said
    office.ledger.stages.leave("orders", "production", [StackLeft("network", "orders-network", "1.0.0")])
    page = asked.get(f"/act/close?{where}")
    assert "It changes nothing in the stage: network (orders-network) was not brought back from 1.0.0." in page.said
    assert 'name="comment" maxlength="1000" autocomplete="off" required' in page.text
    assert f'name="incident" value="{INCIDENT}"' in page.text
    assert "orders has no incident other" in asked.get("/act/close?application=orders&incident=other").said


def test_one_stage_of_a_wave_is_stopped_as_it_was_shown(office: Office, asked: AskedConsole) -> None:
    started = in_a_wave(office)
    where = "application=orders&name=1.0.0&stage=eu"
    assert f"/act/abort?{where}".replace("&", "&amp;") in asked.get("/releases/orders/1.0.0").text
    page = asked.get(f"/act/abort?{where}")
    assert "Stop orders 1.0.0 in eu?" in page.said
    assert "what it has changed in eu is rolled back as after a failure." in page.said
    assert "us continues. production continues." in page.said
    assert 'name="stage" value="eu"' in page.text
    assert set(statuses(office, started).values()) == {"RUNNING"}


def test_messages_are_shown_as_they_were_sent(office: Office, asked: AskedConsole) -> None:
    office.in_stage()
    left_to_a_person(office)
    document = {"sequence": 1, "subject": "NEEDS_OPERATOR: orders", "text": "Do this now: <b>look</b>", "kind": "x"}
    office.ledger.messages.keep(RELEASE.thread, SentMessage(NOW, "arn:aws:sns:belay", document))
    for page in (asked.get("/releases/orders/1.0.0"), asked.get(f"/incidents/orders/{INCIDENT}")):
        assert "1 NEEDS_OPERATOR: orders 2026-01-01 10:00:00 UTC" in page.said
        assert "Do this now: &lt;b&gt;look&lt;/b&gt;" in page.text
        assert "&#34;sequence&#34;: 1" in page.text
        assert "To arn:aws:sns:belay" in page.said


def test_a_frozen_stage_says_until_when(office: Office, asked: AskedConsole) -> None:
    freeze = STAGE + "freezes: [{from: 2026-01-01, until: 2026-01-03, reason: Stocktaking}]\n"
    office.ssm.put_parameter(Name="/belay/applications/orders/production", Value=freeze, Type="String", Overwrite=True)
    page = asked.get("/")
    assert "until 2026-01-03 00:00 UTC" in page.said
    assert "Stocktaking" in page.text


def test_a_stage_elsewhere_says_where_its_stacks_lie(office: Office, asked: AskedConsole) -> None:
    there = STAGE.replace("123456789012", "111111111111") + "account: '111111111111'\nregion: eu-central-1\n"
    office.ssm.put_parameter(Name="/belay/applications/orders/production", Value=there, Type="String", Overwrite=True)
    assert 'title="account 111111111111, region eu-central-1">eu-central-1<' in asked.get("/").text
    history = asked.get("/history/orders/production").said
    assert "Its stacks are in account 111111111111, region eu-central-1." in history
    assert "Its stacks are in" not in asked.get("/history/orders/test").said


def test_the_stages_of_a_wave_say_with_whom_they_are_deployed_and_where(office: Office, asked: AskedConsole) -> None:
    there = STAGE.replace("123456789012", "111111111111") + "account: '111111111111'\nregion: eu-central-1\n"
    for name, text in {"": "stages: [test, [production, us]]\n", "/us": STAGE, "/production": there}.items():
        office.ssm.put_parameter(Name=f"/belay/applications/orders{name}", Value=text, Type="String", Overwrite=True)
    page = asked.get("/").said
    assert "production eu-central-1, with us" in page
    assert "us with production" in page
    assert "test with" not in page
    office.accept(waves=(("test",), ("production", "us")))
    assert "with us" in asked.get("/releases/orders/1.0.0").said


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
