"""The ledger's keys are internal to it: no other module names a key or passes an item on."""

import ast
import re

import pytest
from project import ROOT, parsed

KEYS = re.compile(r"\b[PS]K\b|\b[A-Z]{3,}#")
KIND = re.compile(r"#?(?P<word>[A-Z]{2,})(#.*)?")
EXCEPTIONS = {
    "layers/belay/belay/aws/dynamodb.py": "the table's own two attributes",
    "local/demo_person.py": "asks for the questions as an outsider would",
    "local/demo_pipeline.py": "asks for an execution as an outsider would",
}
"""Remaining exceptions, with reasons. The list only shrinks."""

MODULES = sorted(
    str(path.relative_to(ROOT))
    for room in ("layers/belay/belay", "functions", "cli", "local", "packs")
    for path in (ROOT / room).rglob("*.py")
    if "layers/belay/belay/ledger/" not in str(path)
)


def keys_named(module: str) -> list[str]:
    """The lines that name a key, or the type of an item."""
    found = []
    for node in ast.walk(parsed(ROOT / module)):
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        named = KEYS.search(text) if text and "\n" not in text else None
        imported = isinstance(node, ast.ImportFrom) and any(each.name == "Item" for each in node.names)
        if named or imported:
            found.append(f"{module}:{getattr(node, 'lineno', 0)}")
    return found


@pytest.mark.parametrize("module", [each for each in MODULES if each not in EXCEPTIONS])
def test_no_key_of_the_ledger_leaves_its_room(module: str) -> None:
    assert keys_named(module) == []


@pytest.mark.parametrize("module", EXCEPTIONS)
def test_an_exception_is_one(module: str) -> None:
    assert keys_named(module), "it names no key any more: take it off the list"


def kinds_of_items() -> set[str]:
    """The prefixes of partitions and sort keys, or whole ones: ``INCIDENT`` of ``INCIDENT#``."""
    found = set()
    for path in (ROOT / "layers/belay/belay/ledger").glob("*.py"):
        for node in ast.walk(parsed(path)):
            named = (
                KIND.fullmatch(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
            )
            found |= {named["word"]} if named else set()
    return found


def test_every_kind_of_item_is_in_the_ledger_s_table() -> None:
    table = ast.get_docstring(parsed(ROOT / "layers/belay/belay/ledger/ledger.py")) or ""
    listed = set(re.findall(r"(?:``|\.\.\.#)([A-Z]+)", table))
    assert len(listed) > 30
    assert kinds_of_items() - {"PK", "SK"} == listed - {"PK", "SK"}
