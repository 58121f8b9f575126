"""One structured log line when an invocation begins, one when it fails, both naming the release."""

from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any

from aws_lambda_powertools import Logger

_SERVICE = "belay"

Handler = Callable[[Mapping[str, Any], Any], dict[str, Any]]


@cache
def logger() -> Logger:
    """Return the process's logger."""
    return Logger(service=_SERVICE)


def observed(handler: Handler) -> Handler:
    """Log an invocation of a handler with the release, stage and incident of its payload; faults are raised again."""

    @wraps(handler)
    def wrapper(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        log = logger()
        log.append_keys(function=getattr(context, "function_name", ""), **_subject(event))
        log.info("begins")
        try:
            return handler(event, context)
        except Exception:
            log.exception("failed")
            raise

    return wrapper


def _subject(event: Mapping[str, Any]) -> dict[str, Any]:
    release = event.get("release") or {}
    return {
        "application": release.get("application", event.get("application")),
        "version": release.get("version"),
        "attempt": release.get("attempt"),
        "stage": event.get("stage"),
        "incident": event.get("incident"),
        "execution": event.get("execution"),
    }
