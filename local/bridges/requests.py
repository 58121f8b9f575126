"""Which API operation a request is, and with which parameters: for faults and holds, whatever the service's protocol.

JSON services name the operation in ``X-Amz-Target``, query services in ``Action``, CBOR services in the path. REST
services do not name it: there botocore's model of the service is searched for the operation whose method, path and
required parameters fit best.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

import botocore.session
import ministack.app
from botocore.model import OperationModel
from ministack.core.router import detect_service

BOTO3_NAMES = {"states": "stepfunctions", "monitoring": "cloudwatch", "elasticloadbalancing": "elbv2"}
REST_SERVICES = frozenset({"s3", "lambda", "scheduler"})


@dataclass(frozen=True)
class RequestCall:
    """One call: boto3's name of the service, the operation, and the parameters that are text."""

    service: str
    operation: str
    parameters: Mapping[str, str]


def identify(
    method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
) -> RequestCall | None:
    """The call a request makes, or None when it is none that can be named."""
    routing = ministack.app._routing_params(method, path, headers, body, query)
    detected = detect_service(method, path, headers, routing)
    service = BOTO3_NAMES.get(detected, detected)
    if "x-amz-target" in headers:
        return RequestCall(service, headers["x-amz-target"].rsplit(".", 1)[1], _text_members(body))
    if "/operation/" in path:
        return RequestCall(service, path.rsplit("/", 1)[1], {})
    if service in REST_SERVICES:
        found = _rest_operation_of(service, method, path, headers, query)
        members = {} if service == "s3" else _text_members(body)
        return found and RequestCall(service, found.operation, {**members, **found.parameters})
    form = dict(parse_qsl(body.decode("utf-8", "replace")))
    return RequestCall(service, form["Action"], form) if "Action" in form else None


def identify_integration(resource: str, arguments: Any) -> RequestCall | None:
    """The call that Step Functions makes by itself for an integration such as ``arn:aws:states:::sns:publish``."""
    _, found, name = resource.partition(":::")
    engine_name, _, operation = name.split(".")[0].partition(":")
    if not found or not operation:
        return None
    members = dict(arguments) if isinstance(arguments, dict) else {}
    # The request to a function is in its payload.
    payload = members.get("Payload")
    members |= {f"Payload.{key}": value for key, value in payload.items()} if isinstance(payload, dict) else {}
    text = {key: value for key, value in members.items() if isinstance(value, str)}
    return RequestCall(BOTO3_NAMES.get(engine_name, engine_name), operation, text)


class AskedRequest(Protocol):
    """A description of calls: for a fault or a hold."""

    service: str
    operation: str
    only_if: Mapping[str, str]


def is_asked(call: RequestCall, asked: AskedRequest) -> bool:
    """Whether a call matches."""
    named = asked.service == call.service and asked.operation.lower() == call.operation.lower()
    return named and all(call.parameters.get(name) == value for name, value in asked.only_if.items())


def _text_members(body: bytes) -> dict[str, str]:
    """A JSON body's top-level members that are text."""
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    members = document.items() if isinstance(document, dict) else ()
    return {name: value for name, value in members if isinstance(value, str)}


@dataclass(frozen=True)
class _Rest:
    """How a REST operation is requested: its path as a pattern, and what must be in the query and headers."""

    operation: str
    method: str
    path: re.Pattern[str]
    query: Mapping[str, str | None]
    headers: frozenset[str]

    def fits(self, method: str, path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
        return (
            self.method == method
            and self.path.fullmatch(path) is not None
            and all(name in query and value in (None, query[name]) for name, value in self.query.items())
            and all(name in headers for name in self.headers)
        )


def _rest_operation_of(
    service: str, method: str, path: str, headers: Mapping[str, str], query: Mapping[str, list[str]]
) -> RequestCall | None:
    first = {name: values[0] for name, values in query.items()}
    fitting = [each for each in _rest_operations(service) if each.fits(method, path, headers, first)]
    if not fitting:
        return None
    best = max(fitting, key=lambda each: len(each.query) + len(each.headers))
    labels = best.path.fullmatch(path)
    in_path = {name: unquote(value) for name, value in (labels.groupdict() if labels else {}).items()}
    return RequestCall(service, best.operation, {**first, **in_path})


@functools.cache
def _rest_operations(service: str) -> list[_Rest]:
    model = botocore.session.get_session().get_service_model(service)
    return [_rest_operation(model.operation_model(name)) for name in model.operation_names]


def _rest_operation(operation: OperationModel) -> _Rest:
    path, _, literal = operation.http["requestUri"].partition("?")
    required = list(_required(operation))
    return _Rest(
        operation.name,
        operation.http["method"],
        re.compile("".join(_pattern(part) for part in re.split(r"(\{[^}]+\})", path.rstrip("/"))) + "/?"),
        {
            **{name: value or None for name, value in parse_qsl(literal, keep_blank_values=True)},
            **{name: None for place, name in required if place == "querystring"},
        },
        frozenset(name.lower() for place, name in required if place == "header"),
    )


def _required(operation: OperationModel) -> Iterator[tuple[str, str]]:
    """Where each required parameter is and what it is called there."""
    shape: Any = operation.input_shape
    for member in shape.required_members if shape else ():
        place = shape.members[member].serialization.get("location")
        if place in ("querystring", "header"):
            yield place, shape.members[member].serialization["name"]


def _pattern(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    name = part[1:-1]
    return f"(?P<{name[:-1]}>.+)" if name.endswith("+") else f"(?P<{name}>[^/]+)"
