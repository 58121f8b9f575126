"""One function, several steps."""

from collections.abc import Mapping
from typing import Any

import pytest

from belay.steps import UnknownStep, one_of


def named(name: str) -> Any:
    def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        return {name: event["given"]}

    return handler


def test_the_step_that_the_payload_names_is_taken() -> None:
    handler = one_of({"open": named("opened"), "copy": named("copied")})

    assert handler({"step": "copy", "given": 1}, None) == {"copied": 1}
    assert handler({"step": "open", "given": 2}, None) == {"opened": 2}


@pytest.mark.parametrize("event", [{}, {"step": "delete"}, {"step": None}, {"step": {"action": "WAIT"}}, {"step": []}])
def test_an_unknown_step_is_an_error_that_says_which_there_are(event: Mapping[str, Any]) -> None:
    with pytest.raises(UnknownStep, match="step: expected one of copy, open, found"):
        one_of({"open": named("opened"), "copy": named("copied")})(event, None)
