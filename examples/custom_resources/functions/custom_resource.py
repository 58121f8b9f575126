"""A custom resource's protocol: exactly one response to every request.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref.html describes requests and responses.
CloudFormation waits an hour for a response that never comes, and the rollback that follows waits for another.
"""

from __future__ import annotations

import json
import logging
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from botocore.config import Config

LOG = logging.getLogger("custom_resource")
BOUNDED = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})
"""For every client: a call without a response must end before the function's own timeout."""

LARGEST_ANSWER = 4096
LONGEST_REASON = 1000
NOT_CREATED = "not-created"
_ATTEMPTS = 3
_SECONDS = 10


@dataclass(frozen=True)
class Made:
    """The result of a request: the resource's id, and the values for ``Fn::GetAtt``.

    With ``no_echo`` CloudFormation shows none of them; ``if_too_large`` says what to do if they exceed its limit.
    """

    physical_id: str
    data: Mapping[str, str] = field(default_factory=dict)
    no_echo: bool = False
    if_too_large: str = "return less"


class NotYet(Enum):
    """What ``put`` and ``delete`` return if they have only begun: no response is sent then."""

    NOT_YET = "NOT_YET"


NOT_YET = NotYet.NOT_YET


class InvalidPropertiesError(Exception):
    """Raised if the template requests something impossible; the message is for its author."""


class CustomResource:
    """A Lambda handler that reports the results of ``put`` and ``delete`` to CloudFormation.

    ``put`` gets the properties and the request, for Create and Update alike: another physical id than before makes
    CloudFormation delete the old one afterwards. ``delete`` gets a physical id that ``put`` returned, possibly twice.
    If one returns ``NOT_YET``, the handler must be called again with the same request.
    """

    def __init__(
        self,
        put: Callable[[Mapping[str, Any], Mapping[str, Any]], Made | NotYet],
        delete: Callable[[str, Mapping[str, Any]], NotYet | None],
    ) -> None:
        self._put = put
        self._delete = delete

    def __call__(self, event: Mapping[str, Any], context: Any) -> bool:
        """Process a request and respond; return whether a response was sent.

        Raises only if the response cannot be sent: Lambda then retries.
        """
        known = event.get("PhysicalResourceId") or f"{NOT_CREATED}-{event['RequestId']}"
        try:
            made = self._made(event, known)
            if isinstance(made, NotYet):
                return False
            body = _answer(event, made)
        except Exception as error:  # every fault is a response, or the stack would hang
            LOG.exception("the request failed")
            body = _failed(event, known, f"{type(error).__name__}: {error}")
        _send(event["ResponseURL"], body)
        return True

    def _made(self, event: Mapping[str, Any], known: str) -> Made | NotYet:
        properties = event["ResourceProperties"]
        if event["RequestType"] == "Delete":
            begun = None if known.startswith(NOT_CREATED) else self._delete(known, properties)
            return begun or Made(known)
        made = self._put(properties, event)
        if isinstance(made, NotYet):
            return made
        size = len(_answer(event, made))
        if size > LARGEST_ANSWER:
            raise InvalidPropertiesError(
                f"expected an answer of at most {LARGEST_ANSWER} bytes, found {size}: {made.if_too_large}"
            )
        return made


def text(properties: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Return a property that is a string. Raises ``InvalidPropertiesError``."""
    found = properties.get(name, default)
    if not isinstance(found, str) or not found:
        raise InvalidPropertiesError(f"{name}: expected a text, found {found!r}")
    return found


def _answer(event: Mapping[str, Any], made: Made, **told: str) -> bytes:
    answer: dict[str, Any] = {
        "Status": "SUCCESS",
        "PhysicalResourceId": made.physical_id,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": dict(made.data),
        **({"NoEcho": True} if made.no_echo else {}),
        **told,
    }
    return json.dumps(answer).encode()


def _failed(event: Mapping[str, Any], known: str, reason: str) -> bytes:
    """Return the response with as much of the reason as CloudFormation accepts: a letter may need six bytes."""
    reason = reason[:LONGEST_REASON]
    while len(body := _answer(event, Made(known), Status="FAILED", Reason=reason)) > LARGEST_ANSWER:
        reason = reason[: len(reason) // 2]
    return body


def _send(url: str, body: bytes) -> None:
    # The URL is signed for a request without a content type.
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310
                return
        except OSError:
            if attempt == _ATTEMPTS:
                raise
            LOG.warning("the answer could not be sent, attempt %d of %d", attempt, _ATTEMPTS)
