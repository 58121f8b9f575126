"""One name means one thing: no two classes share a name, and no module hides a built-in or a standard class."""

import ast
import builtins
import collections.abc
import typing
from collections import defaultdict
from collections.abc import Iterator

from project import ROOT, parsed, tracked_files

CODE = [
    path
    for path in tracked_files()
    if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in {"layers", "functions", "cli"}
]
BESIDE = [
    path
    for path in tracked_files()
    if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in {"packs", "local", "benchmarks"}
]
STANDARD = {name for name in dir(builtins) if not name.startswith("_")} | {*typing.__all__, *collections.abc.__all__}


OF_A_FUNCTION = {"functions", "packs"}


def classes() -> dict[str, set[str]]:
    """The files that define a class, by its name; every function has a ``Settings`` of its own."""
    found = defaultdict(set)
    for path in [*CODE, *BESIDE]:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef) and not (node.name == "Settings" and path.parts[-3] in OF_A_FUNCTION):
                found[node.name].add(path.relative_to(ROOT).as_posix().removeprefix("layers/belay/belay/"))
    return found


def defined(module: ast.Module) -> Iterator[str]:
    """The names that a module defines itself: its classes, functions and constants, but no imports."""
    for node in module.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))


def test_no_two_classes_share_a_name() -> None:
    assert {name: files for name, files in classes().items() if len(files) > 1} == {}


def test_no_module_hides_a_builtin_or_a_standard_class() -> None:
    hidden = {path.relative_to(ROOT).as_posix(): set(defined(parsed(path))) & STANDARD for path in CODE}
    assert not {path: names for path, names in hidden.items() if names}
