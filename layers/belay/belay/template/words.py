"""Unquoted words that YAML does not read as texts."""

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
"""The possible readings of an unquoted word.

YAML 1.1, like CloudFormation, reads ``yes`` as a boolean; YAML 1.2, which some tools write, reads it as a text.
Source: https://yaml.org/type/bool.html
"""
