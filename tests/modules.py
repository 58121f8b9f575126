"""Loading a fresh copy of a module for a test: of a function, of a step, or of an example."""

import importlib.util
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def loaded(path: Path) -> Any:
    """The module in a file, loaded again at each call."""
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def function(name: str) -> Any:
    """The module of one of the functions under ``functions/``."""
    return loaded(ROOT / "functions" / name / "app.py")


def step(function: str, name: str) -> Any:
    """The module of one of the steps of a function."""
    return loaded(ROOT / "functions" / function / f"{name}.py")
