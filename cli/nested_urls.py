"""Puts what Belay gives a release into a template's text: where the templates of its nested stacks are."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

import yaml

from belay.errors import UnreadableTemplate
from belay.release.manifest import INJECTED
from belay.template.root import RELEASE_BUCKET, RELEASE_PREFIX
from cli.yaml_edits import edited, entries, replaced, with_parameters


def with_urls(text: str, children: Mapping[str, str], passing: Collection[str]) -> str:
    """Return a template's text with the URL of each nested stack's template, changed nowhere else.

    ``children`` has the template's path in the release by the stack's logical id; the templates of those in ``passing``
    nest others, and get the place of the release's files from their parent. The template has been read before.
    """
    root = _mapping(yaml.compose(text, Loader=yaml.SafeLoader))
    resources = entries(root)["Resources"]
    edits = with_parameters(root, dict.fromkeys(INJECTED, '{"Type": "String"}'))
    for name, path in children.items():
        properties = _mapping(entries(entries(resources)[name])["Properties"])
        edits.append(replaced(entries(properties)["TemplateURL"], _url(root, path)))
        if name in passing:
            edits += with_parameters(properties, {given: json.dumps({"Ref": given}) for given in INJECTED})
    return edited(text, edits)


def _url(root: yaml.MappingNode, path: str) -> str:
    url = f"https://s3.amazonaws.com/${{{RELEASE_BUCKET}}}/${{{RELEASE_PREFIX}}}/{path}"
    return json.dumps({"Fn::Sub": url}) if root.flow_style else f'!Sub "{url}"'


def _mapping(node: yaml.Node | None) -> yaml.MappingNode:
    if not isinstance(node, yaml.MappingNode):
        raise UnreadableTemplate("expected a mapping")
    return node
