"""The rooms and the arrows between them: imports point inward, and only the edge touches the world."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from project import FUNCTIONS, LAYER, function_modules, imported, layer_modules, parsed, step_modules

EDGE = "aws"
FOR_HANDLERS = {"home", "settings", "observability", "steps"}
"""Modules for functions alone; ``home`` opens the rooms that meet the world."""

OUTER = [EDGE, "ledger", "control"]
"""The rooms that meet the world, directly or through those before them; each may import only those before it."""

THIRD_PARTY = {"yaml", "sqlglot"}
"""What a pure room may use besides the standard library."""

WORLD = {
    "asyncio",
    "boto3",
    "botocore",
    "getpass",
    "glob",
    "http",
    "locale",
    "logging",
    "multiprocessing",
    "os",
    "pathlib.Path",
    "platform",
    "random",
    "secrets",
    "select",
    "shutil",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
    "uuid",
}
"""Modules that give access to the clock, the environment, the network, files or randomness."""

WORLDLY_CALLS = {"now", "utcnow", "today", "open", "print", "input", "exec", "eval", "__import__"}


def room_of(module: str) -> str:
    """``belay.stack.plan`` is in the room ``stack``; the package itself is in none."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


INSIDE = {name: path for name, path in layer_modules().items() if room_of(name) not in {EDGE, *FOR_HANDLERS}}
PURE = {name: path for name, path in INSIDE.items() if room_of(name) not in OUTER}


def whole(tree: ast.Module, module: str) -> bool:
    """Whether a module is imported as a whole, so that everything in it is accessible."""
    return any(alias.name == module for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names)


def worldly_imports(tree: ast.Module) -> Iterator[str]:
    for name in imported(tree):
        if name in WORLD or name.split(".")[0] in WORLD or (name == "pathlib" and whole(tree, name)):
            yield f"imports {name}"


def worldly(tree: ast.Module) -> Iterator[str]:
    yield from worldly_imports(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in WORLDLY_CALLS and not (isinstance(node.func, ast.Attribute) and called in {"open", "input"}):
                yield f"line {node.lineno} calls {called}()"


@pytest.mark.parametrize("module", PURE)
def test_pure_rooms_know_no_world(module: str) -> None:
    assert not list(worldly(parsed(PURE[module])))


@pytest.mark.parametrize("module", INSIDE)
def test_only_the_edge_lets_the_world_in(module: str) -> None:
    assert not list(worldly_imports(parsed(INSIDE[module])))


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "from datetime import datetime\ndatetime.now()",
        "from boto3.session import Session",
        "import pathlib",
    ],
)
def test_what_would_let_the_world_in_is_seen(source: str) -> None:
    assert list(worldly(ast.parse(source)))


@pytest.mark.parametrize("module", layer_modules())
def test_third_party_packages_stay_where_they_belong(module: str) -> None:
    allowed = {EDGE: {"boto3", "botocore"}, "observability": {"aws_lambda_powertools"}}.get(
        room_of(module), THIRD_PARTY
    )
    roots = {name.split(".")[0] for name in imported(parsed(layer_modules()[module]))}
    assert roots - sys.stdlib_module_names - {"belay"} <= allowed


ROOT = LAYER.parents[2]
COMMAND = {str(path.relative_to(ROOT)): path for path in sorted((ROOT / "cli").rglob("*.py"))}
PACKS = {str(path.relative_to(ROOT)): path for path in sorted((ROOT / "packs").rglob("*.py"))}


def makes_clients(path: Path) -> bool:
    attributes = (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Attribute))
    making = {"boto3.client", "boto3.resource", "boto3.Session", "botocore.session"}
    return not making.isdisjoint(map(ast.unparse, attributes))


def test_clients_are_made_in_one_place() -> None:
    """Everything else gets its gateways from ``Aws``; commands have a session for ``--profile``."""
    steps = [path for function in function_modules() for path in step_modules(function).values()]
    every = [*layer_modules().values(), *function_modules().values(), *steps, *COMMAND.values()]
    assert {path.name for path in filter(makes_clients, every)} == {"gateways.py", "signed_in.py"}


def test_a_pack_makes_its_clients_where_it_begins() -> None:
    """A pack is deployed beside the gateways, with its own permissions: its inner modules are given clients."""
    making = {name for name, path in PACKS.items() if makes_clients(path)}
    assert {name for name in making if not name.endswith("/app.py")} == {"packs/executors/suite.py"}


def test_the_command_has_its_clients_behind_the_edge() -> None:
    """It uses botocore only to handle an error before any call, such as no region."""
    knowing = {
        module
        for module, path in COMMAND.items()
        if {name.split(".")[0] for name in imported(parsed(path))} & {"boto3", "botocore", "s3transfer"}
    }
    assert knowing == {"cli/problems.py"}


def test_no_client_is_used_outside_the_edge() -> None:
    """Inner modules, every step, and the command are given gateways."""
    steps = {
        f"functions.{name}": path for function in function_modules() for name, path in step_modules(function).items()
    }
    apps = {f"functions.{name}.app": path for name, path in function_modules().items()}
    asking = {
        module
        for module, path in {**INSIDE, **steps, **apps, **COMMAND}.items()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "client"
    }
    assert asking == set()


LONGEST_HANDLER = 18
"""Lines of a handler's body without its docstring: parse, gather, decide, act, return."""


@pytest.mark.parametrize("function", function_modules())
def test_a_handler_is_short(function: str) -> None:
    for module in step_modules(function).values():
        (handler,) = [
            node for node in parsed(module).body if isinstance(node, ast.FunctionDef) and node.name == "handler"
        ]
        first, last = handler.body[1], handler.body[-1]
        assert ast.get_docstring(handler), module
        assert (last.end_lineno or 0) - first.lineno + 1 <= LONGEST_HANDLER, module


@pytest.mark.parametrize("module", layer_modules())
def test_arrows_point_inward(module: str) -> None:
    room = room_of(module)
    rooms = {room_of(name) for name in imported(parsed(layer_modules()[module])) if name.startswith("belay.")}
    reachable = OUTER if room == "home" else OUTER[: OUTER.index(room)] if room in OUTER else []
    beside = FOR_HANDLERS if room in FOR_HANDLERS else {room}
    forbidden = {*OUTER, *FOR_HANDLERS} - {*reachable, *beside}
    assert not (rooms if room == "errors" else rooms & forbidden)


def test_rooms_form_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for name, path in layer_modules().items():
        rooms = {room_of(each) for each in imported(parsed(path)) if each.startswith("belay.")}
        graph.setdefault(room_of(name), set()).update(rooms - {room_of(name)})
    order = list(TopologicalSorter(graph).static_order())
    assert order.index("errors") < order.index(EDGE) < order.index("ledger") < order.index("control")


def test_modules_form_no_circle() -> None:
    modules = layer_modules()
    TopologicalSorter({name: modules.keys() & set(imported(parsed(path))) for name, path in modules.items()}).prepare()


@pytest.mark.parametrize("function", function_modules())
def test_functions_use_the_layer_and_the_standard_library_alone(function: str) -> None:
    for module in [function_modules()[function], *step_modules(function).values()]:
        roots = {name.split(".")[0] for name in imported(parsed(module))}
        assert roots <= sys.stdlib_module_names | {"belay", function}, module
        assert not roots & {"os", "time", "random", "socket", "subprocess"}, module


def test_a_function_is_a_directory_of_modules() -> None:
    for directory in FUNCTIONS.iterdir():
        files = {path.name for path in directory.iterdir() if path.name != "__pycache__"}
        assert "app.py" in files, directory
        assert all(name.endswith(".py") for name in files), directory


IMPORT_WITHOUT_A_WORLD = """
import importlib.util, os, sys
import boto3, botocore.session, aws_lambda_powertools, zoneinfo

def refuse(*args, **kwargs):
    raise AssertionError("reached for the world at import")

class Refusing(dict):
    __getitem__ = get = __contains__ = __iter__ = keys = items = refuse

boto3.client = boto3.resource = boto3.Session = boto3.session.Session = refuse
os.environ, os.getenv = Refusing(), refuse
for number, path in enumerate(sys.argv[1:]):
    spec = importlib.util.spec_from_file_location(f"app_{number}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except AssertionError as error:
        raise SystemExit(f"{path}: {error}")
    assert callable(module.handler), path
    if "sqlglot" in sys.modules:
        raise SystemExit(f"{path}: imports sqlglot, which takes a quarter of a second, before there is SQL")
print("imported", number + 1)
"""


def imported_without_a_world(paths: list[Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", IMPORT_WITHOUT_A_WORLD, *map(str, paths)],
        env={
            "PYTHONPATH": f"{LAYER.parent}{os.pathsep}{FUNCTIONS}",
            "PATH": os.defpath,
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_importing_a_function_does_nothing() -> None:
    paths = list(function_modules().values())
    done = imported_without_a_world(paths)
    assert (done.returncode, done.stdout) == (0, f"imported {len(paths)}\n"), done.stderr


@pytest.mark.parametrize(
    "line",
    ["import os\nTABLE = os.environ['TABLE']", "from belay.aws.gateways import own_aws\nSTACKS = own_aws().stacks"],
)
def test_an_import_that_does_something_is_seen(tmp_path: Path, line: str) -> None:
    app = tmp_path / "app.py"
    app.write_text(f"{line}\n\ndef handler(event, context): ...\n")
    done = imported_without_a_world([app])
    assert done.returncode != 0
    assert "reached for the world at import" in done.stderr
