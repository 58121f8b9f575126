"""Gap: none. Calls that fail on demand, so that a test can reach every way an operation may end.

A fault is kept until the call it names has happened often enough. API requests are met before the service sees them, the
service calls Step Functions makes by itself where it makes them, and CloudFormation's resources where a stack operation
creates, updates or deletes them. This stays as long as Belay is tested on the engine.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

import ministack.app
from ministack.core.iam_actions import extract_iam_action
from ministack.core.router import detect_service
from ministack.services import stepfunctions
from ministack.services.cloudformation import stacks

Answer = tuple[int, dict[str, str], bytes]

QUERY_SERVICES = frozenset({"cloudformation", "sns", "rds", "iam", "sts", "monitoring", "ec2"})


@dataclass
class ApiFault:
    """The next ``times`` calls of one API operation fail; the fields are those of ``Engine.inject``."""

    service: str
    operation: str
    code: str
    message: str
    status: int | None
    times: int
    only_if: Mapping[str, str]
    after: bool
    delay_seconds: float


@dataclass
class ResourceFault:
    """The next ``times`` attempts at one resource fail; the fields are those of ``Engine.fail_resource``."""

    logical_id: str
    action: str
    reason: str
    times: int
    stack: str | None
    stack_status: str | None


@dataclass
class Faults:
    """The faults still to happen. Requests and stack operations run on several threads."""

    api: list[ApiFault] = field(default_factory=list)
    resources: list[ResourceFault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def clear(self) -> None:
        """Forget them all."""
        with self.lock:
            self.api.clear()
            self.resources.clear()

    def take_api(self, service: str, operation: str, parameters: Mapping[str, str]) -> ApiFault | None:
        """The fault this call is to meet, counted as happened."""
        with self.lock:
            for fault in self.api:
                asked = fault.service == service and fault.operation.lower() == operation.lower()
                if asked and all(parameters.get(name) == value for name, value in fault.only_if.items()):
                    fault.times -= 1
                    if not fault.times:
                        self.api.remove(fault)
                    return fault
        return None

    def take_resource(self, logical_id: str, action: str, stack: str, status: str) -> ResourceFault | None:
        """The fault this attempt at a resource is to meet, counted as happened."""
        with self.lock:
            for fault in self.resources:
                asked = fault.logical_id == logical_id and fault.action == action
                if asked and fault.stack in (None, stack) and fault.stack_status in (None, status):
                    fault.times -= 1
                    if not fault.times:
                        self.resources.remove(fault)
                    return fault
        return None


pending = Faults()


def install() -> None:
    """Meet API requests, Step Functions' own calls and CloudFormation's resources with the pending faults."""
    _install_api()
    _install_integrations()
    _install_resources()


def _install_api() -> None:
    dispatch = ministack.app._dispatch_service_request

    async def dispatch_or_fail(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]], request_id: str
    ) -> Answer:
        fault = _api_fault(method, path, headers, body, query) if pending.api else None
        if fault is None:
            return await dispatch(method, path, headers, body, query, request_id)  # type: ignore[no-any-return]
        if not fault.code or fault.after:
            answer: Answer = await dispatch(method, path, headers, body, query, request_id)
        if fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        return _error(fault, request_id) if fault.code else answer

    ministack.app._dispatch_service_request = dispatch_or_fail


def _api_fault(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> ApiFault | None:
    parameters = ministack.app._routing_params(method, path, headers, body, query)
    service = detect_service(method, path, headers, parameters)
    form = {name: values[0] for name, values in parameters.items() if values}
    if "x-amz-target" in headers:
        operation = headers["x-amz-target"].rsplit(".", 1)[1]
        form |= _text_members(body)
    elif service in QUERY_SERVICES or service == "sqs":
        form |= dict(parse_qsl(body.decode("utf-8", "replace")))
        operation = form.get("Action", "")
    else:
        action = extract_iam_action(service, method, path, headers, body, parameters)
        operation = (action or ":").split(":", 1)[1]
        bucket, _, key = unquote(path).lstrip("/").partition("/")
        form |= {"Bucket": bucket, "Key": key} if service == "s3" else _text_members(body)
    return pending.take_api(service, operation, form)


def _text_members(body: bytes) -> dict[str, str]:
    """A JSON body's top-level members that are text."""
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    members = document.items() if isinstance(document, dict) else ()
    return {name: value for name, value in members if isinstance(value, str)}


def _error(fault: ApiFault, request_id: str) -> Answer:
    """The fault as the service's protocol spells an error."""
    status = fault.status or (500 if fault.code.startswith(("Internal", "Service")) else 400)
    code, message = escape(fault.code), escape(fault.message)
    headers = {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}
    if fault.service == "s3":
        text = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
    elif fault.service == "ec2":
        errors = f"<Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        text = f"<Response>{errors}<RequestID>{request_id}</RequestID></Response>"
    elif fault.service in QUERY_SERVICES:
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        text = f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"
    else:
        headers |= {"Content-Type": "application/x-amz-json-1.0", "x-amzn-ErrorType": fault.code}
        text = json.dumps({"__type": fault.code, "message": fault.message})
    return status, headers, text.encode()


def _install_integrations() -> None:
    invoke = stepfunctions._invoke_resource

    def invoke_or_fail(resource: str, arguments: Any) -> Any:
        fault = _integration_fault(resource, arguments) if pending.api else None
        if fault is None:
            return invoke(resource, arguments)
        if not fault.code or fault.after:
            answer = invoke(resource, arguments)
        time.sleep(fault.delay_seconds)
        if fault.code:
            raise stepfunctions._ExecutionError(fault.code, fault.message)
        return answer

    stepfunctions._invoke_resource = invoke_or_fail


def _integration_fault(resource: str, arguments: Any) -> ApiFault | None:
    """The fault for an optimized integration such as ``arn:aws:states:::sns:publish``; a task's error is its code."""
    _, found, name = resource.partition(":::")
    service, _, operation = name.split(".")[0].partition(":")
    if not found or not operation:
        return None
    members = arguments.items() if isinstance(arguments, dict) else ()
    return pending.take_api(service, operation, {key: value for key, value in members if isinstance(value, str)})


def _install_resources() -> None:
    create, update, delete = stacks._provision_resource, stacks._update_resource, stacks._delete_resource

    def create_or_fail(resource_type: str, logical_id: str, properties: Any, stack: str) -> Any:
        _fail_resource(logical_id, "create", stack)
        return create(resource_type, logical_id, properties, stack)

    def update_or_fail(
        resource_type: str, physical_id: str, old: Any, new: Any, stack: str, logical_id: str, attributes: Any
    ) -> Any:
        _fail_resource(logical_id, "update", stack)
        return update(resource_type, physical_id, old, new, stack, logical_id, attributes)

    def delete_or_fail(resource_type: str, physical_id: str, properties: Any, stack: str, logical_id: str) -> Any:
        _fail_resource(logical_id, "delete", stack)
        return delete(resource_type, physical_id, properties, stack, logical_id)

    stacks._provision_resource = create_or_fail
    stacks._update_resource = update_or_fail
    stacks._delete_resource = delete_or_fail


def _fail_resource(logical_id: str, action: str, stack: str) -> None:
    from ministack.services.cloudformation import _stacks

    status = (_stacks.get(stack) or {}).get("StackStatus", "")
    fault = pending.take_resource(logical_id, action, stack, status)
    if fault is not None:
        raise RuntimeError(fault.reason)
