"""Values that a template does not contain: those it omits, and those it does not determine."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple

Guard = Mapping[object, object]
"""A condition: an answer for each open question. Two guards agree if they answer no question differently."""


class NoValue(Enum):
    """The type of :data:`NO_VALUE`."""

    NO_VALUE = "AWS::NoValue"


NO_VALUE = NoValue.NO_VALUE
"""``Ref: AWS::NoValue``: the property or list item is left out."""

READ_LATER: Final = "{{resolve:belay:table}}"
"""Represents a parameter's value before Belay reads it from a table. CloudFormation would refuse it."""


class Unknown(NamedTuple):
    """A value that the template does not determine.

    ``key`` names it: two unknowns with the same key are the same value. ``reason`` completes the sentence "cannot be
    decided: ...". ``parts`` are set for a text with some known pieces. ``prefix_bits`` says that, as an address block,
    it has at most 2**prefix_bits addresses. ``bounds`` are the smallest and the largest number it may be. ``many`` says
    that it stands for several values, as in a loop over an unknown list or a text that is split. ``readings`` are the
    texts that an unquoted scalar may be read as: it is one of them. ``word`` says that it has only letters, digits and
    dashes, as ids have.
    """

    key: str
    reason: str
    parts: tuple[str | Unknown, ...] = ()
    prefix_bits: int | None = None
    bounds: tuple[int, int] | None = None
    many: bool = False
    readings: tuple[str, ...] = ()
    word: bool = False
