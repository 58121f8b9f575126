"""Gap: deleting a stack does not stop its creation.

On AWS DeleteStack stops a creation: what is being created is cancelled, and what was created is deleted
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-delete-stack.html). It can be removed once
ministack does.
"""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

from ministack.services.cloudformation import _stacks, stacks, wait_conditions

_running: dict[str, asyncio.Task[Any]] = {}


def install() -> None:
    """Track running operations by stack, and let a deletion stop a creation."""
    _replace("_create_stack_task_in_region", _begin)
    _replace("_delete_stack_async", _stopping_creation(stacks._delete_stack_async))


def _replace(name: str, by: Any) -> None:
    before = getattr(stacks, name)
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("ministack.") and getattr(module, name, None) is before:
            setattr(module, name, by)


def _begin(coroutine: Coroutine[Any, Any, Any], stack: dict[str, Any] | None, stack_id: str | None = None) -> None:
    with stacks._stack_region_context(stack, stack_id):
        task = asyncio.get_event_loop().create_task(coroutine)
    creates = stack is not None and stack["StackStatus"] == "CREATE_IN_PROGRESS"
    if stack is not None and creates:
        _running[stack["StackId"]] = task


def _stopping_creation(delete: Any) -> Any:
    async def stop_and_delete(stack_name: str, stack_id: str, *more: Any, **options: Any) -> None:
        creation = _running.pop(stack_id, None)
        if creation is not None and creation is not asyncio.current_task():
            _stacks[stack_name]["StackStatus"] = "DELETE_IN_PROGRESS"
            creation.cancel()
            for waiting, logical_id in list(wait_conditions._waiting):
                if waiting == stack_id:
                    wait_conditions.signal_resource(stack_id, logical_id, "deleted", "FAILURE")
            await asyncio.wait([creation])
        await delete(stack_name, stack_id, *more, **options)

    return stop_and_delete
