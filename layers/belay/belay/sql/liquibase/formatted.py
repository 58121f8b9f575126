"""Liquibase's formatted SQL: change sets in a SQL file, marked by comments.

Source: https://docs.liquibase.com/concepts/changelogs/sql-format.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from belay.errors import UnreadableChanges
from belay.sql.changes import Engine, SqlStatement
from belay.sql.doubts import doubt
from belay.sql.liquibase.changesets import LiquibaseChangeSet
from belay.sql.liquibase.delimiters import terminator
from belay.sql.liquibase.properties import Properties
from belay.sql.located import LocatedText, Part
from belay.sql.problems import Collected, problem_at, shown
from belay.sql.splitting import split
from belay.sql.substitution import doubted

HEADER: Final = re.compile(r"\s*--\s*liquibase\s+formatted\s+sql\b(?P<rest>[^\n]*)", re.IGNORECASE)
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+\Z")
_DIRECTIVE: Final = re.compile(
    r"\s*+--\s*+(?P<name>changeset|rollback|preconditions|precondition-[\w-]++|property|comment|validchecksum|ignorelines)"
    r"(?P<rest>:?(?:\s[^\n]*+)?+)$",
    re.IGNORECASE,
)
_IDENTITY: Final = re.compile(r"""\s*+(?P<author>"[^"]++"|[^:"]++):(?P<id>"[^"]+"|\S++)(?P<rest>.*)""", re.DOTALL)
_ATTRIBUTE: Final = re.compile(r"""(?<!\S)(?P<name>[A-Za-z]\w*+):(?P<value>"[^"]*"|'[^']*'|\S*+)""")
_BLOCK: Final = re.compile(r"\s*/\*\s*liquibase\s+rollback\s*$", re.IGNORECASE)
_NOTHING: Final = frozenset({"", "empty", "not required"})
_SKIPPING: Final = frozenset({"MARK_RAN", "CONTINUE"})


@dataclass(slots=True)
class _OpenChangeSet:
    """A change set that is still being read: parts of the file, by purpose."""

    start: int
    attributes: dict[str, str]
    body: list[Part] = field(default_factory=list)
    undo: list[Part] | None = None
    decisive: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def is_formatted(text: str) -> bool:
    """Whether a text declares itself Liquibase's formatted SQL."""
    return HEADER.match(text) is not None


def read_formatted(source: LocatedText, path: str, engine: Engine, properties: Properties) -> list[LiquibaseChangeSet]:
    """Return the change sets of a file in their order. Raises :class:`UnreadableChanges`."""
    header = HEADER.match(source.text)
    common = attributes_of(header["rest"]) if header else {}
    logical = {key: value for key, value in common.items() if key == "logicalfilepath"}
    collected = Collected()
    found = []
    for each in _FormattedReader(source, properties, collected).change_sets():
        each.attributes = {**logical, **each.attributes}
        with collected:
            found.append(_change_set(each, source, path, engine, properties))
    collected.raise_all()
    return found


def attributes_of(text: str) -> dict[str, str]:
    """Return the attributes ``name:value`` in a line, by their names in lower case."""
    return {found["name"].lower(): _unquoted(found["value"]) for found in _ATTRIBUTE.finditer(text)}


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


class _FormattedReader:
    def __init__(self, source: LocatedText, properties: Properties, collected: Collected) -> None:
        self._source = source
        self._properties = properties
        self._collected = collected
        self._open: _OpenChangeSet | None = None
        self._in_block = False

    def change_sets(self) -> Iterator[_OpenChangeSet]:
        for line in _LINE.finditer(self._source.text):
            text = line[0]
            if self._in_block:
                self._block_line(text, line.start())
                continue
            directive = _DIRECTIVE.match(text.rstrip("\r\n"))
            if directive and directive["name"].lower() == "changeset":
                if self._open:
                    yield self._open
                self._open = self._begun(directive, line.start())
            elif directive:
                self._directive(directive, line.start())
            elif self._open and _BLOCK.match(text):
                self._in_block = True
                self._open.undo = self._open.undo or []
            elif self._open:
                self._open.body.append((text, line.start(), True))
            elif text.strip() and not text.lstrip().startswith("--"):
                self._before_the_first(text, line.start())
        if self._open:
            yield self._open

    def _begun(self, directive: re.Match[str], start: int) -> _OpenChangeSet:
        identity = _IDENTITY.fullmatch(directive["rest"].removeprefix(":"))
        if identity is None:
            self._refuse(start, "expected --changeset author:id, found another form")
            return _OpenChangeSet(start, {"id": "", "author": ""})
        attributes = attributes_of(identity["rest"])
        named = [each["name"].lower() for each in _ATTRIBUTE.finditer(identity["rest"])]
        begun = _OpenChangeSet(
            start, {**attributes, "id": _unquoted(identity["id"]), "author": _unquoted(identity["author"].strip())}
        )
        if len(named) > len(attributes):
            begun.doubts.append("an attribute is given twice")
        return begun

    def _directive(self, directive: re.Match[str], start: int) -> None:
        name, rest = directive["name"].lower(), directive["rest"].removeprefix(":").strip()
        if name == "property":
            self._properties.define(attributes_of(rest), self._source.place(start))
        elif self._open is None or name in {"comment", "validchecksum"}:
            return
        elif name == "rollback":
            offset = start + directive.start("rest") + 1
            self._open.undo = self._open.undo or []
            self._open.undo.append((directive["rest"][1:] + "\n", offset, True))
        else:
            self._open.decisive.append(f"{name} {rest}")
            on_fail = {attributes_of(rest).get(key, "").upper() for key in ("onfail", "onerror")}
            if name == "preconditions" and on_fail & _SKIPPING:
                self._open.doubts.append("its preconditions may skip it")
            if name == "ignorelines":
                self._open.doubts.append("it ignores lines")

    def _block_line(self, text: str, start: int) -> None:
        end = text.find("*/")
        self._in_block = end < 0
        if self._open and self._open.undo is not None:
            self._open.undo.append((text if end < 0 else text[:end], start, True))

    def _before_the_first(self, text: str, start: int) -> None:
        if not text.lstrip().startswith("/*"):
            self._refuse(
                start, f"expected --changeset author:id before SQL, found {shown(text.strip())}, which is never run"
            )

    def _refuse(self, at: int, problem: str) -> None:
        self._collected.add(problem_at(self._source.place(at), problem))


def _change_set(
    found: _OpenChangeSet, source: LocatedText, path: str, engine: Engine, properties: Properties
) -> LiquibaseChangeSet:
    attributes = {key: properties.put_in(value) for key, value in found.attributes.items()}
    body = properties.put_into(source.joined(found.body))
    statements = _statements(body, attributes.get("enddelimiter", ""), engine, found)
    return LiquibaseChangeSet(
        path=path,
        place=source.place(found.start),
        attributes=attributes,
        statements=statements,
        undo=_undo(found, source, attributes, engine, properties),
        basis="\n".join([*found.decisive, body.text]),
        doubts=tuple(found.doubts),
    )


def _statements(text: LocatedText, delimiter: str, engine: Engine, found: _OpenChangeSet) -> tuple[SqlStatement, ...]:
    ends = terminator(delimiter, engine) if delimiter else ";"
    if ends is None:
        found.doubts.append(f"its endDelimiter {shown(delimiter)} is not read")
    return doubted(split(text, engine, ends or ";"))


def _undo(
    found: _OpenChangeSet, source: LocatedText, attributes: Mapping[str, str], engine: Engine, properties: Properties
) -> tuple[SqlStatement, ...] | None:
    if found.undo is None:
        return None
    text = properties.put_into(source.joined(found.undo))
    written = text.text.strip()
    if written.rstrip(";").strip().lower() in _NOTHING:
        return ()
    if written.lower().startswith("changesetid:"):
        return (doubt("its rollback is another change set", text.place(0), "rollback"),)
    delimiter = attributes.get("rollbackenddelimiter") or attributes.get("enddelimiter", "")
    ends = terminator(delimiter, engine) if delimiter else ";"
    try:
        return doubted(split(text, engine, ends or ";"))
    except UnreadableChanges as error:
        return (doubt(f"its rollback cannot be read: {error.problems[0]}", text.place(0), "rollback"),)
