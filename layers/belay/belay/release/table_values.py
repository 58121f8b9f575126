"""Parameters whose values are in tables: an operator registers where, and they are read when a stage is planned."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from belay.errors import InvalidRelease
from belay.masking import sounds_secret
from belay.release.document import Node, describe, join, quote
from belay.release.manifest import LONGEST_PARAMETER, note_parameter_name

TABLE_VALUES: Final = "table-values.json"
"""The stage's document with the values read for it."""

_TABLE: Final = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_ATTRIBUTE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,255}")
_KEY_VALUE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,1024}")
_LONGEST_SHOWN: Final = 80
_MOST_KEYS: Final = 2
"""A partition key, and a sort key if the table has one."""


@dataclass(frozen=True)
class TableAttribute:
    """An attribute of an item of a DynamoDB table in the stage's account and region; its key consists of strings.

    ``value`` is what was read when the stage was planned, and ``former`` the stack's value then, None if it had none;
    before that both are None.
    """

    table: str
    key: Mapping[str, str]
    attribute: str
    value: str | None = None
    former: str | None = None

    @property
    def where(self) -> str:
        """Where the value is: ``Version of Item orders, Owner payments/production in the table shared``."""
        return f"{self.attribute} of {self.item} in the table {self.table}"

    @property
    def item(self) -> str:
        """The key in words."""
        return ", ".join(f"{name} {value}" for name, value in sorted(self.key.items()))

    def read_as(self, value: str, former: str | None) -> "TableAttribute":
        """Return it with the value read."""
        return replace(self, value=value, former=former)

    def told(self, stack: str, parameter: str) -> str | None:
        """Say how the parameter changes; None if it does not, or was not read."""
        if self.value is None or self.value == self.former:
            return None
        value = _shown(self.value)
        how = f"is {value}" if self.former is None else f"changes from {_shown(self.former)} to {value}"
        return f"{stack}: the parameter {parameter} {how}: {self.where}"


def read_table_attributes(node: Node) -> dict[str, TableAttribute]:
    """Read those parameters of a registered stack that are mappings: each says where a value is."""
    entries = node.entries() if isinstance(node.value, dict) else {}
    found = {name: entry for name, entry in entries.items() if isinstance(entry.value, dict)}
    for name, entry in found.items():
        note_parameter_name(name, entry)
    return {name: _table_attribute(entry) for name, entry in found.items()}


def without_tables(node: Node) -> Node:
    """Return the node of a registered stack's parameters without those that ``read_table_attributes`` reads."""
    if not isinstance(node.value, dict):
        return node
    return replace(node, value={name: each for name, each in node.value.items() if not isinstance(each, dict)})


def text_of(item: Mapping[str, object] | None, source: TableAttribute) -> str:
    """Return the attribute of a read item as a parameter's value.

    Raises ``InvalidRelease`` if there is none, or it is neither a string nor a number.
    """
    if item is None:
        raise InvalidRelease([f"expected an item {source.item} in the table {source.table}, found none"])
    if source.attribute not in item:
        has = ", ".join(sorted(item))
        raise InvalidRelease([f"expected {source.where}, but the item has only {has}"])
    found = item[source.attribute]
    if not isinstance(found, str):
        raise InvalidRelease([f"expected {source.where} to be a text or a number, found {describe(found)}"])
    if len(found.encode()) > LONGEST_PARAMETER:
        size = len(found.encode())
        raise InvalidRelease([f"expected {source.where} to be at most {LONGEST_PARAMETER} bytes, found {size}"])
    return found


def _shown(value: str) -> str:
    """Return a table's value on one line, for a message."""
    return value if value and value.isprintable() and len(value) <= _LONGEST_SHOWN else quote(value)


def _table_attribute(node: Node) -> TableAttribute:
    fields = node.fields(["table", "key", "attribute"])
    key, attribute = fields["key"], fields["attribute"]
    entries = key.entries("a mapping of the item's key")
    if key.value == {} or len(entries) > _MOST_KEYS:
        key.note(f"expected the item's whole key, one or two attributes, found {len(entries)}")
    for name, entry in entries.items():
        if not _ATTRIBUTE.fullmatch(name):
            entry.note(f"expected the name of an attribute, found {quote(name)}")
    named = attribute.text(_ATTRIBUTE, "the name of an attribute")
    if sounds_secret(named):
        attribute.note("a table's values are no secrets: name a secret by a dynamic reference to Secrets Manager")
    return TableAttribute(
        table=fields["table"].text(_TABLE, "the name of a DynamoDB table"),
        key={name: entry.text(_KEY_VALUE, "a text") for name, entry in entries.items()},
        attribute=named,
    )


def parameter_path(stage: str, stack: str, parameter: str) -> str:
    """Return the path of a registered parameter in a message: ``production: stacks.service.parameters.Version``."""
    return f"{stage}: {join(join('stacks', stack) + '.parameters', parameter)}"
