"""Excluding other code than the project's from coverage's tracer."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any


def untraced(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function without coverage's tracer, which doubles its time although none of the project's code runs in
    it.
    """

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        tracer = sys.gettrace()
        sys.settrace(None)
        try:
            return function(*arguments, **named)
        finally:
            sys.settrace(tracer)

    return call
