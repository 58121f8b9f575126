"""Which parameters of a template are secret, and where their values end up in its resources."""

import json
import pkgutil
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Final

from belay.masking import Path
from belay.template.nested import STACK_TYPES
from belay.template.nodes import Document, MappingNode, Node, ScalarNode, SequenceNode, walk
from belay.template.parameters import is_no_echo, is_secret
from belay.template.references import PLACEHOLDER

_SECRET_REFERENCES: Final = ("{{resolve:secretsmanager:", "{{resolve:ssm-secure:")


def no_echo(document: Document) -> frozenset[str]:
    """Return the parameters that a template declares NoEcho."""
    return frozenset(name for name, node in document.section("Parameters").entries.items() if is_no_echo(node))


def secret_parameters(document: Document) -> frozenset[str]:
    """Return the parameters whose values are kept out of every document."""
    return frozenset(name for name, node in document.section("Parameters").entries.items() if is_secret(name, node))


@cache
def write_only(resource_type: str) -> tuple[Path, ...]:
    """Return the paths of a type's write-only properties, which its API never returns, by AWS's resource schemas.

    https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
    """
    return tuple(tuple(path.split("/")) for path in _table().get(resource_type, ()))


@cache
def _table() -> dict[str, list[str]]:
    table: dict[str, list[str]] = json.loads(pkgutil.get_data(__name__, "write_only.json") or b"{}")
    return table


def secret_places(document: Document, secret: Collection[str] = ()) -> Mapping[str, frozenset[Path]]:
    """Return, for each logical id, the paths of the properties that contain a secret value, in whatever expression.

    Secret are the template's NoEcho parameters, those in ``secret`` (a nested stack's, by what its parent passes), what
    is read from Secrets Manager or as a SecureString, and every attribute of the same name as a secret property.
    """
    return _followed(document, secret)[0]


def secret_outputs(document: Document) -> frozenset[str]:
    """Return the outputs of a template that contain a secret value, in whatever expression."""
    _, names = _followed(document, ())
    outputs = document.section("Outputs").entries
    return frozenset(name for name, body in outputs.items() if any(_tells(node, names) for node in walk(body)))


def _followed(document: Document, secret: Collection[str]) -> tuple[dict[str, frozenset[Path]], set[str]]:
    """Follow secrets through the resources; return where they are, and the names that refer to them."""
    names = {*secret, *no_echo(document)}
    resources = document.section("Resources").entries
    while True:
        found = {name: frozenset(_places(_properties(body), (), names)) for name, body in resources.items()}
        more = {name for each, places in found.items() for name in _told_by(each, resources[each], places)} - names
        if not more:
            return found, names
        names |= more


def _properties(body: Node) -> Node:
    return body.entries.get("Properties", body) if isinstance(body, MappingNode) else body


def _told_by(name: str, body: Node, places: Collection[Path]) -> Iterator[str]:
    """Yield the names that refer to the secrets of a resource; all outputs of a nested stack count."""
    kind = body.entries.get("Type") if isinstance(body, MappingNode) else None
    nested = isinstance(kind, ScalarNode) and kind.text in STACK_TYPES
    for place in places:
        yield f"{name}.Outputs" if nested else f"{name}.{place[0] if place else ''}"


def _places(node: Node, path: Path, names: Collection[str]) -> Iterator[Path]:
    if isinstance(node, MappingNode) and not any(key == "Ref" or key.startswith("Fn::") for key in node.entries):
        for key, each in node.entries.items():
            yield from _places(each, (*path, key), names)
    elif isinstance(node, SequenceNode):
        for each in node.items:
            yield from _places(each, (*path, "*"), names)
    elif any(_tells(each, names) for each in walk(node)):
        yield path


def _tells(node: Node, names: Collection[str]) -> bool:
    """Whether one node of an expression names a secret."""
    if isinstance(node, ScalarNode):
        return any(each in node.text for each in _SECRET_REFERENCES)
    if isinstance(node, SequenceNode):
        return False
    return any(_is_one(name, names) for key, value in node.entries.items() for name in _named(key, value))


def _named(key: str, value: Node) -> Iterator[str]:
    texts = [each.text for each in walk(value) if isinstance(each, ScalarNode)]
    if key in ("Ref", "Fn::GetAtt"):
        yield ".".join(texts)
    elif key == "Fn::Sub":
        yield from (match[1].strip() for text in texts for match in PLACEHOLDER.finditer(text))


def _is_one(name: str, names: Collection[str]) -> bool:
    resource, _, attribute = name.partition(".")
    return name in names or (attribute.startswith("Outputs.") and f"{resource}.Outputs" in names)
