"""The gateways of one account and region: created once, and their credentials."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.stub import Stubber

from belay.aws import clock
from belay.aws.clients import PATIENT_SECONDS
from belay.aws.gateways import Aws, own_aws
from belay.aws.sessions import Session
from belay.errors import AccessDenied, AwsFault, ServiceUnavailable, Throttled
from belay.release.place import PlaceRoles, Power, StagePlace

ELSEWHERE = StagePlace("aws", "210987654321", "eu-central-1", PlaceRoles.named_alike("aws", "210987654321"))
ROLE = "arn:aws:iam::210987654321:role/belay-deploy"
SESSION = Session("orders", "production", "1.3.0", "1f0c2d3e4b5a")


@pytest.fixture
def made() -> list[tuple[str, str | None, Any]]:
    """The services, regions and configurations that clients were made for."""
    return []


@pytest.fixture
def aws(made: list[tuple[str, str | None, Any]], no_account: None) -> Aws:
    def make(service: str, *, region_name: str | None, config: Any, **keys: str) -> Any:
        made.append((service, region_name, config))
        return boto3.client(service, region_name=region_name or "eu-west-1", config=config, **keys)  # type: ignore[call-overload]

    return Aws(make=make)


def test_nothing_is_made_before_it_is_asked_for_and_then_once(aws: Aws, made: list[Any]) -> None:
    elsewhere = aws.in_region("eu-central-1")
    assert made == []
    assert aws.stacks is aws.stacks
    aws.table("one"), aws.table("two")
    assert [(service, region) for service, region, _ in made] == [("cloudformation", None), ("dynamodb", None)]
    assert aws.in_region("eu-central-1") is elsewhere
    assert elsewhere.stacks is not aws.stacks
    assert (elsewhere.region, aws.region) == ("eu-central-1", "eu-west-1")


def test_a_process_has_one_of_its_own() -> None:
    assert own_aws() is own_aws()


def test_every_gateway_can_be_had_for_another_region(aws: Aws) -> None:
    names = [
        name
        for name, value in vars(Aws).items()
        if isinstance(value, cached_property) and name not in ("region", "here", "_identity")
    ]
    assert len(names) > 15
    for name in names:
        client = getattr(aws.in_region("eu-central-1"), name)._client if name != "attached_groups" else None
        assert client is None or client.meta.region_name in ("eu-central-1", "aws-global"), name


def test_a_client_waits_for_nobody_long(aws: Aws, made: list[Any]) -> None:
    assert aws.stacks
    ((_, _, config),) = made
    assert config.retries["mode"] == "standard"
    attempts = config.retries["total_max_attempts"]
    assert attempts > 1
    assert attempts * (config.connect_timeout + config.read_timeout) < 60, "less than a function may run"


def test_a_patient_client_waits_long_and_asks_once(aws: Aws, made: list[Any]) -> None:
    assert aws.drift
    ((_, _, config),) = made
    assert (config.read_timeout, config.retries["total_max_attempts"]) == (PATIENT_SECONDS, 1)


class TestAnotherAccount:
    """A role that is assumed, with STS's stubbed responses."""

    @pytest.fixture
    def sts(self, stubbed: Callable[[str], tuple[Any, Stubber]]) -> tuple[Aws, Stubber]:
        client, stub = stubbed("sts")
        return Aws(make=lambda *_, **__: client), stub

    @staticmethod
    def answer(number: int, lasts: timedelta) -> dict[str, Any]:
        keys = {"AccessKeyId": f"AKIA{number:016}", "SecretAccessKey": f"secret-{number}", "SessionToken": f"t{number}"}
        return {"Credentials": {**keys, "Expiration": datetime.now(UTC) + lasts}}

    @staticmethod
    def key_of(aws: Aws) -> str:
        credentials = aws.stacks._client._request_signer._credentials
        return str(credentials.get_frozen_credentials().access_key)

    def test_its_credentials_are_asked_for_with_the_first_call_and_kept(self, sts: tuple[Aws, Stubber]) -> None:
        aws, stub = sts
        other = aws.at(ELSEWHERE, Power.DEPLOY, SESSION)
        assert other.stacks._client.meta.region_name == "eu-central-1"
        asked = {
            "RoleArn": ROLE,
            "RoleSessionName": "orders-1.3.0-1f0c2d3e4b5a",
            "ExternalId": "orders",
            "Tags": [
                {"Key": "belay:application", "Value": "orders"},
                {"Key": "belay:stage", "Value": "production"},
                {"Key": "belay:release", "Value": "1.3.0"},
            ],
        }
        stub.add_response("assume_role", self.answer(1, timedelta(hours=1)), asked)
        assert [self.key_of(other) for _ in range(3)] == [f"AKIA{1:016}"] * 3
        assert aws.at(ELSEWHERE, Power.DEPLOY, SESSION) is other

    def test_they_are_renewed_before_they_end(self, sts: tuple[Aws, Stubber]) -> None:
        aws, stub = sts
        other = aws.at(ELSEWHERE, Power.DEPLOY, SESSION)
        stub.add_response("assume_role", self.answer(1, timedelta(minutes=5)))
        stub.add_response("assume_role", self.answer(2, timedelta(hours=1)))
        assert [self.key_of(other) for _ in range(2)] == [f"AKIA{1:016}", f"AKIA{2:016}"]

    def test_its_session_reads_no_models_of_its_own(
        self, sts: tuple[Aws, Stubber], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(botocore.session, "create_loader", None)
        aws, _ = sts
        stages = [aws.at(ELSEWHERE, Power.DEPLOY, replace(SESSION, stage=name)) for name in ("test", "production")]
        one, other = [each.stacks._client.meta.service_model for each in stages]
        assert one is not other
        assert one.metadata is other.metadata

    def test_a_role_that_may_not_be_assumed_is_a_fault(self, sts: tuple[Aws, Stubber]) -> None:
        aws, stub = sts
        stub.add_client_error("assume_role", "AccessDenied", "not authorized to perform: sts:AssumeRole", 403)
        todo = rf"^STS\.AssumeRole answered AccessDenied: .*{ROLE} .* orders/production\. .*docs/accounts\.md"
        with pytest.raises(AccessDenied, match=todo):
            self.key_of(aws.at(ELSEWHERE, Power.DEPLOY, SESSION))

    @pytest.mark.parametrize(
        ("code", "status", "fault"),
        [
            ("Throttling", 400, Throttled),
            ("ServiceUnavailable", 503, ServiceUnavailable),
            ("RegionDisabledException", 403, AwsFault),
            ("SignatureDoesNotMatch", 403, AwsFault),
        ],
    )
    def test_what_keeps_a_role_from_being_assumed_is_told_as_what_it_is(
        self, sts: tuple[Aws, Stubber], code: str, status: int, fault: type[AwsFault]
    ) -> None:
        aws, stub = sts
        other = aws.at(ELSEWHERE, Power.DEPLOY, SESSION)
        stub.add_client_error("assume_role", code, "said STS", status)
        with pytest.raises(AwsFault) as caught:
            other.stacks.describe_stack("orders-network")
        assert type(caught.value) is fault, "a machine tries the first two again"
        assert (caught.value.operation, caught.value.code) == ("STS.AssumeRole", code)
        stub.add_response("assume_role", self.answer(1, timedelta(hours=1)))
        assert self.key_of(other) == f"AKIA{1:016}", "the next look is not spoilt"

    def test_belay_s_own_account_and_region_needs_no_role(self, sts: tuple[Aws, Stubber]) -> None:
        aws, stub = sts
        assert aws.at(None, Power.DEPLOY, SESSION) is aws
        stub.add_response("get_caller_identity", {"Account": ELSEWHERE.account})
        here = replace(ELSEWHERE, region=aws.region)
        assert [aws.at(here, power, SESSION) for power in Power] == [aws] * len(Power)
        assert aws.at(ELSEWHERE, Power.DEPLOY, SESSION) is not aws, "the same account, another region"

    def test_each_power_and_each_session_has_credentials_of_its_own(self, sts: tuple[Aws, Stubber]) -> None:
        aws, _ = sts
        sessions = [Session("orders", "production", "1.3.0", f"{number:012x}") for number in range(20)]
        held = [aws.at(ELSEWHERE, power, session) for session in sessions for power in Power]
        assert len({id(each) for each in held}) == 20 * len(Power)
        assert aws.at(ELSEWHERE, [*Power][-1], sessions[-1]) is held[-1]
        assert aws.at(ELSEWHERE, Power.LOOK, sessions[0]) is not held[0], "the oldest are forgotten"


@pytest.mark.parametrize(
    ("session", "name"),
    [
        (Session("orders", "test", "1.3.0+build 7", "1f0c2d3e4b5a"), "orders-1.3.0+build-7-1f0c2d3e4b5a"),
        (Session("o" * 40, "test", "1" * 40, "1f0c2d3e4b5a"), f"{'o' * 40}-{'1' * 10}-1f0c2d3e4b5a"),
        (Session("orders", "production", "sweep"), "orders-sweep"),
    ],
)
def test_a_session_s_name_is_one_that_sts_takes(session: Session, name: str) -> None:
    assert session.name == name
    assert re.fullmatch(r"[\w+=,.@-]{2,64}", session.name, re.ASCII)


def test_times_sort_as_they_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [datetime(2026, 1, 1, 9, 59, 59, 999_999, UTC), datetime(2026, 1, 1, 10, 0, 0, 0, UTC)]
    texts = []
    for moment in moments:
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        texts.append(clock.timestamp())
    assert texts == ["2026-01-01T09:59:59.999+00:00", "2026-01-01T10:00:00.000+00:00"]
    assert clock.lease(900) - clock.lease(0) == 900


def test_now_is_in_utc() -> None:
    assert clock.now().tzinfo is UTC
