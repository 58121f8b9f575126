"""The person in the demo who cancels a stack's update in CloudFormation's console while it is in progress."""

import uuid
from typing import Any, Final

from local.engine import EmbeddedEngine

_READS: Final = {"Name": "/orders/production/payments"}
"""A parameter that a custom resource of the service stack reads in the middle of every update."""


class Cancellation:
    """Holds production's update in its custom resource, and cancels it there, once."""

    def __init__(self, engine: EmbeddedEngine, stack: str) -> None:
        self._cloudformation: Any = engine.client("cloudformation")
        self._stack = stack
        self._held = engine.hold("ssm", "GetParameter", only_if=_READS)
        self._done = False

    def act(self) -> tuple[str, ...]:
        """Cancel the update once it is in progress, and let it continue; return what was done."""
        if self._done or not self._held.waiting:
            return ()
        self._done = True
        token = f"Console-CancelUpdateStack-{uuid.uuid4()}"
        self._cloudformation.cancel_update_stack(StackName=self._stack, ClientRequestToken=token)
        self._held.end()
        return (f"a person cancels the update of {self._stack} in the console",)
