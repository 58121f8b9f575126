"""What an expression of a template may come to.

A value is a text (numbers and booleans too: CloudFormation compares and joins them as texts), a :class:`Row`, a
:class:`Table`, :data:`NO_VALUE`, or :class:`Unknown` with the reason. Unknown is never an answer by itself: whoever
needs the value reports that it could not be decided.
"""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from belay.template.nodes import Mapping, Node
    from belay.template.scope import Scope

Guard = AbstractMapping[object, object]
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


class Lazy(NamedTuple):
    """A node that is still to be resolved, in the scope where it stands."""

    node: Node
    scope: Scope


class Row(NamedTuple):
    """A list whose items are resolved when they are asked for."""

    items: tuple[Value | Lazy, ...]


class Table(NamedTuple):
    """A mapping whose entries are resolved when they are asked for."""

    node: Mapping
    scope: Scope


Value = str | Row | Table | NoValue | Unknown
