"""The scope of an expression (its template, its stack, what names mean in it), and the values it may have.

A value is a text (numbers and booleans too: CloudFormation compares and joins them as texts), a :class:`ListValue`, a
:class:`MapValue`, ``NO_VALUE``, or ``Unknown`` with the reason. Unknown is never an answer: code that needs the value
reports that it could not be decided.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from belay.template.nodes import Document, MappingNode, Node
from belay.template.values import Guard, NoValue, Unknown
from belay.template.world import Budget, World

GLOBAL_PSEUDO_PARAMETERS = frozenset({"AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::URLSuffix"})
"""The same in a nested stack as in its parent."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One stack: a template with the values of its parameters.

    ``stack`` is the path of logical ids from the root stack (empty for the root). ``parameters`` are the values passed:
    texts at the root, expressions of the parent below it. ``defaults_apply`` is true if a parameter that is not passed
    has its default; otherwise the default is only one of its possible values. ``read`` returns the release's templates
    by path, for nested stacks; ``release`` is their bucket and prefix, if known. ``functions`` are the intrinsic
    functions by name. ``loops`` binds the identifiers of ``Fn::ForEach``. ``budget`` limits the work on the stack and
    its nested stacks, which share ``exports``, their exported outputs as far as they have been read, and
    ``attributes``: known values that only a deployment determines, as ``Network.Cidr``, in a nested stack
    ``Storage/Network.Cidr``.
    """

    document: Document
    stack: str
    parameters: AbstractMapping[str, Binding]
    defaults_apply: bool
    read: Callable[[str], Document | None]
    functions: AbstractMapping[str, Function]
    release: tuple[str | Unknown, str | Unknown] = ("", "")
    loops: AbstractMapping[str, str | Unknown] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    exports: dict[ExportName, list[Export]] = field(default_factory=dict)
    attributes: AbstractMapping[str, str] = field(default_factory=dict)

    def key(self, name: str) -> str:
        """Qualify a name with the stack, so that it differs from the same name in another stack."""
        return name if not self.stack or name in GLOBAL_PSEUDO_PARAMETERS else f"{self.stack}/{name}"

    def looping(self, identifier: str, value: str | Unknown) -> Scope:
        """Return this scope inside one round of a loop."""
        return replace(self, loops={**self.loops, identifier: value})


class Lazy(NamedTuple):
    """A node that is still to be resolved, with its scope."""

    node: Node
    scope: Scope


class ListValue(NamedTuple):
    """A list whose items are resolved on demand."""

    items: tuple[Value | Lazy, ...]


class MapValue(NamedTuple):
    """A mapping whose entries are resolved on demand."""

    node: MappingNode
    scope: Scope


Value = str | ListValue | MapValue | NoValue | Unknown

Binding = str | Lazy | Unknown
"""The value passed for a parameter."""

ExportName = tuple[str, bool]
"""The text of an export's name, or the key of an unknown name, marked by the second value."""


class Export(NamedTuple):
    """An exported output's value, and the conditions under which it is exported."""

    guard: Guard
    value: Lazy


Function = Callable[[Node, Scope, World], Value]
"""An intrinsic function of its unevaluated argument, the argument's scope, and the world it is evaluated in."""
