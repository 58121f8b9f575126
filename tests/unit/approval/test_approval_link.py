"""Signed links: invalid ones are rejected, stale ones have no effect, and pages are safe with hostile content."""

import base64
import hashlib
import hmac
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.approval.asked import AskedApproval, GivenAnswer
from belay.approval.decision import Decision
from belay.approval.link import SECURITY_HEADERS, Link, ask_page, parse_answer, parse_token, told_page
from belay.approval.request import ApprovalText
from belay.approval.seal import Seal
from belay.events.function_url import Refusal

SEAL = "0123456789abcdef" * 4
LINK = Link("orders", "1.2.0", "production", "aaaaaaaaaaaa", SEAL, "2026-03-09T12:00:00.000+00:00")
CODE = hmac.new(b"key", LINK.message, hashlib.sha256).digest()
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOLD = ApprovalText(
    what="orders 1.2.0 is ready to deploy to production.",
    until="2026-03-09 12:00 UTC",
    changes=("service: DELETES Orders",),
    more={"Policies": ("PASS of the templates",)},
    answers={},
    report="belay show orders/1.2.0 --report",
)


def test_a_link_is_read_as_it_was_written() -> None:
    assert parse_token(LINK.token(CODE)) == (LINK, CODE)
    assert len(LINK.message) < 4_096


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a.b",
        LINK.token(CODE) + "!",
        LINK.token(CODE).replace(".", ""),
        LINK.token(CODE) + ".x",
        "bnVsbA.AAAA",
        "W10.AAAA",
        "eyJhIjoxfQ.AAAA",
        "A" * 5_000 + ".AAAA",
        "\u00e9.\u00e9",
        replace(LINK, stage="\u00e9" * 1_000).token(CODE),
        base64.urlsafe_b64encode(json.dumps({**asdict(LINK), "stage": "\u00e9" * 900}, ensure_ascii=False).encode())
        .decode()
        .rstrip("=")
        + ".AAAA",
    ],
)
def test_what_is_no_link_is_none(text: str) -> None:
    assert parse_token(text) is None


@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_-]{1,200}\.[A-Za-z0-9_-]{1,60}", fullmatch=True))
def test_whatever_is_opened_is_read_or_not(text: str) -> None:
    parsed = parse_token(text)
    assert parsed is None or isinstance(parsed[0], Link)


@pytest.mark.parametrize("name", Link.__dataclass_fields__)
def test_every_part_of_a_link_is_under_its_code(name: str) -> None:
    forged = replace(LINK, **{name: "other"})
    assert forged.message != LINK.message


def approval(**changed: Any) -> AskedApproval:
    known = {"requested_at": LINK.expires_at, "expires_at": LINK.expires_at, "four_eyes": False}
    given: dict[str, Any] = {"attempt": LINK.attempt, "digest": SEAL, "seal": Seal({}), **known, **changed}
    return AskedApproval(LINK.stage, task_token="token", **given)


@pytest.mark.parametrize(
    ("now", "asked", "status"),
    [
        (NOW, approval(), None),
        (datetime(2026, 3, 9, 12, tzinfo=UTC), approval(), 410),
        (NOW, None, 410),
        (NOW, approval(attempt="bbbbbbbbbbbb"), 410),
        (NOW, approval(digest="f" * 64), 410),
        (NOW, approval(answer=GivenAnswer("approve", "maria", "today")), 409),
    ],
)
def test_a_link_is_worth_something_once_and_in_its_time(now: datetime, asked: Any, status: int | None) -> None:
    refusal = LINK.refuse_stale(asked, now)
    assert (refusal.status if refusal else None) == status


def test_the_form_is_read() -> None:
    body = urlencode({"token": "t", "decision": "approve", "comment": "looks\r\nright"})
    expected = Decision("approve", "orders", "1.2.0", "production", comment="looks right", seal=SEAL)
    assert parse_answer(body, LINK) == expected


@pytest.mark.parametrize(
    "body",
    [
        "",
        "decision=",
        "decision=override&comment=x",
        "decision=approve&decision=reject",
        "decision=approve&" + "a=b&" * 50,
        "decision=approve&comment=" + "x" * 2_000,
        '{"decision": "approve"}',
        "%ff%00",
    ],
)
def test_a_form_that_is_none_is_refused(body: str) -> None:
    assert isinstance(parse_answer(body, LINK), Refusal)


class Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_asks_and_only_its_form_answers() -> None:
    elements = Elements(ask_page(LINK, TOLD, LINK.token(CODE))).found
    forms = [attributes for tag, attributes in elements if tag == "form"]
    assert forms == [{"method": "post"}]
    (hidden,) = [attributes for tag, attributes in elements if tag == "input"]
    assert hidden["value"] == LINK.token(CODE)
    assert [attributes["value"] for tag, attributes in elements if tag == "button"] == ["approve", "reject"]
    assert not [tag for tag, _ in elements if tag in ("a", "img", "script", "link", "iframe")]


@pytest.mark.parametrize(
    "text", ["<script>x</script>", '"><img src=x onerror=x>', "</style><b>", "' autofocus onfocus='x"]
)
def test_what_is_hostile_is_shown_as_text(text: str) -> None:
    told = ApprovalText(what=text, until=text, changes=(text,), more={text: (text,)}, answers={}, report=text)
    hostile = Elements(ask_page(replace(LINK, application=text, version=text, stage=text), told, "a.b")).found
    plain = Elements(ask_page(LINK, TOLD, "a.b")).found
    assert {tag for tag, _ in hostile} == {tag for tag, _ in plain}
    assert {name for _, each in hostile for name in each} == {name for _, each in plain for name in each}
    assert "<b>" not in told_page(text, "<b>")


def test_a_browser_is_told_to_run_nothing_and_to_tell_nobody() -> None:
    policy = SECURITY_HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert SECURITY_HEADERS["referrer-policy"] == "no-referrer"
    assert SECURITY_HEADERS["cache-control"] == "no-store"
