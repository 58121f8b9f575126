"""Files of changes: finding them, and reading their text."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from belay.errors import UnreadableChanges
from belay.sql.limits import MAX_BYTES, MAX_FILE_BYTES
from belay.sql.located import LocatedText, of_file
from belay.sql.problems import shown

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_TRICKS: Final = re.compile(r"(?:^|/)(?:\.{0,2})(?:/|$)|[\\\x00-\x1f\x7f]")
_NOT_CHANGES: Final = re.compile(r"(?:^|/)(?:\.[^/]*|[^/]*\.md)$", re.IGNORECASE)


def text_of(path: str, data: bytes) -> LocatedText:
    """Return a file's text. Raises :class:`UnreadableChanges` if it is too large or not UTF-8."""
    if len(data) > MAX_FILE_BYTES:
        raise UnreadableChanges(
            [f"{path}:1:1: expected at most {MAX_FILE_BYTES:,} bytes, found {len(data):,}; load rows by other means"]
        )
    body = data.removeprefix(_BYTE_ORDER_MARK)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        line, column = body.count(b"\n", 0, error.start) + 1, error.start - body.rfind(b"\n", 0, error.start)
        raise UnreadableChanges(
            [f"{path}:{line}:{column}: expected UTF-8, found the byte {body[error.start]:#04x}; save it as UTF-8"]
        ) from error
    zero = text.find("\0")
    if zero >= 0:
        line = text.count("\n", 0, zero) + 1
        raise UnreadableChanges([f"{path}:{line}:1: expected text, found a zero character; save it as UTF-8"])
    return of_file(path, text)


def below(files: Mapping[str, bytes], directory: str) -> dict[str, bytes]:
    """Return the files in a directory, ordered by path; files such as README.md are no changes.

    Raises :class:`UnreadableChanges` for paths that lead elsewhere, and if the files are too large together.
    """
    start = "" if directory in {"", "."} else f"{directory.strip('/')}/"
    found = {path: files[path] for path in sorted(files) if path.startswith(start) and not _NOT_CHANGES.search(path)}
    problems = [
        f"{shown(path)}: expected a path without '.', '..', backslashes and control characters"
        for path in found
        if _TRICKS.search(path)
    ]
    size = sum(map(len, found.values()))
    if size > MAX_BYTES:
        problems.append(f"{directory}: expected at most {MAX_BYTES:,} bytes of changes, found {size:,}")
    if not found:
        problems.append(f"{directory}: expected files of database changes, found none")
    if problems:
        raise UnreadableChanges(problems)
    return found


def name_of(path: str) -> str:
    """Return the last part of a path."""
    return PurePosixPath(path).name
