"""Puts what Belay gives a release into a template's text: where the templates of its nested stacks are.

The text is changed where it has to be and nowhere else: comments and layout are its author's.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from belay.errors import UnreadableTemplate
from belay.template.root import RELEASE_BUCKET, RELEASE_PREFIX

GIVEN: Final = (RELEASE_BUCKET, RELEASE_PREFIX)
"""What a template declares to get the place of the release's files."""


@dataclass(frozen=True)
class _Edit:
    start: int
    end: int
    text: str


def with_urls(text: str, children: Mapping[str, str], passing: Collection[str]) -> str:
    """Return a template's text with the URL of each nested stack's template.

    ``children`` has the template's path in the release by the stack's logical id; the templates of those in ``passing``
    nest others, and get the place of the release's files from their parent. The template has been read before.
    """
    root = _mapping(yaml.compose(text, Loader=yaml.SafeLoader))
    resources = _entries(root)["Resources"]
    edits = _with_parameters(root, {name: {"Type": "String"} for name in GIVEN})
    for name, path in children.items():
        properties = _mapping(_entries(_entries(resources)[name])["Properties"])
        edits.append(_replaced(_entries(properties)["TemplateURL"], _url(root, path)))
        if name in passing:
            edits += _with_parameters(properties, {given: {"Ref": given} for given in GIVEN})
    for edit in sorted(edits, key=lambda each: each.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _url(root: yaml.MappingNode, path: str) -> str:
    url = f"https://s3.amazonaws.com/${{{RELEASE_BUCKET}}}/${{{RELEASE_PREFIX}}}/{path}"
    return json.dumps({"Fn::Sub": url}) if root.flow_style else f'!Sub "{url}"'


def _with_parameters(mapping: yaml.MappingNode, wanted: Mapping[str, Mapping[str, str]]) -> list[_Edit]:
    """Add the entries that a mapping's ``Parameters`` lack; the section, too, if there is none."""
    there = _entries(mapping).get("Parameters")
    known = _entries(there)
    missing = {name: value for name, value in wanted.items() if name not in known}
    if not missing:
        return []
    if there is not None and known:
        return [_before_the_first(_mapping(there), missing)]
    return [_before_the_first(mapping, {"Parameters": missing})]


def _before_the_first(mapping: yaml.MappingNode, entries: Mapping[str, Any]) -> _Edit:
    """Put entries before the first of a mapping, in its own style: JSON is YAML, too."""
    first = mapping.value[0][0].start_mark
    separator = ", " if mapping.flow_style else "\n" + " " * first.column
    named = (
        f"{json.dumps(name) if mapping.flow_style else name}: {json.dumps(each)}" for name, each in entries.items()
    )
    return _Edit(first.index, first.index, "".join(each + separator for each in named))


def _mapping(node: yaml.Node | None) -> yaml.MappingNode:
    if not isinstance(node, yaml.MappingNode):
        raise UnreadableTemplate("expected a mapping")
    return node


def _replaced(node: yaml.Node, by: str) -> _Edit:
    return _Edit(node.start_mark.index, _end(node), by)


def _end(node: yaml.Node) -> int:
    """Return where a value ends: PyYAML has one in block style end where the next key begins, after its comments."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _entries(node: yaml.Node | None) -> dict[str, yaml.Node]:
    return {key.value: value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}
