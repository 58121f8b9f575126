"""A large ledger needs no more requests than a small one, for any reader or writer."""

from collections.abc import Callable, Iterator
from typing import Any

import grown_ledger
import pytest
from grown_ledger import GrownOffice, upload_number
from moto.dynamodb.models import table as moto_table

from belay.aws.gateways import own_aws
from belay.release.records import upload_of


@pytest.fixture
def office(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[GrownOffice]:
    monkeypatch.delenv("BELAY_STACK", raising=False)
    own_aws.cache_clear()
    office = GrownOffice()
    for name, value in office.environment.items():
        monkeypatch.setenv(name, value)
    yield office
    own_aws.cache_clear()


def test_nothing_asks_more_of_a_ledger_that_has_grown(office: GrownOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    # With half of DynamoDB's page size, half of the releases show who reads more of them.
    monkeypatch.setattr(grown_ledger, "PAGE_BYTES", grown_ledger.PAGE_BYTES // 2)
    monkeypatch.setattr(moto_table, "RESULT_SIZE_LIMIT", moto_table.RESULT_SIZE_LIMIT // 2)
    office.grow(10)
    few = {name: requests.by_operation for name, requests in office.measured().items()}
    office.grow(150)
    many = {name: requests.by_operation for name, requests in office.measured().items()}
    assert all(few.values()), "everything here reads the ledger"
    more = {
        name: (few[name], asked)
        for name, asked in many.items()
        if any(count > few[name].get(operation, 0) for operation, count in asked.items())
    }
    assert more == {}


def test_expired_uploads_that_are_not_deleted_yet_hide_no_older_release(
    office: GrownOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HISTORY_DAYS", "0")
    for number in range(20):
        late = upload_of("orders", "releases-bucket", "releases/orders/late.zip", f"v{number}", 1)
        assert office.ledger.attempts.claim(late, "e", f"2026-02-01T10:00:{number:02}.000+00:00")
    assert [each.id for each in office.ledger.attempts.newest("orders", 1)] == [upload_number(1).attempt]
