"""The possible readings of an unquoted scalar: by YAML 1.1, which CloudFormation reads, by YAML 1.2, and as written.

A quoted scalar, and every string of JSON, has one reading. Sources: https://yaml.org/type/int.html,
https://yaml.org/type/float.html, https://yaml.org/type/bool.html and https://yaml.org/spec/1.2.2/#103-core-schema
"""

import re
from functools import lru_cache
from typing import Final

from belay.template.nodes import NULLS
from belay.template.values import NO_VALUE, NoValue, Unknown

LONGEST_NUMBER = 300
"""Longer numbers are not converted: no port, index or account id is that long."""


def _forms(*words: str) -> list[str]:
    return [form for word in words for form in (word, word.title(), word.upper())]


WORDS: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(_forms("true"), ("true",)),
    **dict.fromkeys(_forms("false"), ("false",)),
    **{word: ("true", word) for word in _forms("yes", "on", "y")},
    **{word: ("false", word) for word in _forms("no", "off", "n")},
}

SPECIAL: Final = NULLS | WORDS.keys()
NUMERIC: Final = frozenset("-+.0123456789")
"""An unquoted scalar that is none of these words, and has none of these prefixes, is read as written."""
MAY_BE_A_NUMBER: Final = re.compile(r"[-+.0-9][-+.:_0-9a-fA-Fox]*")
INTEGER: Final = re.compile(r"0|-?[1-9][0-9]*")
BASES: Final = (
    (2, re.compile(r"[-+]?0b[01_]*[01][01_]*")),
    (8, re.compile(r"[-+]?0o?[0-7_]*[0-7][0-7_]*")),
    (10, re.compile(r"[-+]?[0-9][0-9_]*")),
    (16, re.compile(r"[-+]?0x[0-9a-fA-F_]*[0-9a-fA-F][0-9a-fA-F_]*")),
)
SEXAGESIMAL: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
FLOAT: Final = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9_]*[0-9][0-9_]*|[0-9][0-9_]*(?=[eE]))(?:[eE][-+]?[0-9]+)?"
)


@lru_cache(maxsize=65_536)
def unquoted(text: str) -> str | NoValue | Unknown:
    """Return what an unquoted scalar means; if readers differ, an unknown value with every reading."""
    if text in NULLS:
        return NO_VALUE
    found = readings(text)
    if len(found) == 1:
        return found[0]
    shown = " or ".join(found) if found else "a number"
    return Unknown(f"unquoted {text}", f"{text} without quotes may be read as {shown}", readings=found)


def readings(text: str) -> tuple[str, ...]:
    """Return the readings of an unquoted scalar, without duplicates; none if it is too long a number to convert."""
    if text in WORDS:
        return WORDS[text]
    if not MAY_BE_A_NUMBER.fullmatch(text) or INTEGER.fullmatch(text):
        return (text,)
    bases = [base for base, pattern in BASES if pattern.fullmatch(text)]
    real = FLOAT.fullmatch(text) or SEXAGESIMAL.fullmatch(text)
    if not bases and not real:
        return (text,)
    if len(text) > LONGEST_NUMBER:
        return ()
    digits = text.replace("_", "")
    found = [str(int(digits.replace("o", ""), base)) for base in bases]
    return tuple(dict.fromkeys([*found, *(_real(digits) if real else ()), text]))


def _real(digits: str) -> tuple[str, ...]:
    """Return how a float or a number of base 60 may be written: without a fraction if it has none, and with it."""
    value = 0.0
    for part in digits.lstrip("-+").split(":"):
        value = value * 60 + float(part)
    value = -value if digits.startswith("-") else value
    return (str(int(value)), repr(value)) if value.is_integer() else (repr(value),)
