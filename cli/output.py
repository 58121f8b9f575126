"""Output of commands: lines of text, or one JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from belay.release.reason import Reason

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_COLUMN: Final = 80


def reason_parts(reason: Reason | None) -> dict[str, Any]:
    """Return why something ended as text and as data, for a JSON document."""
    # Imported only for reasons, since what they may be about takes long to import.
    from belay.notify.told import in_words  # noqa: PLC0415
    from belay.release.reason import to_dict  # noqa: PLC0415

    return {"reason": in_words(reason) or None, "reason_data": None if reason is None else to_dict(reason)}


def tell(output: str, found: Mapping[str, Any], lines: Iterable[str]) -> None:
    """Print the lines, or with ``--output json`` the document they were rendered from."""
    print(as_json(found) if output == "json" else plain("\n".join(lines)))


def as_json(found: Mapping[str, Any]) -> str:
    """Return a document as docs/command-output/ describes it, without what a terminal would act on."""
    document = json.dumps(found, indent=2, ensure_ascii=False, default=str)
    return "".join(each if _harmless(each) else json.dumps(each)[1:-1] for each in document)


def plain(text: str) -> str:
    """Return a text with a mark in place of what a terminal would act on, or what reverses text.

    What a release, a template or a log says must not move the cursor, colour a verdict or look like another command.
    """
    if text.isprintable():
        return text
    return "".join(each if _harmless(each) else "\ufffd" for each in text)


def _harmless(character: str) -> bool:
    return character.isprintable() or character in "\n\t"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table as lines, columns in upper case; nothing where there are no rows."""
    cells = [[column.upper() for column in columns], *(list(row) for row in rows)]
    if len(cells) == 1:
        return []
    widths = [max(len(row[number]) for row in cells) for number in range(len(columns))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def section(title: str, lines: Sequence[str]) -> list[str]:
    """Return a title and lines below it, after an empty one; nothing where there are no lines."""
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def one_line(text: str) -> str:
    """Return a text on one line, with three dots at the end where it was longer than a column is wide."""
    line = " ".join(text.split())
    return line if len(line) <= _COLUMN else f"{line[: _COLUMN - 3]}..."


def ago(since: datetime, now: datetime) -> str:
    """Return the time since then, as ``12 s``, ``5 min``, ``3 h 20 min`` or ``4 d``."""
    return duration(now - since)


def duration(span: timedelta) -> str:
    """Return a span of time in the two units that matter."""
    seconds = max(int(span.total_seconds()), 0)
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < _DAY:
        minutes = seconds % _HOUR // _MINUTE
        return f"{seconds // _HOUR} h" + (f" {minutes} min" if minutes else "")
    return f"{seconds // _DAY} d"


def at(timestamp: str | None) -> str:
    """Return a timestamp of the ledger as text: ``2026-03-02 09:23:11 UTC``; a dash if there is none."""
    if not timestamp:
        return "-"
    return f"{timestamp[:10]} {timestamp[11:19]} UTC"
