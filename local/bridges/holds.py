"""Gap: none. Calls that wait until a test releases them, so that it acts at a known moment.

A hold names an operation, as a fault does; its calls wait one after the other. API requests are held as well as the
calls that Step Functions makes by itself. This stays as long as Belay is tested on the engine.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ministack.app
from ministack.services import stepfunctions

from local.bridges import requests

LOOK_EVERY_SECONDS = 0.02


@dataclass
class HeldOperation:
    """The waiting calls of one operation: how many have arrived, and how many of them may continue."""

    service: str
    operation: str
    only_if: Mapping[str, str]
    after: bool
    came: int = 0
    may_go: float = 0


@dataclass
class Holds:
    """The current holds, by number. Requests and executions run on several threads."""

    by_number: dict[int, HeldOperation] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, **asked: Any) -> int:
        """Hold the calls that the fields of a ``HeldOperation`` describe, from now on; return the hold's number."""
        with self.lock:
            number = next(self.numbers)
            self.by_number[number] = HeldOperation(**asked)
            return number

    def waiting(self, number: int) -> bool:
        """Whether a call is waiting there."""
        with self.lock:
            hold = self.by_number.get(number)
            return hold is not None and hold.came > hold.may_go

    def let_go(self, number: int) -> None:
        """Let the call that has waited longest continue."""
        with self.lock:
            self.by_number[number].may_go += 1

    def end(self, number: int) -> None:
        """End the hold, and let waiting calls continue."""
        with self.lock:
            hold = self.by_number.pop(number, None)
            if hold is not None:
                hold.may_go = float("inf")

    def clear(self) -> None:
        """End them all."""
        for number in list(self.by_number):
            self.end(number)

    def of(self, call: requests.RequestCall) -> HeldOperation | None:
        """The hold that applies to a call."""
        with self.lock:
            return next((hold for hold in self.by_number.values() if requests.is_asked(call, hold)), None)

    def arrive(self, hold: HeldOperation) -> int:
        """Record that one more call waits; return its position among them."""
        with self.lock:
            hold.came += 1
            return hold.came


current = Holds()


def install() -> None:
    """Hold API requests and Step Functions' own calls."""
    _install_api()
    _install_integrations()


def _install_api() -> None:
    dispatch = ministack.app._dispatch_service_request

    async def dispatch_when_let_go(*request: Any) -> Any:
        method, path, headers, body, query, _ = request
        call = requests.identify(method, path, headers, body, query) if current.by_number else None
        hold = current.of(call) if call else None
        if hold is None:
            return await dispatch(*request)
        answer = await dispatch(*request) if hold.after else None
        place = current.arrive(hold)
        while place > hold.may_go:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        return answer if hold.after else await dispatch(*request)

    ministack.app._dispatch_service_request = dispatch_when_let_go


def _install_integrations() -> None:
    invoke = stepfunctions._invoke_resource

    def invoke_when_let_go(resource: str, arguments: Any) -> Any:
        call = requests.identify_integration(resource, arguments) if current.by_number else None
        hold = current.of(call) if call else None
        if hold is None:
            return invoke(resource, arguments)
        answer = invoke(resource, arguments) if hold.after else None
        place = current.arrive(hold)
        while place > hold.may_go:
            time.sleep(LOOK_EVERY_SECONDS)
        return answer if hold.after else invoke(resource, arguments)

    stepfunctions._invoke_resource = invoke_when_let_go
