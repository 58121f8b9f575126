import ast
import re
from pathlib import Path

import pytest

from local.engine import ROOT

BRIDGES = sorted(path for path in (ROOT / "local" / "bridges").glob("*.py") if path.stem != "__init__")
INSTALLED = (ROOT / "local" / "bridges" / "__init__.py").read_text()
GUIDE = (ROOT / "docs" / "engine.md").read_text()
NOT_BRIDGES = {"moments", "requests", "resource_parameters"}


@pytest.mark.parametrize("path", BRIDGES, ids=lambda path: path.stem)
def test_a_bridge_says_which_gap_it_closes_and_is_in_the_guide(path):
    docstring = " ".join((ast.get_docstring(ast.parse(path.read_text())) or "").split())

    assert f"`{path.stem}`" in GUIDE
    if path.stem not in NOT_BRIDGES:
        assert docstring.startswith("Gap: ")
        assert re.search(r"\bcan be removed (from the list )?once\b|This stays\b", docstring), "when can it be removed?"
        assert f"{path.stem}.install(" in INSTALLED or f"{path.stem}.wrap(" in INSTALLED


def test_the_guide_names_tests_that_exist():
    named = set(re.findall(r"`(test_engine_\w+)`", GUIDE))

    assert named
    assert {name for name in named if not (Path(__file__).parent / f"{name}.py").exists()} == set()
