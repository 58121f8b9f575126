"""Values in a table that templates look up, in a version that is a parameter: ``Custom::TableLookup``.

``examples/table_parameters`` has that custom resource; what it is registered with is docs/registration.md's parameter
from a table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from belay.template.nodes import Document, MappingNode, Node, ScalarNode
from belay.template.sections import parameters
from cli.template_nodes import entry, kind_of, properties, text

LOOKUP: Final = "Custom::TableLookup"
TABLE: Final = "ParameterTable"
"""The name in braces that stands for an unknown table."""


@dataclass(frozen=True)
class Lookup:
    """Whose values a template looks up, where ``${Stage}`` stands for the stage; None if not plain text."""

    owner: str | None
    application: str | None

    def registered(self, stage: str, table: str | None) -> str:
        """Return what the parameter is registered as: where the version stands that a stage takes."""
        key = {"Owner": _of(self.owner, stage, "TableOwner"), "Item": _of(self.application, stage, "TableItem")}
        named = f"${{{TABLE}}}" if table is None else table
        return f"{{table: {json.dumps(named)}, key: {json.dumps(key)}, attribute: Version}}"

    def left(self, parameter: str, table: str | None) -> Iterator[str]:
        """Say what is left to a person."""
        if table is None:
            yield (
                f"{parameter} is the newest version in a table: write its name in place of ${{{TABLE}}} in "
                "registration/; Belay's parameter ParameterTableArns has to cover it"
            )
        for name, found in (("TableOwner", self.owner), ("TableItem", self.application)):
            if found is None:
                yield f"{parameter}: the template does not say whose version it is: write that in place of ${{{name}}}"


def lookups(document: Document) -> dict[str, Lookup]:
    """Return the lookups of a template by the parameter that is their version."""
    found = {}
    for body in document.section("Resources").entries.values():
        given = properties(body)
        name = text(entry(given.get("Version"), "Ref"))
        if kind_of(body) == LOOKUP and name in parameters(document):
            found[name] = Lookup(_text(given.get("Owner")), _text(given.get("Application")))
    return found


def _text(node: Node | None) -> str | None:
    if isinstance(node, MappingNode) and "Fn::Sub" in node.entries:
        node = node.entries["Fn::Sub"]
    elif isinstance(node, ScalarNode) and "$" in node.text:
        return None
    if not isinstance(node, ScalarNode) or set(re.findall(r"\$\{([^}]*)\}", node.text)) - {"Stage"}:
        return None
    return node.text


def _of(text: str | None, stage: str, name: str) -> str:
    return f"${{{name}}}" if text is None else text.replace("${Stage}", stage).replace("$", "$$")
