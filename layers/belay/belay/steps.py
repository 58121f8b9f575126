"""One Lambda function for several steps of the same power: the payload names the one to take."""

from collections.abc import Mapping
from typing import Any

from belay.errors import BelayError
from belay.observability import Handler, observed


class UnknownStep(BelayError):  # noqa: N818
    """A payload names no step that its function has.

    Raised before anything is done. A definition and its functions are of different versions: deploy the template anew.
    """


def one_of(steps: Mapping[str, Handler]) -> Handler:
    """Return the observed handler that takes the step that the payload's ``step`` names. It raises ``UnknownStep``."""

    @observed
    def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        named = event.get("step")
        if not isinstance(named, str) or named not in steps:
            raise UnknownStep(f"step: expected one of {', '.join(sorted(steps))}, found {named!r}")
        return steps[named](event, context)

    return handler
