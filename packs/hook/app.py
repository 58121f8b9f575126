"""The function behind Belay's CloudFormation Hook: if anything fails in it, the stack may change, with a warning.

https://docs.aws.amazon.com/cloudformation-cli/latest/hooks-userguide/lambda-hooks-create-lambda-function.html
"""

import logging
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

RESERVE = 3.0
"""Seconds of the function's timeout reserved for the response; the timeout is less than the Hook's 30 seconds."""

FAULT = "the Hook could not judge"
"""The alarm's metric filter in template.yaml looks for this."""


class TooLate(BaseException):
    """The time for a response is over. No ``except Exception`` on the way may mistake it for its own fault."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Process an invocation of the Hook. Never raises: CloudFormation would treat that as FAILED."""
    try:
        with within(context.get_remaining_time_in_millis() / 1000 - RESERVE):
            # Imported here: a failing import must not keep a stack from changing either.
            from packs.hook.answering import answered  # noqa: PLC0415

            return answered(event)
    except TooLate:
        return _unjudged(event, "it takes too long, probably because the template is too large")
    except Exception as error:
        return _unjudged(event, f"{type(error).__name__}: {error}")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise ``TooLate`` in the middle of a slow block; only for the main thread, in which a handler runs."""

    def stop(*_: object) -> None:
        raise TooLate

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _unjudged(event: Any, why: str) -> dict[str, Any]:
    logging.getLogger().exception("%s: %s", FAULT, why)
    given = event if isinstance(event, Mapping) else {}
    token = next((value for name, value in given.items() if str(name).lower() == "clientrequesttoken"), "")
    message = f"Warning: not judged by Belay's policies: {why}"
    return {"hookStatus": "SUCCESS", "message": message[:4096], "clientRequestToken": str(token)}
