"""Gap: a JSONata expression is parsed again for every evaluation.

An evaluation only reads what was parsed, so each text is parsed once for all threads. It can be removed once ministack
or jsonata-python keeps parsed expressions.
"""

from typing import Any

from jsonata.parser import Parser  # type: ignore[import-untyped]


def install() -> None:
    """Parse each expression once."""
    parse = Parser.parse
    parsed: dict[Any, Any] = {}

    def parse_once(self: Parser, *expression: Any) -> Any:
        if expression not in parsed:
            parsed[expression] = parse(self, *expression)
        return parsed[expression]

    Parser.parse = parse_once
