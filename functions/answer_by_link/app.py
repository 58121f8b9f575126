"""Shows the question of a signed link, and takes the answer that a person submits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from belay.approval.link import (
    BEARER,
    LONGEST_FORM,
    SECURITY_HEADERS,
    Link,
    ask_page,
    parse_answer,
    parse_token,
    told_page,
)
from belay.approval.request import ApprovalText
from belay.aws.clock import now
from belay.aws.kms import MacKey
from belay.aws.s3 import ArtifactBucket
from belay.control.decisions import Decisions
from belay.errors import MissingDocument
from belay.events.function_url import FunctionUrlRequest, Refusal
from belay.home import own_home
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    link_key_id: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return a page: the question for a GET, the result of the answer for a POST."""
    home, settings = own_home(), read(Settings)
    request, moment = FunctionUrlRequest.from_event(event), now()
    link = opened(request, home.aws.mac_key(settings.link_key_id), home.ledger, moment)
    if isinstance(link, Refusal):
        return refused(link)
    if request.method == "GET":
        return shown(200, ask_page(link, told(link, home.ledger, home.artifacts), request.query["token"]))
    return taken(request, link, Decisions(home.ledger, home.aws.executions), moment)


def opened(request: FunctionUrlRequest, key: MacKey, ledger: Ledger, moment: datetime) -> Link | Refusal:
    """Return the subject of a request's link, once its code is verified, or why the link is invalid."""
    if request.method not in ("GET", "POST"):
        return Refusal(405, "MethodNotAllowed", "a link is opened by GET and answered by POST")
    if len(request.body) > LONGEST_FORM:
        return Refusal(413, "TooLarge", "this is more than the form of a link can send")
    sent = parse_qs(request.body).get("token", [""])[0] if request.method == "POST" else request.query.get("token", "")
    parsed = parse_token(sent)
    if parsed is None or not key.verify_mac(parsed[0].message, parsed[1]):
        return Refusal(403, "Forged", "this link is not one that Belay sent, or not the whole of it")
    link, _ = parsed
    attempt = ledger.attempts.current(link.application, link.version)
    release = None if attempt is None else attempt.release
    asked = None if release is None else ledger.approvals.asked_of(release, link.stage)
    return link.refuse_stale(asked, moment) or link


def told(link: Link, ledger: Ledger, artifacts: ArtifactBucket) -> ApprovalText:
    """Return the text of the link's message."""
    attempt = ledger.attempts.current(link.application, link.version)
    if attempt is None or attempt.release is None:
        raise MissingDocument(f"the ledger has no release {link.application} {link.version}")
    return ApprovalText.from_dict(artifacts.require_json(attempt.release.stage_key(link.stage, "approval.json")))


def taken(request: FunctionUrlRequest, link: Link, decisions: Decisions, moment: datetime) -> dict[str, Any]:
    """Take the answer from a form, and return the page with the result."""
    decision = parse_answer(request.body, link)
    if isinstance(decision, Refusal):
        return refused(decision)
    answer = decisions.take(decision, BEARER, moment.isoformat(timespec="milliseconds"))
    if isinstance(answer, Refusal):
        return refused(answer)
    return shown(200, told_page("Thank you", f"{decision.about}: {answer.in_words}"))


def refused(refusal: Refusal) -> dict[str, Any]:
    """Return the page that says why not."""
    return shown(refusal.status, told_page("This cannot be answered here", refusal.message))


def shown(status: int, page: str) -> dict[str, Any]:
    """Return a page as an HTTP response."""
    return {"statusCode": status, "headers": dict(SECURITY_HEADERS), "body": page}
