"""The texts of a template: literals, and texts joined from pieces that may be unknown."""

import re

from belay.template.nodes import Node, ScalarNode
from belay.template.scope import Scope, Value
from belay.template.values import NoValue, Unknown
from belay.template.words import NUMERIC, SPECIAL, unquoted
from belay.template.world import TooManyStepsError

MAX_TEXT = 65_536
MAX_PARTS = 256
DYNAMIC_REFERENCE = "{{resolve:"
IN_WORDS = re.compile(r"[A-Za-z0-9-]*")
IDENTIFIER = re.compile(r"[$&]\{([^${}]*)\}")


def literal(node: ScalarNode, scope: Scope | None = None) -> str | NoValue | Unknown:
    """Return the value of a text, number, boolean or null of the template; in a ``scope`` it may be part of a loop."""
    text = node.text
    if "{" in text:
        return unroll(text, scope) if scope else unless_dynamic(text)
    return unquoted(text) if node.plain and (text[:1] in NUMERIC or text in SPECIAL) else text


def unless_dynamic(text: str) -> str | Unknown:
    """Return a text, or unknown if it contains a dynamic reference."""
    if "{{" in text and DYNAMIC_REFERENCE in text:
        return Unknown(f"dynamic {text}", f"the dynamic reference {text} is only resolved at deployment")
    return text


def unroll(text: str, scope: Scope) -> str | Unknown:
    """Replace the identifiers of the surrounding loops in a text."""
    if not scope.loops:
        return unless_dynamic(text)
    pieces: list[Value] = []
    end = 0
    for match in IDENTIFIER.finditer(text):
        if match[1] in scope.loops:
            pieces += [text[end : match.start()], scope.loops[match[1]]]
            end = match.end()
    return concatenate([*pieces, text[end:]])


def as_text(value: Value) -> str | None:
    """Show a text with its unknown pieces as ``${name}``; ``None`` for a list, a mapping or no value."""
    if isinstance(value, str):
        return value
    if isinstance(value, Unknown):
        return "".join([part if isinstance(part, str) else f"${{{part.key}}}" for part in value.parts or (value,)])
    return None


def concatenate(pieces: list[Value]) -> str | Unknown:
    """Join texts; the result is unknown if a piece is, but keeps the known pieces."""
    parts: list[str | Unknown] = []
    for piece in pieces:
        if isinstance(piece, str):
            _add(parts, piece)
        elif isinstance(piece, Unknown):
            for part in piece.parts or (piece,):
                _add(parts, part)
        else:
            return Unknown(f"text of {len(pieces)} pieces", "it has a list or a mapping where a text is expected")
    if sum([len(part) if isinstance(part, str) else 1 for part in parts]) > MAX_TEXT or len(parts) > MAX_PARTS:
        raise TooManyStepsError
    if not parts:
        return ""
    if len(parts) == 1:
        return parts[0] if isinstance(parts[0], Unknown) else unless_dynamic(parts[0])
    shown = "".join([part if isinstance(part, str) else f"${{{part.key}}}" for part in parts])
    reason = next(part.reason for part in parts if isinstance(part, Unknown))
    return Unknown(shown, reason, tuple(parts))


def _add(parts: list[str | Unknown], part: str | Unknown) -> None:
    """Add a part to a text; two known ones next to each other become one."""
    if isinstance(part, str) and parts and isinstance(parts[-1], str):
        parts[-1] += part
    elif part != "":
        parts.append(part)


def split(text: str | Unknown, delimiter: str) -> list[str | Unknown] | None:
    """Split a text; ``None`` if it has an unknown piece that may contain the delimiter."""
    if isinstance(text, str):
        return list(text.split(delimiter))
    words = all(isinstance(part, str) or part.word for part in text.parts or (text,))
    if not words or IN_WORDS.fullmatch(delimiter):
        return None
    rows: list[list[Value]] = [[]]
    for part in text.parts or (text,):
        first, *others = part.split(delimiter) if isinstance(part, str) else (part,)
        rows[-1].append(first)
        rows += [[other] for other in others]
    return [concatenate(row) for row in rows]


def unknown_at(node: Node, scope: Scope, reason: str) -> Unknown:
    """Return the unknown value of the expression at this position."""
    return Unknown(
        f"{scope.document.path}:{scope.stack}:{node.line}:{node.column}:{sorted(map(str, scope.loops.values()))}",
        reason,
    )
