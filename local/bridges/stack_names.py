"""Gap: some operations do not accept a stack's id as its name, and a deleted stack is forgotten when its name is
reused.

On AWS ``StackName`` is the name or the id everywhere, and a deleted stack is described by its id for ninety days
(https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html). It can be removed once
ministack does.
"""

from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import _stacks, handlers
from ministack.services.cloudformation.helpers import _p

BY_NAME_ONLY = ("DescribeChangeSet", "ExecuteChangeSet", "ListChangeSets")

Handler = Callable[[Any], Any]


def install() -> None:
    """Look ids up before operations that know names only, and keep deleted stacks under their id."""
    actions = handlers._ACTION_HANDLERS
    for operation in BY_NAME_ONLY:
        actions[operation] = _by_id_too(actions[operation])
    for operation in ("CreateStack", "CreateChangeSet"):
        actions[operation] = _keeping_the_deleted(actions[operation])


def _by_id_too(handle: Handler) -> Handler:
    def handle_named(parameters: Any) -> Any:
        asked = _p(parameters, "StackName")
        stack = handlers._resolve_stack(asked) if asked.startswith("arn:") else None
        return handle({**parameters, "StackName": [stack["StackName"]]} if stack else parameters)

    return handle_named


def _keeping_the_deleted(handle: Handler) -> Handler:
    def handle_and_keep(parameters: Any) -> Any:
        name = _p(parameters, "StackName")
        before = _stacks.get(name)
        answer = handle(parameters)
        if before is not None and _stacks.get(name) is not before and before["StackStatus"] == "DELETE_COMPLETE":
            _stacks[before["StackId"]] = before
        return answer

    return handle_and_keep
