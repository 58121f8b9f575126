"""Gap: the engine's pipelines, builds and deployments do not run: they have no stages, phases or lifecycle events.

The response to one of their operations is scripted in advance, for certain parameters in one account and region;
everything else is handled as before. It must have the shape of the operation's response in botocore's model, with times
in epoch seconds as in the services' JSON. It can be removed once an engine runs pipelines.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import botocore.parsers
import botocore.session
import ministack.app
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator
from ministack.core.responses import get_account_id, get_region

SERVICES = ("codepipeline", "codebuild", "codedeploy")

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Answer]]


@dataclass(frozen=True)
class Scripted:
    """The response to an operation whose request has these parameters, whatever else it has.

    ``where`` is an account and a region.
    """

    where: tuple[str, str]
    service: str
    operation: str
    only_if: Mapping[str, Any]
    answer: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.service not in SERVICES:
            raise TypeError(f"answers can be scripted for {', '.join(SERVICES)}, not for {self.service}")
        _require_shape(_operation(self.service, self.operation), self.answer)

    @property
    def asked(self) -> tuple[Any, ...]:
        """The request that it responds to."""
        return self.where, self.service, self.operation, self.only_if

    def meant_for(self, service: str, operation: str, request: Mapping[str, Any]) -> bool:
        """Whether it matches a request."""
        named = (service, operation) == (self.service, self.operation)
        here = self.where == (get_account_id(), get_region())
        return here and named and all(request.get(name) == value for name, value in self.only_if.items())


_scripted: list[Scripted] = []


def install() -> None:
    """Return scripted responses before the services are called."""
    for service in SERVICES:
        ministack.app.SERVICE_HANDLERS[service] = _answering(service, ministack.app.SERVICE_HANDLERS[service])


def script(
    service: str, operation: str, only_if: Mapping[str, Any], answer: Mapping[str, Any], *, account: str, region: str
) -> None:
    """Add a response, replacing one for the same parameters. Raises ``TypeError`` if its shape is wrong."""
    new = Scripted((account, region), service, operation, only_if, answer)
    _scripted[:] = [each for each in _scripted if each.asked != new.asked]
    _scripted.insert(0, new)


def reset() -> None:
    """Remove every response."""
    _scripted.clear()


def _answering(service: str, handle: Handler) -> Handler:
    async def answer(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Answer:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        request = json.loads(body or b"{}")
        found = next((each for each in _scripted if each.meant_for(service, operation, request)), None)
        if found is None:
            return await handle(method, path, headers, body, query)
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(found.answer).encode()

    return answer


def _operation(service: str, operation: str) -> OperationModel:
    model = botocore.session.get_session().get_service_model(service)
    if operation not in model.operation_names:
        raise TypeError(f"{service} has no operation {operation}")
    return model.operation_model(operation)


def _require_shape(operation: OperationModel, answer: Mapping[str, Any]) -> None:
    """Raise ``TypeError`` if botocore would drop a part of the response, or the model forbids it."""
    shape = operation.output_shape
    if shape is None:
        raise TypeError(f"{operation.name} answers nothing: there is nothing to script")
    wire = {"body": json.dumps(answer).encode(), "headers": {}, "status_code": 200}
    parsed = botocore.parsers.create_parser("json").parse(wire, shape)
    parsed.pop("ResponseMetadata", None)
    report = ParamValidator().validate(parsed, shape)
    if report.has_errors():
        raise TypeError(f"{operation.name}: {report.generate_report()}")
    lost = _lost(answer, shape, operation.name)
    if lost:
        raise TypeError(f"{operation.service_model.service_name} answers no {', '.join(lost)}")


def _lost(value: Any, shape: Shape, path: str) -> list[str]:
    """The members of a response that the model does not have, and the strings that it does not allow."""
    if shape.type_name == "structure":
        members = shape.members  # type: ignore[attr-defined]
        return [
            each
            for name, inner in value.items()
            for each in (_lost(inner, members[name], f"{path}.{name}") if name in members else [f"{path}.{name}"])
        ]
    if shape.type_name == "list":
        return [each for inner in value for each in _lost(inner, shape.member, path)]  # type: ignore[attr-defined]
    allowed = getattr(shape, "enum", None)
    return [f"{path} {value!r}"] if allowed and value not in allowed else []
