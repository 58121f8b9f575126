"""The values in a table of parameters: what is allowed, and their text form for templates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9]{1,100}")
_SECRET = re.compile(r"(?i)passw|passphrase|pwd|secret|token|credential|(api|access|account|private|shared)_?key")


class InvalidValuesError(Exception):
    """Raised for invalid values; the message says which and why."""


def item_of(application: str, version: int) -> str:
    """Return the sort key of a version: zeros keep the versions in their order."""
    return f"{application}#{version:08d}"


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the text of each value by its name, the names of mappings and of what is in them joined by dots.

    Lists are joined by commas, as ``Fn::Split`` takes them apart. Raises ``InvalidValuesError``.
    """
    return dict(_texts(values, ""))


def _texts(values: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        here = f"{path}.{name}" if path else name
        if not _NAME.fullmatch(name):
            raise InvalidValuesError(f"{here!r}: expected a name of letters and digits, as Fn::GetAtt takes")
        if _SECRET.search(name):
            raise InvalidValuesError(f"{here}: a secret does not belong here, but into Secrets Manager")
        if isinstance(value, Mapping):
            yield from _texts(value, here)
        elif isinstance(value, list):
            yield here, ",".join(_item(each, here) for each in value)
        else:
            yield here, _text(value, here)


def _item(value: Any, where: str) -> str:
    text = _text(value, where)
    if "," in text:
        raise InvalidValuesError(f"{where}: an item of a list may have no comma, found {text!r}")
    return text


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return str(value)
    if isinstance(value, str):
        return value
    raise InvalidValuesError(f"{where}: expected a text, a number, true or false, a list or a mapping, found {value!r}")
