"""Change sets for display, with secret values masked."""

from collections.abc import Iterator, Mapping

from belay.aws.cloudformation import Stacks
from belay.errors import UnreadableTemplate
from belay.stack.change_set import ChangeSet
from belay.stack.shown import without_secrets
from belay.template.loader import load
from belay.template.nodes import Document


def shown(change_sets: Mapping[str, ChangeSet | None], stacks: Stacks) -> dict[str, ChangeSet | None]:
    """Return change sets with the secret values masked, by the templates they deploy and those of their stacks."""
    return {
        stack: None if change_set is None else without_secrets(change_set, dict(_templates(change_set, stacks)))
        for stack, change_set in change_sets.items()
    }


def _templates(change_set: ChangeSet, stacks: Stacks) -> Iterator[tuple[str, list[Document | None]]]:
    documents = [_read(stacks.change_set_template(change_set.change_set_id), change_set.change_set_id)]
    if any(each.action != "Add" for each in change_set.changes):
        documents.append(_read(stacks.get_template(change_set.stack_id, "Processed"), change_set.stack_id))
    yield change_set.change_set_id, documents
    for each in change_set.nested:
        yield from _templates(each, stacks)


def _read(template: bytes, name: str) -> Document | None:
    try:
        return load(template, name)
    except UnreadableTemplate:
        return None
