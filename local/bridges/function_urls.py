"""Gap: a function URL has a host that cannot be resolved, and its event does not say who signed the request.

Here it is at the engine's own address, in ministack's other form of it. If the URL requires ``AWS_IAM``, the event
names the principal that signed (https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html), and if permissions
are enforced, ``lambda:InvokeFunction`` is needed as well, as for every URL created since October 2025
(https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html). It can be removed once ministack does the same.
"""

import json
import os
from typing import Any

import ministack.app
from ministack.core import iam_evaluator
from ministack.core.router import extract_access_key_id
from ministack.services import lambda_svc

from local.engine import ACCOUNT

PATH = "/_aws/lambda-url/"


def install() -> None:
    """Give function URLs an address of the engine, and events the caller."""
    create, id_of = lambda_svc._create_function_url_config, lambda_svc._function_url_id
    event_of, enforce = lambda_svc._build_function_url_event, ministack.app._enforce_data_plane

    def create_reachable(function: str, data: dict[str, Any], qualifier: str | None) -> Any:
        status, headers, body = create(function, data, qualifier)
        if status != 201:  # noqa: PLR2004 - an HTTP status
            return status, headers, body
        config = lambda_svc._function_urls[lambda_svc._url_config_key(function, qualifier)]
        config["FunctionUrl"] = f"{os.environ['AWS_ENDPOINT_URL']}{PATH}{id_of(config['FunctionUrl'])}/"
        return status, headers, json.dumps(config).encode()

    def id_in_path(url: str) -> str:
        return url.split(PATH, 1)[1].strip("/") if PATH in url else str(id_of(url))

    def event_with_caller(*request: Any, **more: Any) -> dict[str, Any]:
        event: dict[str, Any] = event_of(*request, **more)
        if not more.get("anonymous"):
            event["requestContext"]["authorizer"] = {"iam": _caller(request[5], request[7])}
        return event

    def enforce_both(service: str, action: str, *request: Any, **more: Any) -> Any:
        denied = enforce(service, action, *request, **more)
        if denied or action != "lambda:InvokeFunctionUrl":
            return denied
        more["service_context"] = {**more["service_context"], "lambda:InvokedViaFunctionUrl": "true"}
        return enforce(service, "lambda:InvokeFunction", *request, **more)

    lambda_svc._create_function_url_config = create_reachable
    lambda_svc._function_url_id = id_in_path
    lambda_svc._build_function_url_event = event_with_caller
    ministack.app._enforce_data_plane = enforce_both


def _caller(headers: dict[str, Any], query: dict[str, Any]) -> dict[str, Any]:
    """The principal whose access key signed a request, as ``requestContext.authorizer.iam`` names it."""
    key = extract_access_key_id(headers, query)
    # A key that the engine does not know is the account's own, as everywhere without permission checks.
    root = {"accessKey": key, "accountId": ACCOUNT, "userArn": f"arn:aws:iam::{ACCOUNT}:root", "userId": ACCOUNT}
    found = iam_evaluator.resolve_caller_identity(key) or root
    named = {name: found[name] for name in ("accessKey", "accountId", "userArn", "userId")}
    return {**named, "callerId": named["userId"], "cognitoIdentity": None, "principalOrgId": None}
