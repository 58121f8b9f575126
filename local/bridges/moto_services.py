"""Gap: Application Auto Scaling, CodePipeline and CodeDeploy are missing; RDS neither renames nor copies nor restores
to a point in time.

moto has them and runs in the same process: their requests are passed to it, in the account that ministack determines.
It supports less than AWS (CodePipeline: create, start, get and list; CodeDeploy: create, get and list). A service can
be removed from the list once ministack has it.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import ministack.app
import moto.backends
from ministack.core import router
from ministack.core.responses import get_account_id
from ministack.services import iam
from moto.codepipeline.models import CodePipelineBackend
from moto.core.responses import BaseResponse
from moto.iam.exceptions import NotFoundException
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

TARGET_PREFIXES = {
    "application-autoscaling": "AnyScaleFrontendService",
    "codepipeline": "CodePipeline_20150709",
    "codedeploy": "CodeDeploy_20141006",
}
SERVICES = ("rds", "application-autoscaling", "codepipeline", "codedeploy")
BACKENDS = {"application-autoscaling": "applicationautoscaling"}
"""moto's own names, where they differ."""

one_at_a_time = threading.Lock()
"""What reads or changes moto's state holds it."""

Handler = Callable[
    [str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[tuple[int, dict[str, str], bytes]]
]


def install() -> None:
    """Route the services' requests to moto."""
    handle = _handler()
    for service in SERVICES:
        ministack.app.SERVICE_HANDLERS[service] = handle
    for service, prefix in TARGET_PREFIXES.items():
        router.SERVICE_PATTERNS[service] = {"target_prefixes": [prefix], "host_patterns": []}
    CodePipelineBackend.iam_backend = _Roles()  # type: ignore[assignment]
    BaseResponse.get_current_account = lambda self: get_account_id()  # type: ignore[method-assign]


def reset() -> None:
    """Reset moto's state of these services."""
    for service in (*(BACKENDS.get(each, each) for each in SERVICES), "secretsmanager"):
        accounts_of: Any = moto.backends.get_backend
        for accounts in accounts_of(service).values():
            for backend in accounts.values():
                backend.reset()


@dataclass(frozen=True)
class _Role:
    assume_role_policy_document: str


class _Roles:
    """moto's CodePipeline uses this in place of its own IAM, backed by the engine's."""

    def get_role_by_arn(self, arn: str) -> _Role:
        role = iam._roles.get(arn.rpartition("/")[2])
        if role is None:
            raise NotFoundException(f"Role {arn} not found")
        return _Role(role["AssumeRolePolicyDocument"])


def _handler() -> Handler:
    client = Client(DomainDispatcherApplication(create_backend_app))

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> tuple[int, dict[str, str], bytes]:
        def call() -> tuple[int, dict[str, str], bytes]:
            sent: Any = [(name, value) for name, value in headers.items() if name != "content-length"]
            with one_at_a_time:
                answer = client.open(path=path, method=method, headers=sent, data=body, query_string=query)
            return answer.status_code, dict(answer.headers), answer.get_data()

        return await asyncio.to_thread(call)

    return handle
