"""A link with which anyone who has it can answer one approval: its token, its page and its form.

Its token names its subject with a message authentication code. It is invalid for another attempt or another seal, after
it expires, and once somebody has answered. A GET shows the question and changes nothing, however often mail scanners
follow it; the answer is a form that a person submits.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs

from belay.approval.asked import AskedApproval
from belay.approval.decision import Decision, answered_before, parse_decision
from belay.approval.elements import digest_of, escaped, page
from belay.approval.principal import Principal
from belay.approval.request import ApprovalText
from belay.events.function_url import Refusal

BEARER: Final = Principal("a signed link")
"""The principal of an answer by link. The person is unknown, so it cannot satisfy four eyes."""

LONGEST_FORM: Final = 32_768
"""Characters of a POST body: a token, and a comment whose characters may take twelve each when encoded."""

_LONGEST_TOKEN: Final = 4_096
_LONGEST_MESSAGE: Final = 4_096
"""Bytes that VerifyMac accepts (https://docs.aws.amazon.com/kms/latest/APIReference/API_VerifyMac.html)."""

_TOKEN: Final = re.compile(r"(?P<body>[A-Za-z0-9_-]+)\.(?P<code>[A-Za-z0-9_-]+)")

_STYLE: Final = """
:root{color-scheme:light dark}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:44rem;margin:0 auto;padding:1.25rem 1rem 4rem}
h1{font-size:1.5rem;line-height:1.25}
h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
li,p{overflow-wrap:anywhere}
textarea{width:100%;min-height:5rem;font:inherit}
button{font:inherit;font-weight:600;padding:.6rem 1.4rem;margin:.8rem .8rem 0 0;border-radius:.5rem;border:1px solid}
"""

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": f"default-src 'none'; style-src '{digest_of(_STYLE)}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex",
}
"""The headers of every response: no scripts, no caching, no referrer, no framing."""


@dataclass(frozen=True)
class Link:
    """A link's subject. ``seal`` is the whole digest, ``expires_at`` an ISO 8601 time."""

    application: str
    version: str
    stage: str
    attempt: str
    seal: str
    expires_at: str

    @property
    def message(self) -> bytes:
        """The bytes that the code is computed over: the same for the same link. At most 4,096, KMS's limit."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    def token(self, code: bytes) -> str:
        """Return the token in the link."""
        return f"{_encoded(self.message)}.{_encoded(code)}"

    def refuse_stale(self, approval: AskedApproval | None, now: datetime) -> Refusal | None:
        """Return why a link with a valid code is no longer valid, or None."""
        if datetime.fromisoformat(self.expires_at) <= now:
            return Refusal(410, "Expired", f"this link expired at {self.expires_at}")
        if approval is None or (approval.attempt, approval.digest) != (self.attempt, self.seal):
            return Refusal(410, "Ended", "this link is about an earlier attempt at the release")
        about = f"{self.application} {self.version} in {self.stage}"
        return None if approval.answer is None else answered_before(about, approval.answer)


def parse_token(text: str) -> tuple[Link, bytes] | None:
    """Parse a token, which may be anything, into its claimed subject and its code; None if it is not a token.

    Nothing in it can be trusted before the code is verified.
    """
    found = _TOKEN.fullmatch(text) if len(text) <= _LONGEST_TOKEN else None
    if found is None:
        return None
    try:
        document, code = json.loads(_decoded(found["body"])), _decoded(found["code"])
        fields = {name: document[name] for name in Link.__dataclass_fields__}
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        return None
    if not all(isinstance(value, str) for value in fields.values()):
        return None
    link = Link(**fields)
    return (link, code) if len(link.message) <= _LONGEST_MESSAGE else None


def parse_answer(body: str, link: Link) -> Decision | Refusal:
    """Read the form that a person submitted."""
    sent = parse_qs(body, max_num_fields=10) if body.count("&") < 10 else {}  # noqa: PLR2004 - the form has three fields
    words = sent.get("decision", [""])
    document = {
        "decision": words[0] if len(words) == 1 and words[0] in ("approve", "reject") else "",
        "application": link.application,
        "version": link.version,
        "stage": link.stage,
        "seal": link.seal,
        "comment": " ".join(sent.get("comment", [])),
    }
    return parse_decision(json.dumps(document))


def ask_page(link: Link, told: ApprovalText, token: str) -> str:
    """Return the question's page: what would change, and a form. ``told`` is the message's text."""
    more = "".join(_listed(title, lines) for title, lines in told.more.items())
    return _page(
        f"Approve {link.application} {link.version} in {link.stage}?",
        f"<p>{escaped(told.what)} Without an answer by {escaped(told.until)}, it ends ABORTED.</p>\n"
        f"{_listed('Changes, the riskiest first', told.changes)}{more}"
        '<h2>Your answer</h2>\n<form method="post">\n'
        f'<input type="hidden" name="token" value="{escaped(token, len(token))}">\n'
        '<p><label>Comment<br><textarea name="comment" maxlength="1024"></textarea></label></p>\n'
        '<button name="decision" value="approve">Approve</button>'
        '<button name="decision" value="reject">Reject</button>\n</form>\n'
        "<p>This link answers once, for anyone who has it. For the full report, and to answer in your own name, use "
        f"{escaped(told.report)}.</p>\n",
    )


def told_page(title: str, text: str) -> str:
    """Return the page with the result."""
    return _page(title, f"<p>{escaped(text)}</p>\n")


def _listed(title: str, lines: Sequence[str]) -> str:
    return f"<h2>{escaped(title)}</h2>\n<ul>{''.join(f'<li>{escaped(line)}</li>' for line in lines)}</ul>\n"


def _page(title: str, content: str) -> str:
    return page(title, f"<h1>{escaped(title)}</h1>\n{content}", _STYLE)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
