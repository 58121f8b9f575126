"""Text that knows the location in a file of each of its characters."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from belay.sql.changes import SourcePlace

_BLOCK: Final = 4096
"""Characters between two line counts: a location is found without counting from the file's beginning."""

Part = tuple[str, int, bool]
"""Text, the location in the original it comes from, and whether it is there as is (or is substituted for something)."""


@dataclass(frozen=True, slots=True)
class LocatedText:
    """A file's text or a part of it. ``place`` returns the location of the character at an offset in ``text``."""

    text: str
    place: Callable[[int], SourcePlace]

    def joined(self, parts: Iterable[Part]) -> LocatedText:
        """Return a text made of parts of this one and of substitutions."""
        texts: list[str] = []
        begins: list[int] = []
        origins: list[tuple[int, bool]] = []
        length = 0
        for text, origin, same in parts:
            texts.append(text)
            begins.append(length)
            origins.append((origin, same))
            length += len(text)

        def place(offset: int) -> SourcePlace:
            if not begins:
                return self.place(0)
            index = bisect_right(begins, offset) - 1
            origin, same = origins[index]
            return self.place(origin + offset - begins[index] if same else origin)

        return LocatedText("".join(texts), place)


def of_file(path: str, text: str, line: int = 1, column: int = 1) -> LocatedText:
    """Return the text of a file, or one that begins at a line and column of it."""
    counts = [line]
    last = [-1]
    for begin in range(0, len(text), _BLOCK):
        counts.append(counts[-1] + text.count("\n", begin, begin + _BLOCK))
        found = text.rfind("\n", begin, begin + _BLOCK)
        last.append(last[-1] if found < 0 else found)

    def place(offset: int) -> SourcePlace:
        block = offset // _BLOCK
        begin = block * _BLOCK
        newline = text.rfind("\n", begin, offset)
        newline = last[block] if newline < 0 else newline
        before = column if newline < 0 else 0
        return SourcePlace(path, counts[block] + text.count("\n", begin, offset), offset - newline - 1 + (before or 1))

    return LocatedText(text, place)
