"""Access to the console: one browser of this machine, and no pages of other sites."""

from __future__ import annotations

import boto3
import pytest
from asked_console import AskedConsole
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from belay.aws.signed_in import SignedIn
from cli.__main__ import main
from cli.account import Account
from cli.console.command import bound, serve
from cli.console.door import CONTENT_SECURITY_POLICY, Door, Keys
from cli.problems import Refused


def _inside(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"inside {request.url.path}")


@pytest.fixture
def asked() -> AskedConsole:
    everything = Route("/{path:path}", _inside, methods=["GET", "POST"])
    return AskedConsole(lambda keys: Starlette(routes=[everything], middleware=[Middleware(Door, keys=keys)]))


def test_whoever_was_let_in_is_answered(asked: AskedConsole) -> None:
    assert asked.get("/anything").text == "inside /anything"
    assert asked.post("/anything", {}).text == "inside /anything"
    assert asked.get("/anything", sec_fetch_site="same-origin", origin=asked.keys.origin).status == 200


def test_the_address_is_exchanged_once_for_a_cookie(asked: AskedConsole) -> None:
    entered = asked.ask("GET", f"/?token={asked.keys.entry}")
    assert (entered.status, entered.headers["location"]) == (303, "/")
    cookie = entered.headers["set-cookie"]
    assert cookie.startswith(f"{asked.keys.cookie}={asked.keys.session}; ")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    again = asked.ask("GET", f"/?token={asked.keys.entry}")
    assert again.status == 403
    assert "already used" in again.text
    assert "set-cookie" not in again.headers
    assert asked.get(f"/?token={asked.keys.entry}").status == 303  # a signed-in person follows it again


def test_a_wrong_token_does_not_use_the_address_up(asked: AskedConsole) -> None:
    assert asked.ask("GET", "/?token=guess").status == 403
    assert asked.ask("GET", f"/?token={asked.keys.entry}").status == 303


@pytest.mark.parametrize("path", ["/", "/static/console.js", "/live/", "/releases/orders/1.0.0", "/nothing"])
def test_nobody_comes_in_without_the_cookie(asked: AskedConsole, path: str) -> None:
    for cookie in ("", f"{asked.keys.cookie}=guess", "belay-console-4001=" + asked.keys.session):
        refused = asked.ask("GET", path, headers={"cookie": cookie})
        assert refused.status == 403
        assert "was not let in" in refused.text


@pytest.mark.parametrize("host", ["", "localhost:4000", "127.0.0.1", "127.0.0.1:80", "attacker.example:4000"])
def test_another_host_is_not_answered(asked: AskedConsole, host: str) -> None:
    """A name that an attacker's DNS server points to this machine is still another name."""
    refused = asked.get("/", host=host)
    assert refused.status == 403
    assert "127.0.0.1:4000 only" in refused.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://attacker.example"},
        {"origin": "http://127.0.0.1:8000"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_a_page_of_another_origin_is_refused(asked: AskedConsole, headers: dict[str, str]) -> None:
    assert asked.get("/", **headers).status == 403
    assert asked.post("/pause", {}, **headers).status == 403


def test_a_request_that_changes_something_has_to_say_where_it_comes_from(asked: AskedConsole) -> None:
    assert asked.post("/pause", {}, origin="").status == 403


@pytest.mark.parametrize("path", ["/", "/nothing", "/static/console.css"])
def test_every_answer_says_what_a_page_may_do(asked: AskedConsole, path: str) -> None:
    for answer in (asked.get(path), asked.ask("GET", path)):
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY


def test_it_listens_on_the_loopback_interface_alone() -> None:
    with bound(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"
        with pytest.raises(Refused, match="choose another --port"):
            bound(listening.getsockname()[1])


class _Elsewhere:
    @staticmethod
    def getsockname() -> tuple[str, int]:
        return ("192.0.2.7", 4000)


def test_it_refuses_to_be_served_elsewhere() -> None:
    belay = Account(SignedIn(boto3.Session(region_name="eu-west-1")), "belay", {})
    with pytest.raises(Refused, match=r"on 127\.0\.0\.1 only, not on 192\.0\.2\.7"):
        serve(belay, Keys(4000), _Elsewhere())  # type: ignore[arg-type]


def test_the_command_prints_the_address_and_opens_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    belay = Account(SignedIn(boto3.Session(region_name="eu-west-1")), "belay", {})
    served: list[Keys] = []
    opened: list[str] = []
    monkeypatch.setattr(Account, "of", lambda arguments: belay)
    monkeypatch.setattr("cli.console.command.serve", lambda belay, keys, listening: served.append(keys))
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert main(["console", "--no-browser"]) == 0
    assert f"  {served[0].address}\n" in capsys.readouterr().out
    assert opened == []
    assert main(["console"]) == 0
    assert opened == [served[1].address]
    assert served[0].entry != served[1].entry


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["console", f"--port={port}"]) == 2
    assert "Invalid value for '--port'" in capsys.readouterr().err
