"""Nested stacks whose templates are files of the release."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from belay.errors import UnreadableTemplate
from belay.template.release_files import release_file
from belay.template.resolver import entries, get
from belay.template.resources import properties, resource, resource_type
from belay.template.scope import ListValue, MapValue, Scope
from belay.template.texts import as_text, unknown_at
from belay.template.values import NoValue, Unknown
from belay.template.world import World, explore

STACK = "AWS::CloudFormation::Stack"
STACK_TYPES = frozenset({STACK, "AWS::Serverless::Application"})
MAX_NESTING = 8
"""Levels of nested stacks that are followed."""


def template_file(body: MapValue, world: World) -> str | Unknown:
    """Return the path in the release of a nested stack's template, or why it has none; the file may not exist."""
    scope = body.scope
    given = properties(body, world)
    if isinstance(given, Unknown):
        return given
    kind = resource_type(body)
    url = get(given, "TemplateURL" if kind == STACK else "Location", world)
    if not isinstance(url, (str, Unknown)):
        return unknown_at(body.node, scope, "the URL of its template is not known")
    file = release_file(url, parent=scope.document.path, release=scope.release)
    return file or _not_in_release(body, as_text(url) or "?")


def _not_in_release(body: MapValue, shown: str) -> Unknown:
    return unknown_at(body.node, body.scope, f"its template {shown} is not a file of this release")


def child_stack(name: str, body: MapValue, world: World) -> Scope | Unknown:
    """Return the scope of a nested stack, or unknown if its template is not a file of the release."""
    scope = body.scope
    path = scope.key(name)
    file = template_file(body, world)
    if isinstance(file, Unknown):
        return file
    try:
        document = scope.read(file)
    except UnreadableTemplate as error:
        return unknown_at(body.node, scope, f"its template cannot be read: {error}")
    if document is None:
        return _not_in_release(body, file)
    if path.count("/") >= MAX_NESTING:
        return unknown_at(body.node, scope, f"it is nested more than {MAX_NESTING} levels deep")
    given = properties(body, world)
    passed = given if isinstance(given, Unknown) else get(given, "Parameters", world)
    bindings = entries(passed, world) if isinstance(passed, MapValue) else passed
    if isinstance(bindings, (Unknown, ListValue, str)):
        return unknown_at(body.node, scope, "the parameters passed to it are not known")
    parameters = {} if isinstance(bindings, NoValue) else dict(bindings)
    return replace(scope, document=document, stack=path, parameters=parameters, defaults_apply=True, loops={})


def has_resource(path: str, scope: Scope) -> bool:
    """Whether a stack, or one nested in it, may have a resource: ``Storage/Table``, by logical ids."""
    return any(branch.outcome for branch in explore(partial(_has, path.split("/"), scope), None, scope.budget))


def _has(path: Sequence[str], scope: Scope, world: World) -> bool:
    *stacks, last = path
    for each in stacks:
        body = resource(each, scope, world)
        child = child_stack(each, body, world) if body and resource_type(body) in STACK_TYPES else None
        if not isinstance(child, Scope):
            return False
        scope = child
    return last in scope.document.section("Resources").entries
