"""boto3's sessions and clients, shared by the tests of a process: creating them takes longer than most tests."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import boto3

_Session = boto3.Session
_Arguments = tuple[tuple[str, Any], ...]


class SharedSession(_Session):
    """A session that creates one client for the same arguments, and returns copies of it.

    An attribute that is set on a copy is its own. After ``events.register`` on a client, the next one is a new one.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._clients: dict[tuple[str, _Arguments], Any] = {}

    def client(self, service_name: str, region_name: str | None = None, **more: Any) -> Any:  # type: ignore[override]
        """What ``boto3.Session.client`` returns."""
        key = (service_name, tuple(sorted({"region_name": region_name, **more}.items())))
        if key not in self._clients:
            made = super().client(service_name, region_name, **more)  # type: ignore[call-overload]
            register = made.meta.events.register

            def register_alone(*handler: Any, **about: Any) -> None:
                self._clients.pop(key, None)
                register(*handler, **about)

            made.meta.events.register = register_alone
            self._clients[key] = made
        return _copy(self._clients[key])


def _copy(client: Any) -> Any:
    copied = object.__new__(type(client))
    vars(copied).update(vars(client))
    return copied


def session(**arguments: Any) -> _Session:
    """What ``boto3.Session`` returns; shared while the arguments and AWS's variables are the same."""
    if "botocore_session" in arguments:
        return _Session(**arguments)
    variables = sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_"))
    return _shared(tuple(sorted(arguments.items())), tuple(variables))


@cache
def _shared(arguments: _Arguments, variables: tuple[tuple[str, str], ...]) -> SharedSession:
    return SharedSession(**dict(arguments))
