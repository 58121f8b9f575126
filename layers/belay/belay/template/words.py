"""Plain words that YAML reads as something else than a text."""

from __future__ import annotations

from typing import Final

from belay.template.nodes import NULLS
from belay.template.values import NO_VALUE, NoValue


def _forms(*words: str) -> list[str]:
    return [form for word in words for form in (word, word.title(), word.upper())]


READINGS: Final[dict[str, tuple[str | NoValue, ...]]] = {
    **dict.fromkeys(NULLS, (NO_VALUE,)),
    **dict.fromkeys(_forms("true"), ("true",)),
    **dict.fromkeys(_forms("false"), ("false",)),
    **{word: ("true", word) for word in _forms("yes", "on", "y")},
    **{word: ("false", word) for word in _forms("no", "off", "n")},
}
"""What a plain word may be read as.

YAML 1.1 reads ``yes`` and its like as booleans, and CloudFormation does; YAML 1.2, which some tools write, reads texts.
Source: https://yaml.org/type/bool.html
"""
