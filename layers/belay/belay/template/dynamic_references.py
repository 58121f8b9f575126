"""Dynamic references: values that CloudFormation itself reads from Parameter Store "when necessary during stack and
change set operations" (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html)."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from belay.template.nodes import Document, ScalarNode, walk

_REFERENCE: Final = re.compile(r"\{\{resolve:ssm(?:-secure)?:(?P<named>.*?)(?:(?P<end>\}\}(?!\}))|$)", re.DOTALL)
"""A reference that a function assembles from pieces has no ``end`` here."""
_VERSION: Final = re.compile(r"[0-9]+|\$\{[^${}]+\}")
"""A number, or a parameter that holds one."""


def texts(document: Document) -> Iterator[str]:
    """Yield every text of a template, in the author's order."""
    return (node.text for node in walk(document.root) if isinstance(node, ScalarNode))


def unversioned(found: Iterable[str]) -> tuple[str, ...]:
    """Return the references to Parameter Store in these texts that name no version, each once, as written.

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
