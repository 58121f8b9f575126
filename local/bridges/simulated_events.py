"""Gap: none of ministack's. PutEvents refuses the sources ``aws.*``, as AWS does.

Some services never emit their events here (CodePipeline, CodeBuild, CodeDeploy, RDS), so a test or the demo puts events
of the real shape in their place, as an account's root. All others are refused, so that what is deployed cannot forge
them. It can be removed once the engine emits them all.
"""

from contextvars import ContextVar
from typing import Any

import ministack.app
from ministack.core.iam_evaluator import is_root_access_key
from ministack.core.router import extract_access_key_id
from ministack.services import eventbridge

_by_root: ContextVar[bool] = ContextVar("belay_put_by_root", default=False)


def install() -> None:
    """Accept an account's root's PutEvents entries whose source begins with ``aws.``."""
    handle, put_events = ministack.app.SERVICE_HANDLERS["events"], eventbridge._put_events

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        _by_root.set(is_root_access_key(extract_access_key_id(headers, query)))
        return await handle(method, path, headers, body, query)

    def put_any_events(data: Any, allow_aws_source: bool = False) -> Any:
        return put_events(data, allow_aws_source or _by_root.get())

    ministack.app.SERVICE_HANDLERS["events"] = handle_request
    eventbridge._put_events = put_any_events
