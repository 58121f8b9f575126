"""Shared by the tests of custom resources: a receiver of responses, and the functions as Lambda loads them."""

import importlib
import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType
from typing import Any

import pytest
from custom_resource_requests import FOLDER, Answers
from moto import mock_aws


@pytest.fixture(autouse=True)
def shares_sessions(shared_sessions: None) -> None:
    """Most tests here create clients, which takes longer than what they do with them."""


@pytest.fixture
def answers() -> Iterator[Answers]:
    """A receiver like the presigned URL: it accepts a PUT."""
    found = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if found.refusals:
                found.refusals -= 1
                self.send_response(503)
            else:
                found.append(json.loads(body))
                found.content_types.append(self.headers["Content-Type"])
                self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/answer"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """``function("lookup_parameter")`` is the module as Lambda would load it, with an AWS simulated by moto."""
    names = {path.stem for path in (FOLDER / "functions").glob("*.py")}
    monkeypatch.syspath_prepend(str(FOLDER / "functions"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws(config={"core": {"mock_credentials": True, "passthrough": {"urls": [r"http://127\.0\.0\.1.*"]}}}):
        yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)
