"""Text that people can read and SNS accepts, within bounds."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any


def bounded(lines: Sequence[str], room: int) -> list[str]:
    """The lines, each on one line, until ``room`` bytes are used up; then how many more there are."""
    kept: list[str] = []
    for number, line in enumerate(lines):
        indent = "  " if line.startswith(" ") else ""
        clean = cut(indent + one_line(line), room)
        if sum(len(each.encode()) for each in kept) + len(clean.encode()) > room:
            return [*kept, f"... and {len(lines) - number} more"]
        kept.append(clean)
    return kept


def bounded_documents(documents: Sequence[Mapping[str, Any]], room: int) -> list[dict[str, Any]]:
    """The first documents that fit into ``room`` bytes as JSON, each text in them on one line."""
    kept: list[dict[str, Any]] = []
    used = 0
    for document in documents:
        clean = {name: _clean(value, room // 4) for name, value in document.items()}
        used += len(json.dumps(clean, ensure_ascii=False).encode())
        if used > room:
            break
        kept.append(clean)
    return kept


def _clean(value: Any, room: int) -> Any:
    if isinstance(value, str):
        return cut(one_line(value), room)
    if isinstance(value, Mapping):
        return {name: _clean(each, room) for name, each in value.items()}
    return [_clean(each, room) for each in value] if isinstance(value, list) else value


def one_line(text: str) -> str:
    """Without line breaks and control characters, which SNS refuses in a subject and nobody wants in an email.

    Characters that reverse text are removed too: with them a command could look like another one.
    """
    readable = text.encode(errors="replace").decode()
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+", " ", readable).split())


def cut(text: str, room: int) -> str:
    """The text in at most ``room`` bytes of UTF-8, three dots at the end where it was longer."""
    encoded = text.encode()
    return text if len(encoded) <= room else encoded[: room - 3].decode(errors="ignore") + "..."


def ascii_only(text: str) -> str:
    """On one line, with a question mark in place of each character that is not ASCII."""
    return one_line(text).encode("ascii", errors="replace").decode()
