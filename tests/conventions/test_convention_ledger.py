"""What lies in the ledger under which key is the ledger's own affair: nobody else names a key or passes an item on."""

import ast
import re

import pytest
from project import ROOT, parsed

KEYS = re.compile(r"\b[PS]K\b")
EXCEPTIONS = {
    "layers/belay/belay/aws/dynamodb.py": "the table's own two attributes",
    "local/demo_person.py": "asks for the questions as an outsider would",
    "local/demo_pipeline.py": "asks for an execution as an outsider would",
}
"""Who still does, and why. It only shrinks."""

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
