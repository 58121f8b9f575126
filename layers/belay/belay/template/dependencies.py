"""The dependencies between a template's resources, by which CloudFormation orders them."""

from collections.abc import Iterator

from belay.template.nodes import Document, MappingNode, Node, ScalarNode, SequenceNode
from belay.template.references import PLACEHOLDER


def dependencies(document: Document) -> dict[str, frozenset[str]]:
    """Return, for each logical id of a template, the logical ids it depends on.

    A resource depends on others through ``Ref``, ``Fn::GetAtt``, ``Fn::Sub`` and ``DependsOn``. Conditions are ignored,
    so the result may contain too many dependencies but never too few.
    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html
    """
    resources = document.section("Resources").entries
    return {
        name: frozenset(named for named in _named(body) if named in resources and named != name)
        for name, body in resources.items()
    }


def behind_output(document: Document, name: str) -> frozenset[str]:
    """Return the logical ids that an output's value depends on, directly or through other resources."""
    output, needs = document.section("Outputs").entries.get(name), dependencies(document)
    found: set[str] = set()
    waiting = [] if output is None else [*_named(output)]
    while waiting:
        each = waiting.pop()
        if each in needs and each not in found:
            found.add(each)
            waiting += needs[each]
    return frozenset(found)


def _named(node: Node) -> Iterator[str]:
    if isinstance(node, SequenceNode):
        for item in node.items:
            yield from _named(item)
    elif isinstance(node, MappingNode):
        for key, value in node.entries.items():
            if key in ("Ref", "DependsOn", "Fn::GetAtt"):
                yield from (text.partition(".")[0] for text in _texts(value))
            elif key == "Fn::Sub":
                yield from (
                    match[1].strip().partition(".")[0] for t in _texts(value) for match in PLACEHOLDER.finditer(t)
                )
            yield from _named(value)


def _texts(node: Node) -> Iterator[str]:
    """Yield the text itself, or the texts of a list."""
    if isinstance(node, ScalarNode):
        yield node.text
    elif isinstance(node, SequenceNode):
        yield from (item.text for item in node.items if isinstance(item, ScalarNode))
