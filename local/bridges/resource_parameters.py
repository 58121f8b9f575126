"""No gap: how the bridges that create resources through the engine's own API turn properties into parameters.

CloudFormation writes member names in upper camel case and passes numbers and booleans as text; botocore's model of an
operation says what the API calls them and of which type they are.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import provisioners

_one_at_a_time = threading.Lock()


def api(service: str) -> Any:
    """A client of the engine's own API in the same account and region. It blocks, so its caller must not be on the
    server's loop."""
    with _one_at_a_time:
        return _client(service, get_account_id(), get_region())


@cache
def _client(service: str, account: str, region: str) -> Any:
    return botocore.session.get_session().create_client(
        service, region_name=region, aws_access_key_id=account, aws_secret_access_key="root"
    )


def call(client: Any, operation: str, properties: Mapping[str, Any], renamed: Mapping[str, str] | None = None) -> Any:
    """Call an operation with those properties that it has parameters for, each as its model spells and types it."""
    given = {(renamed or {}).get(name, name): value for name, value in properties.items()}
    shape = client.meta.service_model.operation_model(operation).input_shape
    return client._make_api_call(operation, converted(shape, given))


def converted(shape: Any, value: Any) -> Any:
    """The value in the shape's form; members that the shape does not have, or that have no value, are left out."""
    match shape.type_name:
        case "structure":
            return dict(_members(shape, value))
        case "list":
            return [converted(shape.member, each) for each in value]
        case "map":
            return {str(name): converted(shape.value, each) for name, each in value.items()}
        case kind:
            return SCALARS.get(kind, _unchanged)(value)


def _members(shape: Any, value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    spelled = {name.lower(): name for name in shape.members}
    for written, each in value.items():
        name = spelled.get(written.lower())
        if name is not None and each is not None:
            yield name, converted(shape.members[name], each)


def _unchanged(value: Any) -> Any:
    return value


SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "integer": int,
    "long": int,
    "boolean": provisioners._cfn_bool,
    "string": str,
}
