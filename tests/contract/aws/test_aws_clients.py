from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from belay.aws import clock
from belay.aws.clients import PATIENT_SECONDS, client, patient_client


@pytest.fixture(autouse=True)
def made_anew() -> Iterator[None]:
    for each in (client, patient_client):
        each.cache_clear()
    yield
    for each in (client, patient_client):
        each.cache_clear()


def test_a_client_is_made_once_and_waits_for_nobody_long() -> None:
    made = client("cloudformation")
    assert client("cloudformation") is made
    config = made.meta.config
    assert config.retries["mode"] == "standard"
    attempts = config.retries["total_max_attempts"]
    assert attempts > 1
    assert attempts * (config.connect_timeout + config.read_timeout) < 60, "less than a function may run"


def test_a_patient_client_waits_long_and_asks_once() -> None:
    config = patient_client("cloudformation").meta.config
    assert (config.read_timeout, config.retries["total_max_attempts"]) == (PATIENT_SECONDS, 1)


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
