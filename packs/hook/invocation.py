"""CloudFormation's request: the invocation of a Lambda Hook, and the template that it points to.

https://docs.aws.amazon.com/cloudformation-cli/latest/hooks-userguide/lambda-hooks-create-lambda-function.html
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

from belay.errors import BelayError
from belay.stack.stack_id import name_of_stack

STACK: Final = "STACK"
"""The target that is checked: docs/decisions/0064."""

_STACK_ID: Final = re.compile(r"arn:aws[a-z-]*:cloudformation:[a-z0-9-]+:[0-9]{12}:stack/[A-Za-z][A-Za-z0-9-]*/[^/\s]+")
_S3: Final = re.compile(r"([a-z0-9.-]+\.)?s3[a-z0-9.-]*\.amazonaws\.com(\.cn)?")
_LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a payload: two templates of 1 MB, each a JSON string in which every character may be escaped."""
_SECONDS: Final = 5


class UnreadableInvocation(BelayError):  # noqa: N818 - named as the layer's
    """An invocation, or what it points to, is not of the documented shape. The stack may change, with a warning."""


@dataclass(frozen=True)
class Invocation:
    """One invocation. ``change_set_id`` is None if the operation does not execute a change set.

    ``payload`` is the presigned URL of the templates, empty for other targets than STACK and CHANGE_SET.
    """

    token: str
    target: str
    deletes: bool
    stack_id: str
    change_set_id: str | None
    payload: str

    @property
    def account(self) -> str:
        """The stack's account."""
        return self.stack_id.split(":")[4]

    @property
    def stack_name(self) -> str:
        """The stack's name."""
        return name_of_stack(self.stack_id)


def read_invocation(event: Any) -> Invocation:
    """Read an invocation. Raises ``UnreadableInvocation``.

    The documentation spells some fields in two ways (``stackId`` and ``stackID``): case is ignored.
    """
    fields, asked = _fields(event), _fields(_fields(event).get("requestdata"))
    target = _text(asked.get("targettype"))
    deletes = _text(fields.get("actioninvocationpoint")).startswith("DELETE")
    stack_id = _text(fields.get("stackid"))
    if not target:
        raise UnreadableInvocation("expected an invocation of a Hook with a targetType, found none")
    if target == STACK and not _STACK_ID.fullmatch(stack_id):
        raise UnreadableInvocation(f"expected the id of a stack, found {stack_id!r}")
    change_set_id = _text(fields.get("changesetid")) or None
    token = _text(fields.get("clientrequesttoken"))
    return Invocation(token, target, deletes, stack_id, change_set_id, _text(asked.get("payload")))


def fetch_template(url: str) -> str:
    """Return the template behind a presigned S3 URL, empty if there is none. Raises ``UnreadableInvocation``.

    Redirects and other hosts are not followed.
    """
    address = urlsplit(url)
    if address.scheme != "https" or not _S3.fullmatch(address.hostname or "") or address.port not in (None, 443):
        raise UnreadableInvocation(f"expected a presigned URL of S3, found one of {address.hostname or 'no host'!r}")
    connection = HTTPSConnection(str(address.hostname), timeout=_SECONDS)
    try:
        connection.request("GET", f"{address.path}?{address.query}")
        answer = connection.getresponse()
        body = answer.read(_LARGEST + 1)
    finally:
        connection.close()
    if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
        raise UnreadableInvocation(f"expected the payload from S3, found HTTP {answer.status}")
    if len(body) > _LARGEST:
        raise UnreadableInvocation(f"expected a payload of at most {_LARGEST} bytes, found more")
    return read_payload(body)


def read_payload(body: bytes) -> str:
    """Return the new template of a payload as it was submitted, empty if there is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableInvocation(f"expected a payload in JSON, found {error}") from error
    if not isinstance(document, Mapping) or not isinstance(document.get("template") or "", str):
        raise UnreadableInvocation("expected a payload with a template, found none")
    return document.get("template") or ""


def _fields(value: Any) -> dict[str, Any]:
    return {str(name).lower(): each for name, each in value.items()} if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
