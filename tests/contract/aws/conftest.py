"""AWS simulated by moto, and clients with stubbed responses that are checked against botocore's models."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.stub import Stubber
from moto import mock_aws
from shared_clients import SharedSession
from simulated_ledger import empty_ledger

from belay.ledger.ledger import Ledger

REGION = "eu-west-1"
SESSION = SharedSession(region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing")

ONCE = Config(retries={"max_attempts": 0}, connect_timeout=1, read_timeout=1)


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch, shared_sessions: None) -> None:
    """Tests here cannot reach an account, whatever credentials the machine has; functions have their environment."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_SESSION_TOKEN": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "LEDGER_TABLE": "ledger",
        "ARTIFACT_BUCKET": "artifacts",
        "POLL_SECONDS": "15",
        "HISTORY_DAYS": "4000",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def simulated(no_account: None) -> Iterator[Callable[[str], Any]]:
    """``simulated("s3")`` is a client of an AWS simulated by moto, empty at the start of each test."""
    with mock_aws():
        yield SESSION.client  # type: ignore[misc]


@pytest.fixture
def ledger(simulated: Callable[[str], Any]) -> Ledger:
    """An empty ledger in the AWS simulated by moto."""
    return empty_ledger(simulated("dynamodb"))


@pytest.fixture
def stubbed(no_account: None) -> Iterator[Callable[[str], tuple[Any, Stubber]]]:
    """``stubbed("s3")`` is a client and its stubber; every stubbed response must have been used."""
    stubbers: list[Stubber] = []

    def make(service: str) -> tuple[Any, Stubber]:
        client = SESSION.client(service, config=ONCE)  # type: ignore[call-overload]
        stubbers.append(Stubber(client))
        stubbers[-1].activate()
        return client, stubbers[-1]

    yield make
    for stubber in stubbers:
        stubber.assert_no_pending_responses()
        stubber.deactivate()
