import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from belay.errors import StackFailed
from belay.observability import logger, observed

EVENT = {
    "release": {"application": "orders", "version": "1.0.0", "digest": "d", "attempt": "0123456789ab"},
    "stage": "production",
    "execution": "e1",
    "task_token": "a secret",
}


class Context:
    function_name = "execute_wave"


@pytest.fixture(autouse=True)
def logging_anew() -> Iterator[None]:
    """A separate process for each test: a logger keeps the stream it was created with."""
    forget_logger()
    yield
    forget_logger()


def forget_logger() -> None:
    logger.cache_clear()
    logging.Logger.manager.loggerDict.pop("belay", None)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def invoke(event: Mapping[str, Any], failure: Exception | None = None) -> dict[str, Any]:
    @observed
    def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        if failure is not None:
            raise failure
        return {"done": True}

    return handler(event, Context())


def test_an_invocation_is_logged_with_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(EVENT) == {"done": True}
    (line,) = lines(capsys)
    about = {"application": "orders", "version": "1.0.0", "attempt": "0123456789ab", "stage": "production"}
    assert line.items() >= (about | {"function": "execute_wave", "execution": "e1", "service": "belay"}).items()
    assert "a secret" not in json.dumps(line)


def test_a_fault_is_logged_with_its_trace_and_raised_again(capsys: pytest.CaptureFixture[str]) -> None:
    failure = StackFailed("network is UPDATE_FAILED")
    with pytest.raises(StackFailed) as caught:
        invoke(EVENT, failure)
    assert caught.value is failure
    begins, failed = lines(capsys)
    assert (begins["level"], failed["level"]) == ("INFO", "ERROR")
    assert failed["exception_name"] == "StackFailed"
    assert "network is UPDATE_FAILED" in failed["exception"]
    assert failed["version"] == "1.0.0"


def test_an_invocation_does_not_inherit_what_the_last_one_was_about(capsys: pytest.CaptureFixture[str]) -> None:
    invoke(EVENT)
    invoke({"detail": {}})
    _, second = lines(capsys)
    assert not {"orders", "production", "e1"} & set(map(str, second.values()))


@pytest.mark.parametrize("event", [{}, {"release": None}, {"source": "aws.s3", "detail": {"bucket": {"name": "b"}}}])
def test_any_event_can_be_observed(event: dict[str, Any]) -> None:
    assert invoke(event) == {"done": True}
