"""One Lambda function for several steps with the same permissions: the payload names the step."""

from collections.abc import Mapping
from typing import Any

from belay.errors import BelayError
from belay.observability import Handler, observed


class UnknownStep(BelayError):  # noqa: N818
    """A payload names no step of its function.

    Raised before anything is done. A definition and its functions have different versions: deploy the template again.
    """


def one_of(steps: Mapping[str, Handler]) -> Handler:
    """Return the observed handler that runs the step named by the payload's ``step``. It raises ``UnknownStep``."""

    @observed
    def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        named = event.get("step")
        if not isinstance(named, str) or named not in steps:
            raise UnknownStep(f"step: expected one of {', '.join(sorted(steps))}, found {named!r}")
        return steps[named](event, context)

    return handler
