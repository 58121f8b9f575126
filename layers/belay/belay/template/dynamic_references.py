"""Dynamic references: values that CloudFormation itself reads from Parameter Store "when necessary during stack and
change set operations" (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from belay.template.nodes import Document, MappingNode, Node, ScalarNode, SequenceNode, walk
from belay.template.references import PLACEHOLDER

_REFERENCE: Final = re.compile(r"\{\{resolve:ssm(?:-secure)?:(?P<named>.*?)(?:(?P<end>\}\}(?!\}))|$)", re.DOTALL)
"""A reference that a function assembles from pieces has no ``end`` here."""
_VERSION: Final = re.compile(r"[0-9]+|\$\{[^${}]+\}")
"""A number, or a parameter that holds one."""


def texts(document: Document) -> Iterator[str]:
    """Yield every text of a template, in source order."""
    return (node.text for node in walk(document.root) if isinstance(node, ScalarNode))


def unversioned(found: Iterable[str]) -> tuple[str, ...]:
    """Return the references to Parameter Store in these texts that name no version, without duplicates, as written.

    Secrets are left out: AWS recommends not naming a version, so that they can be rotated
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html).
    """
    return tuple(
        dict.fromkeys(
            reference[0] for text in found for reference in _REFERENCE.finditer(text) if not _names_version(reference)
        )
    )


def _names_version(reference: re.Match[str]) -> bool:
    _, colon, version = reference["named"].rpartition(":")
    return reference["end"] is not None and bool(colon) and _VERSION.fullmatch(version) is not None


class ReferencedValue(NamedTuple):
    """The location of a dynamic reference's value: a service, and the name and staging label of the entry there."""

    service: str
    name: str
    stage: str = ""


_WHOLE: Final = re.compile(r"\{\{resolve:(?P<service>ssm|ssm-secure|secretsmanager):(?P<key>[^{}]+)\}\}")
_ASSEMBLED: Final = re.compile(r"\{\{resolve:(?:[^{}]|\$\{\})+\}\}")
_ARN_PARTS: Final = 7
_NOT_KNOWN: Final = "${}"


def place_of(reference: str) -> ReferencedValue | None:
    """Return the location of a reference's newest value; None if the reference names a version.

    A secret is ``id:SecretString:json-key:version-stage:version-id``, its id may be an ARN
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html).
    """
    match = _WHOLE.fullmatch(reference)
    if match is None:
        return None
    parts = match["key"].split(":")
    if match["service"] != "secretsmanager":
        name, _, version = match["key"].rpartition(":")
        return None if name and version.isdecimal() else ReferencedValue("ssm", match["key"])
    ends = _ARN_PARTS if parts[0] == "arn" else 1
    stage, version = [*parts[ends + 2 :], "", ""][:2]
    return None if version else ReferencedValue("secretsmanager", ":".join(parts[:ends]), stage or "AWSCURRENT")


def changing(document: Document, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the dynamic references of a template without a version, without duplicates, however a function assembles
    them.

    ``values`` are those of parameters and the physical ids of resources, by name. What they do not determine becomes
    ``${}``.
    """
    assembled = (_assembled(node, values) for node in _texts_of(document.root))
    found = dict.fromkeys(reference[0] for text in assembled for reference in _ASSEMBLED.finditer(text))
    return tuple(each for each in found if _NOT_KNOWN in each or place_of(each) is not None)


def _texts_of(node: Node) -> Iterator[Node]:
    """Yield each text, and each function that may make one, as a whole."""
    if isinstance(node, ScalarNode) or (
        isinstance(node, MappingNode) and {"Fn::Join", "Fn::Sub"} & node.entries.keys()
    ):
        yield node
    elif isinstance(node, (MappingNode, SequenceNode)):
        for each in node.entries.values() if isinstance(node, MappingNode) else node.items:
            yield from _texts_of(each)


def _assembled(node: Node, values: Mapping[str, str]) -> str:
    if isinstance(node, ScalarNode):
        return node.text
    if not isinstance(node, MappingNode) or len(node.entries) != 1:
        return _NOT_KNOWN
    ((name, argument),) = node.entries.items()
    items = argument.items if isinstance(argument, SequenceNode) else [argument]
    if name == "Ref" and isinstance(argument, ScalarNode):
        return values.get(argument.text, _NOT_KNOWN)
    if name == "Fn::Join" and len(items) > 1 and isinstance(items[1], SequenceNode):
        return _assembled(items[0], values).join(_assembled(each, values) for each in items[1].items)
    if name == "Fn::Sub" and isinstance(items[0], ScalarNode):
        own = items[1].entries if len(items) > 1 and isinstance(items[1], MappingNode) else {}
        known = {**values, **{key: _assembled(each, values) for key, each in own.items()}}
        return PLACEHOLDER.sub(lambda match: known.get(match[1].strip(), _NOT_KNOWN), items[0].text)
    return _NOT_KNOWN
