"""Edits of a YAML text (or JSON, which is YAML) that leave its comments and layout as their author wrote them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import yaml


@dataclass(frozen=True, order=True)
class Edit:
    """What replaces the text from ``start`` to ``end``."""

    start: int
    end: int
    text: str


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return a text with all edits made."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def replaced(node: yaml.Node, by: str) -> Edit:
    """Put a text in place of a node."""
    return Edit(node.start_mark.index, _end(node), by)


def _end(node: yaml.Node) -> int:
    """Return where a value ends: PyYAML has one in block style end where the next key begins, after its comments."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def with_parameters(mapping: yaml.MappingNode, wanted: Mapping[str, str]) -> list[Edit]:
    """Add the entries, in flow style, that a mapping's ``Parameters`` lack; the section, too, if there is none."""
    there = entries(mapping).get("Parameters")
    missing = {name: value for name, value in wanted.items() if name not in entries(there)}
    if not missing:
        return []
    if isinstance(there, yaml.MappingNode):
        return [_before_the_first(there, missing)]
    section = ", ".join(f"{_key(name, mapping)}: {value}" for name, value in missing.items())
    return [_before_the_first(mapping, {"Parameters": f"{{{section}}}"})]


def _before_the_first(mapping: yaml.MappingNode, given: Mapping[str, str]) -> Edit:
    """Put entries before the first of a mapping, in its own style."""
    pairs = [f"{_key(name, mapping)}: {value}" for name, value in given.items()]
    if not mapping.value:
        at = mapping.start_mark.index + 1
        return Edit(at, at, ", ".join(pairs))
    first = mapping.value[0][0].start_mark
    separator = ", " if mapping.flow_style else "\n" + " " * first.column
    return Edit(first.index, first.index, "".join(each + separator for each in pairs))


def _key(name: str, mapping: yaml.MappingNode) -> str:
    """Return a key as a mapping's first one is written: quoted in JSON."""
    quoted = mapping.value[0][0].style == '"' if mapping.value else True
    return json.dumps(name) if quoted else name


def entries(node: yaml.Node | None) -> dict[str, yaml.Node]:
    """Return the values of a mapping by their keys; none of any other node."""
    return {key.value: value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}
