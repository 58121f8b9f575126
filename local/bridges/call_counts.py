"""Gap: none. Counts the API calls that roles make, for benchmarks: the calls of Belay's functions to AWS.

Calls with the engine's own credentials are a test's, and do not count; nor do those that CloudFormation and Step
Functions make by themselves. This stays as long as calls are measured on the engine.
"""

import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import ministack.app

from local.bridges import requests

_KEY: Final = re.compile(r"Credential=([^/]+)/")
_OF_ROLES: Final = "ASIA"
"""The prefix of the access keys of temporary credentials
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
"""


@dataclass
class CallCounts:
    """How often each operation was called since counting began; nothing is counted before."""

    counts: Counter[str] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """Count from zero."""
        with self.lock:
            self.counts = Counter()

    def end(self) -> dict[str, int]:
        """Stop counting; return the counts by ``service Operation``."""
        with self.lock:
            found, self.counts = dict(self.counts or {}), None
            return found

    def note(self, call: requests.RequestCall) -> None:
        """Count a call."""
        with self.lock:
            if self.counts is not None:
                self.counts[f"{call.service} {call.operation}"] += 1


current = CallCounts()


def install() -> None:
    """Count API requests."""
    dispatch = ministack.app._dispatch_service_request

    async def dispatch_and_count(*request: Any) -> Any:
        method, path, headers, body, query, _ = request
        if current.counts is not None and _is_of_a_role(headers):
            call = requests.identify(method, path, headers, body, query)
            if call is not None:
                current.note(call)
        return await dispatch(*request)

    ministack.app._dispatch_service_request = dispatch_and_count


def _is_of_a_role(headers: Any) -> bool:
    key = _KEY.search(headers.get("authorization", ""))
    return key is not None and key[1].startswith(_OF_ROLES)
