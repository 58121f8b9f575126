"""What people may see of a change set: everything but secret values."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from belay.documents import parsed
from belay.errors import UnreadableRecord
from belay.masking import MASK, Path, masked_parameter, masked_value
from belay.stack.change_set import Change, ChangeSet, Detail
from belay.template.no_echo import no_echo, secret_places, write_only
from belay.template.nodes import Document

_EVERYTHING: Path = ()

Templates = Mapping[str, Sequence[Document | None]]
"""A change set's templates by its id: the one it deploys and the stack's own, None where one could not be read."""


def without_secrets(change_set: ChangeSet, templates: Templates, passed: Collection[str] = ()) -> ChangeSet:
    """Return a change set, with those of nested stacks, whose secret values are masked.

    A value is secret by the templates' NoEcho, wherever an expression carries it, by the resource schema's write-only
    properties, and by its name. ``passed`` are the parameters of a nested stack that its parent gives secrets to. If a
    template could not be read, no value is shown.
    """
    documents = [each for each in templates[change_set.change_set_id] if each is not None]
    unread = len(documents) < len(templates[change_set.change_set_id])
    hidden = frozenset(passed).union(*map(no_echo, documents))
    if unread:
        hidden |= change_set.parameters.keys()
    places: dict[str, set[Path]] = {}
    for document in documents:
        for name, found in secret_places(document, hidden).items():
            places.setdefault(name, set()).update(found)
    secret = {
        each.logical_id: {_EVERYTHING}
        if unread
        else {*places.get(each.logical_id, ()), *write_only(each.resource_type)}
        for each in change_set.changes
    }
    nested = {each.nested_change_set: _passed_on(secret[each.logical_id]) for each in change_set.changes}
    return replace(
        change_set,
        parameters={name: masked_parameter(name, value, hidden) for name, value in change_set.parameters.items()},
        resolved={name: masked_parameter(name, value, hidden) for name, value in change_set.resolved.items()},
        changes=tuple(_change(each, secret[each.logical_id]) for each in change_set.changes),
        nested=tuple(without_secrets(each, templates, nested[each.change_set_id]) for each in change_set.nested),
    )


def _passed_on(secret: Collection[Path]) -> set[str]:
    """Return the parameters of a nested stack that receive a secret."""
    return {path[1] for path in secret if path[:1] == ("Parameters",) and len(path) > 1}


def _change(change: Change, secret: Collection[Path]) -> Change:
    return replace(
        change,
        before=_context(change.before, secret),
        after=_context(change.after, secret),
        details=tuple(_detail(each, secret) for each in change.details),
    )


def _context(context: str | None, secret: Collection[Path]) -> str | None:
    if context is None:
        return None
    document = _parsed(context)
    if not isinstance(document, dict):
        return MASK
    shown = {key: masked_value(each, secret if key == "Properties" else ()) for key, each in document.items()}
    return json.dumps(shown)


def _detail(detail: Detail, secret: Collection[Path]) -> Detail:
    path = _path(detail)
    return replace(detail, before=_value(detail.before, secret, path), after=_value(detail.after, secret, path))


def _path(detail: Detail) -> Path:
    """``("Tags", "*", "Value")`` of ``/Properties/Tags/0/Value``."""
    parts = (detail.path or f"/{detail.attribute}/{detail.name or ''}").strip("/").split("/")
    return tuple("*" if part.isdecimal() else part for part in parts if part != "Properties")


def _value(text: str | None, secret: Collection[Path], path: Path) -> str | None:
    """Mask one value of a detail, which is a string or the JSON of an object or a list."""
    if text is None:
        return None
    value = _parsed(text)
    if isinstance(value, dict | list):
        return json.dumps(masked_value(value, secret, path))
    return str(masked_value(text, secret, path))


def _parsed(text: str) -> Any:
    try:
        return parsed(text, "a value")
    except UnreadableRecord:
        return None
