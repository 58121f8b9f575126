"""Templates that a release begins with: from files, or from a stack that exists."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from belay.aws.cloudformation import Stacks
from belay.errors import UnreadableTemplate
from belay.masking import MASK
from belay.template.loader import load
from belay.template.nested import STACK, STACK_TYPES
from belay.template.no_echo import secret_parameters
from belay.template.nodes import Document
from belay.template.sections import parameter_defaults
from cli.nested_urls import with_urls
from cli.problems import Refused
from cli.targets import MANIFEST, read_target
from cli.template_nodes import kind_of, properties, text

FOLDER: Final = "templates"
"""Where the templates are in the release."""


@dataclass(frozen=True)
class OwnTemplates:
    """Templates by path, as they are found.

    ``roots`` are those that no other one nests, each with the name of its stack. ``nested`` has for each template the
    path of each nested stack's template, by logical id, and ``elsewhere`` what the others name instead. ``values`` are
    the parameters of an existing ``stack``, without those that are secret; ``role`` is its service role.
    """

    files: Mapping[str, bytes]
    roots: Mapping[str, str]
    nested: Mapping[str, Mapping[str, str]]
    elsewhere: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    stack: str | None = None
    role: str | None = None

    def document(self, path: str) -> Document:
        """Return a template, read."""
        return load(self.files[path], path)

    def below(self, path: str) -> list[str]:
        """Return a template and those nested in it, at every level, each once."""
        found = [path]
        for each in found:
            found += [child for child in self.nested.get(each, {}).values() if child not in found]
        return found

    def released(self) -> dict[str, bytes]:
        """Return the templates by path in the release, with the URLs that they have there."""
        return {f"{FOLDER}/{path}": self._released(path) for path in self.files}

    def _released(self, path: str) -> bytes:
        children = self.nested.get(path, {})
        if not children:
            return self.files[path]
        text = self.files[path].decode("utf-8-sig")
        passing = [name for name, child in children.items() if self.nested.get(child)]
        return with_urls(text, {name: f"{FOLDER}/{child}" for name, child in children.items()}, passing).encode()


def from_files(given: Path, application: str) -> OwnTemplates:
    """Find the templates of a folder, or a template and what it nests.

    Raises ``Refused`` where there are none, where one cannot be read, and where the folder is a release already.
    """
    if given.is_dir() and (given / MANIFEST).exists():
        raise Refused(f"{given} has a {MANIFEST}: it is a release already; see `belay release build --help`")
    try:
        target = read_target(str(given))
        if target.unreadable:
            raise Refused("\n".join(target.unreadable.values()))
        files: dict[str, bytes] = {}
        nested: dict[str, dict[str, str]] = {}
        elsewhere: dict[str, dict[str, str]] = {}
        waiting = [*target.roots]
        while waiting:
            path = waiting.pop(0)
            if path in files:
                continue
            files[path], nested[path], elsewhere[path] = target.files[path], {}, {}
            for name, url in _nested(load(files[path], path)):
                child = posixpath.normpath(posixpath.join(posixpath.dirname(path), url))
                if url and "://" not in url and not child.startswith(("..", "/")) and child in target.files:
                    nested[path][name] = child
                    waiting.append(child)
                else:
                    elsewhere[path][name] = url or "what a function says"
    except UnreadableTemplate as error:
        raise Refused(f"{error}\nname a template, or a folder of templates") from error
    children = {child for each in nested.values() for child in each.values()}
    roots = [path for path in target.roots if path not in children]
    if not roots:
        raise Refused(f"{given}: every template is nested in another one; expected one to begin with")
    roots.sort(key=lambda path: (b"ImportValue" in files[path], path))  # first those that import nothing from others
    named = {path: _stack_name(path, application if len(roots) == 1 else None) for path in roots}
    if len(set(named.values())) < len(named):
        raise Refused(f"{given}: two templates have the same name; begin with one of them: belay init APPLICATION FILE")
    return OwnTemplates(files, named, nested, elsewhere)


def from_stack(stacks: Stacks, stack: str, application: str) -> OwnTemplates:
    """Read an existing stack: its template, those of its nested stacks, and its parameters that are not secret.

    Raises ``Refused`` where there is none, or it is nested itself.
    """
    described = stacks.describe_stack(stack)
    if described is None:
        raise Refused(f"there is no stack {stack}: check --from-stack and --region")
    if "ParentId" in described:
        raise Refused(f"{stack} is nested in {described['RootId']}: begin with that one")
    files: dict[str, bytes] = {}
    nested: dict[str, dict[str, str]] = {}
    elsewhere: dict[str, dict[str, str]] = {}
    waiting: list[tuple[str, str, dict[str, str]]] = [(described["StackId"], application, {})]
    while waiting:
        stack_id, name, siblings = waiting.pop(0)
        body = stacks.get_template(stack_id)
        path = f"{name}.{'json' if body.lstrip().startswith(b'{') else 'yaml'}"
        siblings[name.rpartition("-")[2]] = path
        files[path], nested[path], elsewhere[path] = body, {}, {}
        children = [logical_id for logical_id, _ in _nested(load(body, path))]
        live = {each["LogicalResourceId"]: each for each in stacks.list_resources(stack_id)} if children else {}
        for logical_id in children:
            physical = live.get(logical_id, {}).get("PhysicalResourceId")
            if physical and live[logical_id]["ResourceType"] == STACK:
                waiting.append((physical, f"{name}-{logical_id}", nested[path]))
            else:
                elsewhere[path][logical_id] = "a template that no stack has"
    root = next(iter(files))
    return OwnTemplates(
        files,
        {root: application},
        nested,
        elsewhere,
        values=_values(described, load(files[root], root)),
        stack=stack,
        role=described.get("RoleARN"),
    )


def _values(described: Mapping[str, Any], template: Document) -> dict[str, str]:
    """Return the parameters of a stack that differ from their defaults and are no secrets."""
    passed = {each["ParameterKey"]: each.get("ParameterValue", "") for each in described.get("Parameters", ())}
    defaults, secret = parameter_defaults(template), secret_parameters(template)
    return {
        name: value
        for name, value in passed.items()
        if name not in secret and value != MASK and value != defaults.get(name)
    }


def _nested(template: Document) -> Iterator[tuple[str, str]]:
    """Yield the nested stacks of a template, each with its template's URL, empty where that is not plain text."""
    for name, node in template.section("Resources").entries.items():
        kind = kind_of(node)
        if kind in STACK_TYPES:
            yield name, text(properties(node).get("TemplateURL")) if kind == STACK else ""


_OF_NO_MEANING: Final = frozenset({"template", "templates", "main", "root", "index", "stack", "cloudformation"})


def _stack_name(path: str, application: str | None) -> str:
    """Name a stack after its template; ``application`` replaces a file name that says nothing."""
    stem = posixpath.basename(path).partition(".")[0]
    if application is not None and stem.lower() in _OF_NO_MEANING:
        return application
    letters = "".join(each if each.isascii() and each.isalnum() else "-" for each in stem).strip("-")[:40]
    return letters if letters[:1].isalpha() else f"s-{letters}"[:40]
