"""Gap: none. Calls that fail on demand, so that a test can reach every way an operation may end.

A fault is kept until the call it names has happened often enough. It is applied to API requests before the service gets
them, to Step Functions' own service calls where they are made, and to CloudFormation's resources when a stack operation
creates, updates or deletes them. This stays as long as Belay is tested on the engine.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

import ministack.app
from ministack.services import stepfunctions
from ministack.services.cloudformation import _stacks, provisioners, stacks

from local.bridges import requests

Answer = tuple[int, dict[str, str], bytes]

ERROR_PREFIXES = {
    "dynamodb": "DynamoDB",
    "ecs": "ECS",
    "events": "EventBridge",
    "lambda": "Lambda",
    "sns": "SNS",
    "sqs": "SQS",
    "stepfunctions": "StepFunctions",
}


@dataclass
class ApiFault:
    """The next ``times`` calls of one API operation fail; the fields are those of ``EmbeddedEngine.inject``."""

    service: str
    operation: str
    code: str
    message: str
    status: int | None
    times: int
    only_if: Mapping[str, str]
    after: bool


@dataclass
class ResourceFault:
    """The next ``times`` attempts at one resource fail; the fields are those of ``EmbeddedEngine.fail_resource``."""

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
        """Remove them all."""
        with self.lock:
            self.api.clear()
            self.resources.clear()

    def take_api(self, call: requests.RequestCall) -> ApiFault | None:
        """The fault for this call, counted as happened."""
        with self.lock:
            for fault in self.api:
                if requests.is_asked(call, fault):
                    fault.times -= 1
                    if not fault.times:
                        self.api.remove(fault)
                    return fault
        return None

    def take_resource(self, logical_id: str, action: str, stack: str, status: str) -> ResourceFault | None:
        """The fault for this attempt at a resource, counted as happened."""
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
    """Apply the pending faults to API requests, Step Functions' own calls and CloudFormation's resources."""
    _install_api()
    _install_integrations()
    _install_resources()


def _install_api() -> None:
    dispatch = ministack.app._dispatch_service_request

    async def dispatch_or_fail(*request: Any) -> Answer:
        method, path, headers, body, query, request_id = request
        call = requests.identify(method, path, headers, body, query) if pending.api else None
        fault = pending.take_api(call) if call else None
        if fault is None:
            return await dispatch(*request)  # type: ignore[no-any-return]
        if fault.after:
            await dispatch(*request)
        return _error(fault, headers, request_id)

    ministack.app._dispatch_service_request = dispatch_or_fail


def _error(fault: ApiFault, headers: Mapping[str, str], request_id: str) -> Answer:
    """The fault as the service's protocol spells an error."""
    status = fault.status or (500 if fault.code.startswith(("Internal", "Service")) else 400)
    code, message = escape(fault.code), escape(fault.message)
    answered = {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}
    if "x-amz-target" in headers or fault.service in ("lambda", "scheduler"):
        answered |= {"Content-Type": "application/x-amz-json-1.0", "x-amzn-ErrorType": fault.code}
        return status, answered, json.dumps({"__type": fault.code, "message": fault.message}).encode()
    if "cbor" in headers.get("content-type", ""):
        answered |= {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        return status, answered, b"\xa2" + b"".join(map(_cbor, ("__type", fault.code, "message", fault.message)))
    error = f"<Error><Code>{code}</Code><Message>{message}</Message>"
    if fault.service == "s3":
        text = f"{error}<RequestId>{request_id}</RequestId></Error>"
    elif fault.service == "ec2":
        text = f"<Response><Errors>{error}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    else:
        text = f"<ErrorResponse>{error}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    return status, answered, text.encode()


def _cbor(text: str) -> bytes:
    """A text string in CBOR (RFC 8949, major type 3) with its length in two bytes."""
    return b"\x79" + len(text.encode()).to_bytes(2, "big") + text.encode()


def _install_integrations() -> None:
    invoke = stepfunctions._invoke_resource

    def invoke_or_fail(resource: str, arguments: Any) -> Any:
        call = requests.identify_integration(resource, arguments) if pending.api else None
        fault = pending.take_api(call) if call else None
        if fault is None:
            return invoke(resource, arguments)
        if fault.after:
            invoke(resource, arguments)
        raise stepfunctions._ExecutionError(_task_error(fault), fault.message)

    stepfunctions._invoke_resource = invoke_or_fail


def _task_error(fault: ApiFault) -> str:
    """The error's name in a state machine: a function's own class and a name with a prefix are kept."""
    bare = "." in fault.code or (fault.service == "lambda" and not fault.code.endswith("Exception"))
    return fault.code if bare else f"{ERROR_PREFIXES.get(fault.service, fault.service)}.{fault.code}"


def _install_resources() -> None:
    create, update, delete = stacks._provision_resource, stacks._update_resource, stacks._delete_resource

    def create_or_fail(*resource: Any) -> Any:
        _, logical_id, _, stack = resource
        _fail_resource(logical_id, "create", stack)
        return create(*resource)

    def update_or_fail(*resource: Any) -> Any:
        _, _, _, _, stack, logical_id, *_ = resource
        _fail_resource(logical_id, "update", stack)
        return update(*resource)

    def delete_or_fail(*resource: Any) -> Any:
        _, _, _, stack, logical_id = resource
        _fail_resource(logical_id, "delete", stack)
        return delete(*resource)

    for module in (stacks, provisioners):
        module._provision_resource = create_or_fail
        module._update_resource = update_or_fail
        module._delete_resource = delete_or_fail


def _fail_resource(logical_id: str, action: str, stack: str) -> None:
    status = (_stacks.get(stack) or {}).get("StackStatus", "")
    fault = pending.take_resource(logical_id, action, stack, status)
    if fault is not None:
        raise RuntimeError(fault.reason)
