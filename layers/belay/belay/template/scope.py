"""Where an expression stands (its template, the stack made of it, what its names mean there), and what it may come to.

A value is a text (numbers and booleans too: CloudFormation compares and joins them as texts), a :class:`ListValue`, a
:class:`MapValue`, ``NO_VALUE``, or ``Unknown`` with the reason. Unknown is never an answer by itself: whoever needs the
value reports that it could not be decided.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from belay.template.nodes import Document, MappingNode, Node
from belay.template.values import NoValue, Unknown
from belay.template.world import Budget, World

GLOBAL_PSEUDO_PARAMETERS = frozenset({"AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::URLSuffix"})
"""The same in a nested stack as in its parent."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One stack: a template with the values its parameters get.

    ``stack`` is the path of logical ids from the root stack (empty there). ``parameters`` are the values passed: texts
    at the root, expressions of the parent below it. ``defaults_apply`` is true where a parameter that is not passed
    takes its default; else the default is only one of the values it may have. ``read`` gives the templates of the
    release by path, for nested stacks; ``release`` is the bucket and the prefix they lie under. ``functions`` are the
    intrinsic functions by name. ``loops`` binds the identifiers of ``Fn::ForEach``. ``budget`` is what may be spent on
    the stack with all it nests.
    """

    document: Document
    stack: str
    parameters: AbstractMapping[str, Binding]
    defaults_apply: bool
    read: Callable[[str], Document | None]
    functions: AbstractMapping[str, Function]
    release: tuple[str, str] = ("", "")
    loops: AbstractMapping[str, str | Unknown] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)

    def key(self, name: str) -> str:
        """Name something of this stack so that the same name of another stack is something else."""
        return name if not self.stack or name in GLOBAL_PSEUDO_PARAMETERS else f"{self.stack}/{name}"

    def looping(self, identifier: str, value: str | Unknown) -> Scope:
        """Return this scope inside one round of a loop."""
        return replace(self, loops={**self.loops, identifier: value})


class Lazy(NamedTuple):
    """A node that is still to be resolved, in the scope where it stands."""

    node: Node
    scope: Scope


class ListValue(NamedTuple):
    """A list whose items are resolved when they are asked for."""

    items: tuple[Value | Lazy, ...]


class MapValue(NamedTuple):
    """A mapping whose entries are resolved when they are asked for."""

    node: MappingNode
    scope: Scope


Value = str | ListValue | MapValue | NoValue | Unknown

Binding = str | Lazy | Unknown
"""What a parameter is given."""

Function = Callable[[Node, Scope, World], Value]
"""An intrinsic function: its argument as it stands, where it stands, and the world it is evaluated in."""
