"""Which calls of AWS a function can reach: the code of its steps and of the gateways, followed call by call.

A value's class is known if it is annotated, constructed, or returned by a function whose annotation says so, including
items of the result. That is enough for code as plain as the gateways' and the handlers'.
"""

import ast
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter
from pathlib import Path

from project import ROOT, layer_modules, parsed, step_modules

from belay.database.kinds import KINDS, UNIT_KINDS

Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Class:
    """A class in those rooms: its methods, the annotated classes of its attributes."""

    name: str
    module: str
    bases: tuple[str, ...] = ()
    methods: dict[str, Definition] = field(default_factory=dict)
    attributes: dict[str, ast.expr] = field(default_factory=dict)


@dataclass(frozen=True)
class Node:
    """One function or method; ``owner`` is its class."""

    module: str
    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}" if self.owner else self.name


@dataclass
class Code:
    """The modules a function consists of: its own, and those of the rooms that reach AWS."""

    classes: dict[str, Class] = field(default_factory=dict)
    functions: dict[tuple[str, str], Definition] = field(default_factory=dict)
    imports: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    @cache
    def of(cls, function: str) -> "Code":
        code = cls()
        for step, path in step_modules(function).items():
            code.add(f"functions.{step}", path)
        code.add_rooms()
        return code

    @classmethod
    @cache
    def of_the_command(cls) -> "Code":
        """The command's own modules, and the rooms that reach AWS."""
        code = cls()
        for path in sorted((ROOT / "cli").rglob("*.py")):
            code.add(".".join(path.relative_to(ROOT).with_suffix("").parts), path)
        code.add_rooms()
        return code

    def add_rooms(self) -> None:
        for name, path in layer_modules().items():
            if name == "belay.home" or name.startswith(("belay.aws.", "belay.ledger.", "belay.control.")):
                self.add(name, path)

    def add(self, module: str, path: Path) -> None:
        for node in parsed(path).body:
            if isinstance(node, ast.ImportFrom):
                self.imports |= {(module, alias.asname or alias.name): node.module or "" for alias in node.names}
            elif isinstance(node, Definition):
                self.functions[module, node.name] = node
            elif isinstance(node, ast.ClassDef):
                self.classes[node.name] = _class(node, module)

    def definition(self, node: Node) -> Definition:
        if node.owner:
            return self.classes[node.owner].methods[node.name]
        return self.functions[node.module, node.name]

    def attribute(self, owner: str, name: str) -> ast.expr | None:
        """The annotation of an attribute that a class has, or inherits."""
        found = self.classes[owner]
        inherited = (self.attribute(each, name) for each in found.bases if each in self.classes)
        return found.attributes.get(name) or next(filter(None, inherited), None)

    def annotated(self, annotation: ast.expr | None) -> str | None:
        """The first of the project's classes in an annotation."""
        for part in ast.walk(annotation) if annotation is not None else ():
            name = part.id if isinstance(part, ast.Name) else part.value if isinstance(part, ast.Constant) else None
            if isinstance(name, str) and name in self.classes:
                return name
        return None

    def class_of(self, value: ast.expr, known: dict[str, str], module: str) -> str | None:
        """The class of an expression's value, if it is one of the project's."""
        if isinstance(value, ast.Name):
            return known.get(value.id)
        if isinstance(value, ast.Attribute):
            owner = self.class_of(value.value, known, module)
            if owner is None:
                return None
            method = self.classes[owner].methods.get(value.attr)
            return self.annotated(method.returns if method else self.attribute(owner, value.attr))
        if isinstance(value, ast.Call):
            target = self.target(value, known, module)
            if target is None:
                return None
            return target.owner if target.name == "__init__" else self.annotated(self.definition(target).returns)
        return None

    def target(self, call: ast.Call, known: dict[str, str], module: str) -> Node | None:
        """The project's function that a call calls."""
        function = call.func
        if isinstance(function, ast.Name):
            constructed = known.get("cls", "") if function.id == "cls" else function.id
            if constructed in self.classes:
                return Node(self.classes[constructed].module, constructed, "__init__")
            home = module if (module, function.id) in self.functions else self.imports.get((module, function.id), "")
            return Node(home, "", function.id) if (home, function.id) in self.functions else None
        if isinstance(function, ast.Attribute):
            named = function.value.id if isinstance(function.value, ast.Name) else ""
            owner = named if named in self.classes else self.class_of(function.value, known, module)
            if owner is not None and function.attr in self.classes[owner].methods:
                return Node(self.classes[owner].module, owner, function.attr)
        return None

    def known_in(self, node: Node) -> dict[str, str]:
        """The classes of a function's variables."""
        definition = self.definition(node)
        arguments = [*definition.args.posonlyargs, *definition.args.args, *definition.args.kwonlyargs]
        known = {a.arg: found for a in arguments if (found := self.annotated(a.annotation))}
        if node.owner:
            known |= dict.fromkeys(("self", "cls"), node.owner)
        for part in ast.walk(definition):
            if isinstance(part, ast.Assign):
                for target in part.targets:
                    self._learn(target, part.value, known, node.module)
            elif isinstance(part, (ast.For, ast.comprehension)):
                for each in part.iter.elts if isinstance(part.iter, (ast.Tuple, ast.List)) else [part.iter]:
                    self._learn(part.target, each, known, node.module)
        return known

    def _learn(self, target: ast.expr, value: ast.expr, known: dict[str, str], module: str) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for each, part in zip(target.elts, value.elts, strict=True):
                self._learn(each, part, known, module)
        elif isinstance(target, ast.Name) and (found := self.class_of(value, known, module)):
            known[target.id] = found

    def calls(self, node: Node) -> Iterator[Node]:
        """The project's functions that a function may call, and those of an object that it passes on."""
        if node.owner and node.name == "__init__":
            methods = self.classes[node.owner].methods
            yield from (Node(node.module, node.owner, name) for name in methods if name.startswith("__get"))
            if "__init__" not in methods:
                return
        known = self.known_in(node)
        for part in ast.walk(self.definition(node)):
            if isinstance(part, ast.Call):
                target = self.target(part, known, node.module)
                if target is not None:
                    yield target
                else:
                    yield from self._handed_over(part, known, node.module)
            elif isinstance(part, ast.Attribute):
                owner = self.class_of(part.value, known, node.module)
                if owner is not None and part.attr in self.classes[owner].methods:
                    yield Node(self.classes[owner].module, owner, part.attr)

    def _handed_over(self, call: ast.Call, known: dict[str, str], module: str) -> Iterator[Node]:
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
            owner = self.class_of(argument, known, module)
            if owner is not None and isinstance(call.func, ast.Name):
                yield from (
                    Node(self.classes[owner].module, owner, m) for m in self.classes[owner].methods if m[0] != "_"
                )


@cache
def reached(function: str, step: str | None = None) -> frozenset[Node]:
    """Every function and method that the handlers of a function's steps, or of one of them, may reach."""
    steps = step_modules(function) if step is None else [step]
    return frozenset(followed(Code.of(function), {Node(f"functions.{each}", "", "handler") for each in steps}))


def followed(code: Code, seen: set[Node]) -> set[Node]:
    """Those functions and methods, and every one that they may reach."""
    waiting = [*seen]
    while waiting:
        for node in code.calls(waiting.pop()):
            if node not in seen and (
                not node.owner or node.name in code.classes[node.owner].methods or node.name == "__init__"
            ):
                seen.add(node)
                waiting.append(node)
    return seen


@cache
def operations(function: str, step: str | None = None) -> frozenset[tuple[str, str]]:
    """The calls of AWS that a function, or one of its steps, may make: the gateway's method and the operation
    (``EC2.DescribeVpcs``)."""
    return frozenset(calls_of(Code.of(function), reached(function, step)))


def calls_of(code: Code, nodes: Set[Node]) -> set[tuple[str, str]]:
    """The calls of AWS that these functions and methods make."""
    return {
        (str(node), operation)
        for node in nodes
        if node.name != "__init__" or "__init__" in code.classes[node.owner].methods
        for call in ast.walk(code.definition(node))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "translated"
        for operation in _spellings(call.args[0])
    }


def _spellings(name: ast.expr) -> list[str]:
    """What an operation's name may be: it is written out, or depends on the kind of database."""
    if isinstance(name, ast.Constant):
        return [str(name.value)]
    assert isinstance(name, ast.JoinedStr), ast.unparse(name)
    spelled = [""]
    for part in name.values:
        if isinstance(part, ast.Constant):
            choices = [str(part.value)]
        else:
            assert isinstance(part, ast.FormattedValue)
            choices = _choices(part.value)
        spelled = [before + choice for before in spelled for choice in choices]
    return spelled


def _choices(value: ast.expr) -> list[str]:
    asked = ast.unparse(value)
    if asked.startswith("kind."):
        kinds = KINDS.values() if asked.startswith("kind.snapshot.") else UNIT_KINDS
        return sorted({attrgetter(asked.removeprefix("kind."))(kind) for kind in kinds})
    return [f"{{{asked}}}"]


def _class(node: ast.ClassDef, module: str) -> Class:
    found = Class(node.name, module, tuple(map(ast.unparse, node.bases)))
    for item in node.body:
        if isinstance(item, Definition):
            found.methods[item.name] = item
        elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            found.attributes[item.target.id] = item.annotation
    constructor = found.methods.get("__init__")
    if constructor is not None:
        arguments = (*constructor.args.args, *constructor.args.kwonlyargs)
        given = {argument.arg: argument.annotation for argument in arguments if argument.annotation}
        for part in ast.walk(constructor):
            if not isinstance(part, ast.Assign):
                continue
            value = part.value
            constructed = value.func if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else None
            annotation = given.get(value.id) if isinstance(value, ast.Name) else constructed
            if annotation is not None:
                found.attributes |= {t.attr: annotation for t in part.targets if isinstance(t, ast.Attribute)}
    return found
