"""Values that do not stand in a template: what it leaves out, and what it does not tell."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

Guard = Mapping[object, object]
"""What has to be the case: for each undecided question its answer. Two agree where none is answered differently."""


class NoValue(Enum):
    """The type of :data:`NO_VALUE`."""

    NO_VALUE = "AWS::NoValue"


NO_VALUE = NoValue.NO_VALUE
"""``Ref: AWS::NoValue``: the property, or the list's item, is not there."""


class Unknown(NamedTuple):
    """A value that the template does not tell.

    ``key`` names it: two unknowns of one key are the same value. ``reason`` completes the sentence "cannot be decided:
    ...". ``parts`` are set for a text of which some pieces are known. ``prefix_bits`` says that, as an address block,
    it holds at most 2**prefix_bits addresses. ``bounds`` are the least and the largest number it may be. ``many`` says
    that it stands for several values at once, as in a loop over a list that is not told.
    """

    key: str
    reason: str
    parts: tuple[str | Unknown, ...] = ()
    prefix_bits: int | None = None
    bounds: tuple[int, int] | None = None
    many: bool = False
