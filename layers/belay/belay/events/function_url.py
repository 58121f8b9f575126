"""Requests and responses of a Lambda function URL."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.errors import InvalidEvent
from belay.events.envelope import read, read_optional


@dataclass(frozen=True, kw_only=True)
class FunctionUrlRequest:
    """An HTTP request in payload format 2.0.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html; sample ``events/aws.lambda/function_url.json``.

    ``user_arn`` and ``user_id`` are the IAM principal that signed the request; they are empty if the URL requires no
    authorization. ``query`` has each name's values joined by commas, as Lambda passes them.
    """

    method: str
    query: Mapping[str, str]
    body: str
    user_arn: str
    user_id: str

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "FunctionUrlRequest":
        """Read the event. Raises ``InvalidEvent`` with the path for any other event."""
        iam = ("requestContext", "authorizer", "iam")
        return cls(
            method=read(event, "requestContext", "http", "method", kind=str),
            query=read_optional(event, "queryStringParameters", kind=dict) or {},
            body=_body(event),
            user_arn=read_optional(event, *iam, "userArn", kind=str) or "",
            user_id=read_optional(event, *iam, "userId", kind=str) or "",
        )

    def refuse_unsigned(self, what: str) -> "Refusal | None":
        """Return why a request is refused before it is read; ``what`` describes its purpose."""
        if self.method != "POST":
            return Refusal(405, "MethodNotAllowed", f"{what} by POST")
        if not self.user_arn:
            return Refusal(403, "Unsigned", "the request is not signed: sign it with Signature Version 4")
        return None


@dataclass(frozen=True)
class Refusal:
    """Why a request is refused: an HTTP status, an error name for programs, and a sentence for people."""

    status: int
    error: str
    message: str


def json_response(result: Mapping[str, Any] | Refusal) -> dict[str, Any]:
    """Return the HTTP response with the result or the refusal, as JSON."""
    if isinstance(result, Refusal):
        status, document = result.status, {"error": result.error, "message": result.message}
    else:
        status, document = 200, dict(result)
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(document, sort_keys=True),
    }


def _body(event: Mapping[str, Any]) -> str:
    body = read_optional(event, "body", kind=str) or ""
    if not read_optional(event, "isBase64Encoded", kind=bool):
        return body
    try:
        return base64.b64decode(body, validate=True).decode(errors="replace")
    except ValueError:
        raise InvalidEvent("body: expected base64") from None
